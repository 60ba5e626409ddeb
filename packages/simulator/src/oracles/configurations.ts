import type { NodeId, QuorumSystem } from "@synod/core";
import type { HostStatus } from "@synod/runtime";
import type { Accuse } from "./verdict.ts";

/**
 * Configurations intersect: no phase-1 quorum without a member in every phase-2 quorum, tried over
 * all pairs of subsets, whatever the quorum system says of itself; and all members that run live in
 * the same configuration.
 */
export class Configurations {
  readonly #accuse: Accuse;
  #number: number | null = null;

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

  runs({ node, configuration }: Pick<HostStatus, "node" | "configuration">): void {
    this.#number ??= configuration;
    if (configuration !== this.#number)
      this.#accuse(
        "configurations",
        `node ${node} lives in configuration ${configuration}, others in ${this.#number}`,
      );
  }
}

function subsetsOf(members: readonly NodeId[]): ReadonlySet<NodeId>[] {
  return Array.from(
    { length: 1 << members.length },
    (_, bits) => new Set(members.filter((_member, at) => (bits & (1 << at)) !== 0)),
  );
}
