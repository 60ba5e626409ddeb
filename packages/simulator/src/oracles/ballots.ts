import type { NodeId } from "@synod/core";
import type { Accuse } from "./verdict.ts";

/**
 * Elections that one incarnation may begin within one election time-out, which is the longest wait
 * before one. The shortest wait is half as long, and a clock may run five percent fast: three waits
 * take 1.4 time-outs at least, so four elections never fit.
 */
const ELECTIONS_MAX = 3;

/**
 * Ballots rise for want of a leader, not for ever. While there are faults each node stands for
 * election as often as its time-outs let it, and no more. Once a core that the faults have left is
 * at rest it has its leader, and none of its members raises a ballot any more, whatever comes from
 * outside: a node that hears nothing but is heard must not depose one leader after another.
 */
export class Ballots {
  readonly #accuse: Accuse;
  readonly #now: () => number;
  readonly #electionTimeoutMs: number;
  /** When each incarnation began its latest elections, virtual ms, ascending. */
  readonly #begun = new Map<NodeId, readonly number[]>();
  #settled: ReadonlySet<NodeId> = new Set();

  constructor(accuse: Accuse, now: () => number, electionTimeoutMs: number) {
    this.#accuse = accuse;
    this.#now = now;
    this.#electionTimeoutMs = electionTimeoutMs;
  }

  /** `node` has raised a ballot of its own, to be elected in. */
  begins(node: NodeId): void {
    if (this.#settled.has(node))
      this.#accuse("ballots", `node ${node} raises a ballot in a core that is at rest`);
    const now = this.#now();
    const before = this.#begun.get(node) ?? [];
    const recent = [...before.filter((at) => now - at < this.#electionTimeoutMs), now];
    this.#begun.set(node, recent);
    const span = `${Math.round(this.#electionTimeoutMs)} ms`;
    if (recent.length > ELECTIONS_MAX)
      this.#accuse("ballots", `node ${node} raises ${recent.length} ballots within ${span}`);
  }

  /** The incarnation of `node` is gone, or its clock has leapt: what it waited for is cut short. */
  excuse(node: NodeId): void {
    this.#begun.delete(node);
  }

  /** From now on these have their leader and all that they were asked for, and keep it. */
  settle(core: ReadonlySet<NodeId>): void {
    this.#settled = core;
  }
}
