import type { Position } from "@synod/core";
import { type Failed, type FailureCode, failed } from "../outcome.ts";

interface PendingRead {
  readonly token: number;
  readonly query: Uint8Array;
  readonly deadline: number;
}

/** Reads that share one id towards the protocol. */
interface AskedBatch {
  readonly reads: readonly PendingRead[];
  /**
   * A protocol may forget reads (a new leader, a full table): then they are asked again under a new
   * id.
   */
  readonly askAgainAt: number;
}

/** A read that the protocol has cleared: to be evaluated once executed to its batch's position. */
export interface ClearedBatch {
  readonly position: Position;
  readonly validUntil: number | null;
  readonly reads: readonly PendingRead[];
}

/**
 * The linearizable reads of this node. All that arrive in one turn share one id towards the
 * protocol, so that a thousand reads cost one confirmation round.
 */
export class Reads {
  readonly #outstandingMax: number;
  readonly #askAgainMs: number;
  readonly #fail: (token: number, outcome: Failed) => void;
  #gathering: PendingRead[] = [];
  /** Asked of the protocol, by batch id. */
  readonly #asked = new Map<number, AskedBatch>();
  /** Waiting for execution. */
  #cleared: ClearedBatch[] = [];
  #nextBatch = 1;
  #count = 0;

  constructor(
    limits: { readonly outstandingMax: number; readonly resubmitMs: number },
    fail: (token: number, outcome: Failed) => void,
  ) {
    this.#outstandingMax = limits.outstandingMax;
    this.#askAgainMs = limits.resubmitMs;
    this.#fail = fail;
  }

  get outstanding(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#outstandingMax;
  }

  get hasGathered(): boolean {
    return this.#gathering.length > 0;
  }

  add(token: number, query: Uint8Array, deadline: number): void {
    this.#count += 1;
    this.#gathering.push({ token, query, deadline });
  }

  /** A read that is content with whatever has been executed here. */
  addStale(token: number, query: Uint8Array, deadline: number): void {
    this.#count += 1;
    const read = { token, query, deadline };
    this.#cleared.push({ position: { log: 0, index: 0 }, validUntil: null, reads: [read] });
  }

  /** The id of a batch of all that was gathered, to be asked of the protocol now. */
  takeBatch(now: number): number {
    const batch = this.#nextBatch;
    this.#nextBatch += 1;
    this.#asked.set(batch, { reads: this.#gathering, askAgainAt: now + this.#askAgainMs });
    this.#gathering = [];
    return batch;
  }

  readable(batches: readonly number[], position: Position, validUntil: number | null): void {
    for (const batch of batches) {
      const asked = this.#asked.get(batch);
      if (asked === undefined) continue;
      this.#asked.delete(batch);
      this.#cleared.push({ position, validUntil, reads: asked.reads });
    }
  }

  /** Batches that can be evaluated at `executedUpTo`. */
  takeDue(executedUpTo: Position): readonly ClearedBatch[] {
    if (this.#cleared.length === 0) return [];
    const due: ClearedBatch[] = [];
    const waiting: ClearedBatch[] = [];
    for (const batch of this.#cleared)
      (batch.position.index <= executedUpTo.index ? due : waiting).push(batch);
    this.#cleared = waiting;
    return due;
  }

  answered(): void {
    this.#count -= 1;
  }

  /** Whoever was asked will not answer any more: all of them are asked again. */
  requeue(): void {
    for (const { reads } of this.#asked.values()) this.#gathering.push(...reads);
    this.#asked.clear();
  }

  /** Ends those that would need others to be answered. */
  refuse(code: FailureCode): void {
    this.requeue();
    const refused = this.#gathering;
    this.#gathering = [];
    for (const { token } of refused) {
      this.#count -= 1;
      this.#fail(token, failed(code, "no"));
    }
  }

  /** A lease had run out between clearing and evaluating: ask again. */
  again(read: PendingRead): void {
    this.#gathering.push(read);
  }

  tick(now: number): void {
    const alive = (read: PendingRead): boolean => {
      if (now < read.deadline) return true;
      this.#count -= 1;
      this.#fail(read.token, failed("deadline", "no"));
      return false;
    };
    this.#gathering = this.#gathering.filter(alive);
    for (const [batch, { reads, askAgainAt }] of this.#asked) {
      const left = reads.filter(alive);
      const again = now >= askAgainAt;
      if (again) this.#gathering.push(...left);
      if (again || left.length === 0) this.#asked.delete(batch);
      else if (left.length < reads.length) this.#asked.set(batch, { reads: left, askAgainAt });
    }
    this.#cleared = this.#cleared
      .map((batch) => ({ ...batch, reads: batch.reads.filter(alive) }))
      .filter((batch) => batch.reads.length > 0);
  }

  stop(): void {
    const reads = [
      ...this.#gathering,
      ...[...this.#asked.values()].flatMap((asked) => asked.reads),
      ...this.#cleared.flatMap((batch) => batch.reads),
    ];
    this.#gathering = [];
    this.#asked.clear();
    this.#cleared = [];
    this.#count = 0;
    for (const read of reads) this.#fail(read.token, failed("stopped", "no"));
  }
}
