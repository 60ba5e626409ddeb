import type { NodeId, Position } from "@synod/core";
import type { SnapshotProblem } from "./files.ts";
import { encodeManifest, type Manifest } from "./manifest.ts";
import type { TransferOptions } from "./transfer-options.ts";

/** A snapshot is kept for a member that is silent for no longer than this. */
export const LEASE_MS = 30_000;
/** Chunks read at a time, for all members together. */
const READS_MAX = 4;
/** Chunks that wait to be read; what is asked for beyond is asked for again. */
const QUEUE_MAX = 64;

interface Lease {
  readonly digest: string;
  expiresAt: number;
}

/** Somebody who fetches. */
interface Client {
  /** The position that he asked for. */
  position: Position;
  /** Until then it is taken that he is at it. */
  until: number;
}

interface ChunkToSend {
  readonly to: NodeId;
  readonly digest: string;
  readonly index: number;
}

/**
 * The side that has the state: offers its newest snapshot, and keeps it while it is being fetched.
 */
export class StateServing {
  readonly #options: TransferOptions;
  readonly #leases = new Map<NodeId, Lease>();
  /** Also after they have all of it. */
  readonly #clients = new Map<NodeId, Client>();
  readonly #queue: ChunkToSend[] = [];
  #reading = 0;
  #isResting = false;
  /** The newest position that somebody asked for in vain; 0: none. */
  #wanted = 0;
  #timer: number | null = null;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  /** Members that are fetching from here. */
  get serving(): number {
    return this.#leases.size;
  }

  /**
   * Somebody asked for a later state than at `position` and was offered one; it is taken that he
   * fetches it, here or elsewhere, and has to put it in place then.
   */
  isServing(position: Position): boolean {
    const now = this.#options.clock.now();
    const clients = [...this.#clients.values()];
    return clients.some(({ position: { index }, until }) => now < until && index > position.index);
  }

  /**
   * Whether a snapshot taken at `position` would help somebody whom the newest one here does not.
   */
  isSnapshotWanted(position: Position): boolean {
    const newest = this.#options.store.newest?.position.index ?? 0;
    return this.#wanted > newest && position.index >= this.#wanted;
  }

  onStateRequest(from: NodeId, position: Position): void {
    const { store, checksum, send, onSnapshotWanted } = this.#options;
    const { newest } = store;
    if (newest !== null && newest.position.index >= position.index) {
      this.#clients.set(from, { position, until: this.#options.clock.now() + LEASE_MS });
      this.#lease(from, newest.digest);
      send(from, { kind: "stateOffer", manifest: encodeManifest(newest, checksum) }, true);
      return;
    }
    this.#wanted = Math.max(this.#wanted, position.index);
    send(from, { kind: "stateNone", position: newest?.position ?? { log: 0, index: 0 } }, false);
    onSnapshotWanted();
  }

  onChunkRequest(from: NodeId, digest: string, index: number): void {
    const manifest = this.#options.store.find(digest);
    if (manifest === null || index >= manifest.chunks.length) return this.#gone(from, digest);
    this.#lease(from, digest);
    if (this.#queue.length === QUEUE_MAX) return;
    this.#queue.push({ to: from, digest, index });
    this.#read();
  }

  onStateDone(from: NodeId, digest: string): void {
    if (this.#leases.get(from)?.digest !== digest) return;
    this.#isAtIt(from);
    this.#release(from);
  }

  stop(): void {
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#queue.length = 0;
    for (const node of [...this.#leases.keys()]) this.#release(node);
  }

  #read(): void {
    if (this.#isResting) return;
    this.#isResting = true;
    this.#options.spare.whenRested(() => {
      this.#isResting = false;
      this.#readSome();
    });
  }

  #readSome(): void {
    const { store, spare } = this.#options;
    while (this.#reading < READS_MAX) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      const { to, digest, index } = next;
      const manifest = store.find(digest);
      if (manifest === null) {
        this.#gone(to, digest);
        continue;
      }
      this.#reading += 1;
      const read = (problem: SnapshotProblem | null, bytes: Uint8Array): void => {
        this.#reading -= 1;
        this.#hasRead({ to, digest, index }, manifest, problem, bytes);
        this.#read();
      };
      store.readChunk(manifest, index, spare.counted(read));
    }
  }

  #hasRead(
    { to, digest, index }: ChunkToSend,
    { position }: Manifest,
    problem: SnapshotProblem | null,
    bytes: Uint8Array,
  ): void {
    const { send, onFailed, onSnapshotWanted } = this.#options;
    if (problem === null) return send(to, { kind: "chunk", digest, index, bytes }, true);
    if (problem.code !== "damaged")
      return onFailed({ code: problem.code, message: problem.message });
    this.#wanted = Math.max(this.#wanted, position.index);
    this.#gone(to, digest);
    onSnapshotWanted();
  }

  #gone(to: NodeId, digest: string): void {
    this.#options.send(to, { kind: "stateGone", digest }, false);
  }

  #isAtIt(node: NodeId): void {
    const client = this.#clients.get(node);
    if (client !== undefined) client.until = this.#options.clock.now() + LEASE_MS;
  }

  /** Keeps this snapshot, and no other, for `node` from now on. */
  #lease(node: NodeId, digest: string): void {
    const { clock, store } = this.#options;
    const expiresAt = clock.now() + LEASE_MS;
    this.#isAtIt(node);
    const before = this.#leases.get(node);
    if (before?.digest === digest) {
      before.expiresAt = expiresAt;
      return;
    }
    const held = store.pin(digest);
    this.#release(node);
    if (!held) return;
    this.#leases.set(node, { digest, expiresAt });
    this.#watch();
  }

  #release(node: NodeId): void {
    const lease = this.#leases.get(node);
    if (lease === undefined) return;
    this.#leases.delete(node);
    this.#options.store.unpin(lease.digest);
  }

  #watch(): void {
    const { clock, guard } = this.#options;
    if (this.#timer !== null) return;
    const check = (): void => {
      this.#timer = null;
      const now = clock.now();
      for (const [node, lease] of [...this.#leases].sort(([a], [b]) => a - b))
        if (lease.expiresAt <= now) this.#release(node);
      if (this.#leases.size > 0) this.#watch();
    };
    this.#timer = clock.setTimer(LEASE_MS / 2, guard(check));
  }
}
