import type { NodeId, QuorumSystem } from "@synod/core";
import { type HostStatus, quorumsOf } from "@synod/runtime";
import type { Accuse } from "./verdict.ts";

type Running = Pick<HostStatus, "node" | "configuration" | "membership">;

/**
 * Configurations intersect: no phase-1 quorum without a member in every phase-2 quorum, tried over
 * all pairs of subsets, whatever the quorum system says of itself; and whoever lives in
 * one of them lives in the same as all others that do.
 */
export class Configurations {
  readonly #accuse: Accuse;
  /** What each configuration is, as the first who lives in it says. */
  readonly #known = new Map<number, string>();

  constructor(accuse: Accuse) {
    this.#accuse = accuse;
  }

  intersect(members: readonly NodeId[], quorums: QuorumSystem): void {
    const subsets = subsetsOf(members);
    const first = subsets.filter((subset) => quorums.isPhase1(subset));
    const second = subsets.filter((subset) => quorums.isPhase2(subset));
    for (const a of first)
      for (const b of second)
        if ([...a].every((member) => !b.has(member)))
          return this.#accuse("configurations", `${[...a]} and ${[...b]} have no member in common`);
  }

  runs({ node, configuration, membership }: Running): void {
    const { members, quorums, began } = membership;
    const said = JSON.stringify({ members, quorums, began });
    const known = this.#known.get(configuration);
    if (known === undefined) {
      this.#known.set(configuration, said);
      if (members.length > 0) this.#check(configuration, membership);
    } else if (known !== said)
      this.#accuse(
        "configurations",
        `node ${node} has configuration ${configuration} as ${said}, others ${known}`,
      );
  }

  #check(number: number, { members, quorums }: Running["membership"]): void {
    const ids = members.map(({ id }) => id);
    this.intersect(ids, quorumsOf({ number, cluster: "", members, quorums }));
  }
}

function subsetsOf(members: readonly NodeId[]): ReadonlySet<NodeId>[] {
  return Array.from(
    { length: 1 << members.length },
    (_, bits) => new Set(members.filter((_member, at) => (bits & (1 << at)) !== 0)),
  );
}
