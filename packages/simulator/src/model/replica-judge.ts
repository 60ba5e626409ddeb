import type { Slot } from "@synod/core";
import type { Replica } from "./replica.ts";
import type { ModelInvariants } from "./replica-options.ts";

/** What the disks of all replicas say together, and what has been found of replicas beside them. */
interface Judged<H> {
  readonly history: H;
  readonly problem: string | null;
  readonly verdicts: Map<number, string | null>;
}

export interface Judge<S, M> {
  problem(replicas: readonly Replica<S, M>[]): string | null;
  chosen(replicas: readonly Replica<S, M>[], slot: Slot): string | null;
}

/**
 * The protocol's invariants in every state. They look at the disks of all and at one replica at a
 * time: each combination is judged once.
 */
export function createJudge<S, M, H>(
  invariants: ModelInvariants<S, M, H>,
  size: number,
): Judge<S, M> {
  const known = new Map<string, Judged<H>>();

  function judged(replicas: readonly Replica<S, M>[]): Judged<H> {
    let key = "";
    for (let node = 0; node < size; node += 1) key += `${replicas[node]?.durable.id},`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const history = invariants.history();
    let problem: string | null = null;
    for (const { node, durable } of replicas)
      for (const record of durable.records) problem ??= invariants.onDurable(history, node, record);
    const fresh = { history, problem, verdicts: new Map<number, string | null>() };
    known.set(key, fresh);
    return fresh;
  }

  function verdict(history: H, replica: Replica<S, M>): string | null {
    const problem = invariants.afterStep(history, replica.state);
    if (problem !== null) return problem;
    for (const [at, { slot, text }] of replica.delivered.entries()) {
      if (slot !== at + 1) return `node ${replica.node} delivers slot ${slot} as its ${at + 1}.`;
      const chosen = invariants.chosenIn(history, slot);
      if (chosen === text) continue;
      const was = chosen === null ? "nothing was" : `"${chosen}" was`;
      return `node ${replica.node} delivers "${text}" in slot ${slot}, where ${was} chosen`;
    }
    return null;
  }

  return {
    problem(replicas) {
      const { history, problem, verdicts } = judged(replicas);
      if (problem !== null) return problem;
      for (const replica of replicas) {
        let found = verdicts.get(replica.id);
        if (found === undefined) {
          found = verdict(history, replica);
          verdicts.set(replica.id, found);
        }
        if (found !== null) return found;
      }
      return null;
    },
    chosen: (replicas, slot) => invariants.chosenIn(judged(replicas).history, slot),
  };
}
