import type { Clock, NodeId } from "@synod/core";
import type { SnapshotIntake } from "./snapshot-storage.ts";

/** Chunks asked for, or being written, at a time. */
const WINDOW = 8;
/** A chunk that has not come by then is asked for elsewhere. */
const CHUNK_MS = 2_000;
/** The last ones are asked for elsewhere already by then: everything waits for them. */
const LAST_MS = 500;
/** A source that was found late this often, and sent nothing in between, is asked no more. */
const LATE_MAX = 3;

export interface ChunkRequest {
  readonly from: NodeId;
  readonly index: number;
}

interface Asked {
  readonly from: NodeId;
  readonly since: number;
}

/**
 * Which chunks are asked for, of whom, and since when; in turn over all members that have the
 * snapshot.
 */
export class ChunkWindow {
  readonly #install: SnapshotIntake;
  readonly #clock: Clock;
  readonly #sources: NodeId[];
  readonly #late = new Map<NodeId, number>();
  /** Lowest last: the next one is popped. */
  readonly #missing: number[] = [];
  readonly #asked = new Map<number, Asked>();
  readonly #writing = new Set<number>();
  #turn: number;

  constructor(install: SnapshotIntake, sources: readonly NodeId[], turn: number, clock: Clock) {
    this.#install = install;
    this.#sources = [...sources];
    this.#turn = turn;
    this.#clock = clock;
    for (let index = install.manifest.chunks.length - 1; index >= 0; index -= 1)
      if (!install.has(index)) this.#missing.push(index);
  }

  get sources(): readonly NodeId[] {
    return this.#sources;
  }

  addSource(node: NodeId): void {
    if (!this.#sources.includes(node)) this.#sources.push(node);
  }

  /** Asks `node` no more; what it owes is asked for elsewhere. */
  removeSource(node: NodeId): void {
    const at = this.#sources.indexOf(node);
    if (at >= 0) this.#sources.splice(at, 1);
    this.#late.delete(node);
    for (const [index, { from }] of this.#highestFirst()) if (from === node) this.#again(index);
  }

  /** What to ask for next, counted as asked; null when there is nothing, or enough is under way. */
  next(): ChunkRequest | null {
    if (this.#sources.length === 0 || this.#asked.size + this.#writing.size >= WINDOW) return null;
    const index = this.#missing.pop();
    if (index === undefined) return null;
    const from = this.#sources[this.#turn % this.#sources.length] as NodeId;
    this.#turn = (this.#turn + 1) % 0x1_0000_0000;
    this.#asked.set(index, { from, since: this.#clock.now() });
    return { from, index };
  }

  /** A chunk has come; false when nobody waits for it. Followed by {@link written}. */
  arrived(from: NodeId, index: number): boolean {
    if (!this.#asked.delete(index)) return false;
    this.#late.delete(from);
    this.#writing.add(index);
    return true;
  }

  /** It is written, or could not be. */
  written(index: number): void {
    this.#writing.delete(index);
  }

  /** What `from` sent was not that chunk. */
  failed(from: NodeId, index: number): void {
    if (!this.#install.has(index)) this.#missing.push(index);
    this.removeSource(from);
  }

  /**
   * Gives up waiting for what should have come before `now`. Whoever owes any of it was late once,
   * however many chunks that are: they were asked for, and got lost, together.
   */
  expire(now: number): void {
    const areLast = this.#missing.length === 0 && this.#sources.length > 1;
    const late = new Set<NodeId>();
    for (const [index, { from, since }] of this.#highestFirst()) {
      if (now - since < (areLast ? LAST_MS : CHUNK_MS)) continue;
      this.#again(index);
      late.add(from);
    }
    for (const node of late) this.#wasLate(node);
  }

  /** Also for one of the last chunks: else it would be asked of two who are gone for ever. */
  #wasLate(node: NodeId): void {
    const times = (this.#late.get(node) ?? 0) + 1;
    this.#late.set(node, times);
    if (times >= LATE_MAX) this.removeSource(node);
  }

  /** So that the lowest of those that are asked for again comes first. */
  #highestFirst(): [number, Asked][] {
    return [...this.#asked].sort(([a], [b]) => b - a);
  }

  #again(index: number): void {
    this.#asked.delete(index);
    this.#missing.push(index);
  }
}
