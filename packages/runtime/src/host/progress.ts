import type { Clock, NodeId } from "@synod/core";
import type { HostMessage } from "./host-messages.ts";

export interface ProgressOptions {
  readonly self: NodeId;
  readonly clock: Clock;
  readonly send: (to: NodeId, message: HostMessage) => void;
  /** The other members that are linked, by the directories that the cluster knows. */
  readonly peers: () => readonly NodeId[];
  /** Index in the log up to which this node has executed it; null: it executes nothing. */
  readonly executedUpTo: () => number | null;
}

/**
 * How far a member may be behind. More than a round trip takes: what it says is as old as that. And
 * little to catch up with: to execute takes a small part of the time that it took to choose.
 */
const BEHIND_MS = 1_000;

/** The most that anybody was known to have executed at a time. */
interface Mark {
  readonly at: number;
  upTo: number;
}

/** `unknown`: it has not answered yet. */
export type Pace = "level" | "behind" | "unknown";

/**
 * Who keeps up with the log, as far as a node can know that asks them for it; nothing is sent while
 * nobody wants to know. Whoever is behind has to catch up before it can vote in a configuration
 * that begins, so nobody should be needed there who has much to catch up with.
 */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #reported = new Map<NodeId, number | null>();
  /** Ascending; the first is the latest that is old enough, or the first at all. */
  #marks: Mark[] = [];

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /**
   * Asks all, and remembers what they should reach; called again and again for as long as needed.
   */
  survey(): void {
    const { clock, peers, send, executedUpTo } = this.#options;
    const at = clock.now();
    const known = [executedUpTo(), ...this.#reported.values()];
    const upTo = Math.max(...known.map((index) => index ?? 0));
    this.#marks.push({ at, upTo });
    while ((this.#marks[1]?.at ?? at) <= at - BEHIND_MS) this.#marks.shift();
    for (const peer of peers()) send(peer, { kind: "askProgress" });
  }

  /** The survey is over: what was heard is of no use for the next one. */
  end(): void {
    this.#marks = [];
    this.#reported.clear();
  }

  /**
   * Level: it has executed as much as anybody had {@link BEHIND_MS} ago, or when first heard of
   * since the survey began; or it executes nothing.
   */
  paceOf(node: NodeId): Pace {
    const { self, executedUpTo } = this.#options;
    const [mark] = this.#marks;
    const index = node === self ? executedUpTo() : this.#reported.get(node);
    if (mark === undefined || index === undefined) return "unknown";
    return index === null || index >= mark.upTo ? "level" : "behind";
  }

  asked(from: NodeId): void {
    const executedUpTo = this.#options.executedUpTo();
    this.#options.send(from, { kind: "progress", executedUpTo });
  }

  heard(from: NodeId, executedUpTo: number | null): void {
    if (!this.#options.peers().includes(from)) return;
    const [mark] = this.#marks;
    // The node that asks may be the one that is behind, and begins by knowing of nobody but itself.
    if (mark !== undefined && !this.#reported.has(from))
      mark.upTo = Math.max(mark.upTo, executedUpTo ?? 0);
    this.#reported.set(from, executedUpTo);
  }

  /** When it comes back, it may have executed less. */
  linkDown(peer: NodeId): void {
    this.#reported.delete(peer);
  }
}
