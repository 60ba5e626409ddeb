import type { Input, NodeId } from "@synod/core";
import type { PmmcMessage, PmmcState } from "@synod/core/protocols/pmmc";

/** One look at a node's clock, ms. */
interface Look {
  readonly virtual: number;
  readonly local: number;
}

interface Clock {
  readonly first: Look;
  readonly latest: Look;
}

/**
 * Whether leases keep their word: while one lasts, by the clock of who holds it, nobody else comes
 * to lead. A lease that is broken for a moment is seen here, whether or not anybody reads then.
 */
export class Leases {
  readonly #states = new Map<NodeId, PmmcState>();
  readonly #clocks = new Map<NodeId, Clock>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** After a step: what a node notes when it asks for a lease tells its clock. */
  stepped(node: NodeId, state: PmmcState, input: Input<PmmcMessage>): void {
    this.#states.set(node, state);
    const { lease } = state.leader;
    const local = lease.sent.get(lease.round);
    if (input.kind !== "timeout" || input.name !== "lease" || local === undefined) return;
    const latest = { virtual: this.#now(), local };
    this.#clocks.set(node, { first: this.#clocks.get(node)?.first ?? latest, latest });
  }

  fell(node: NodeId): void {
    this.#states.delete(node);
    this.#clocks.delete(node);
  }

  /** `node` was elected; null when no lease of another one is broken by that. */
  elected(node: NodeId): string | null {
    for (const [other, { leader }] of this.#states) {
      if (other === node || leader.active === null) continue;
      const local = this.#local(other);
      if (local !== null && local < leader.lease.until)
        return `node ${node} leads while node ${other} has a lease`;
    }
    return null;
  }

  /** What the node's clock shows; null while that is not known. */
  #local(node: NodeId): number | null {
    const clock = this.#clocks.get(node);
    if (clock === undefined || clock.first === clock.latest) return null;
    const { first, latest } = clock;
    const rate = (latest.local - first.local) / (latest.virtual - first.virtual);
    return latest.local + rate * (this.#now() - latest.virtual);
  }
}
