import type { Clock, NodeId, PortError, Position, Random } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import type { Tenure } from "../configuration.ts";
import type { Guard } from "../guard.ts";
import type { HostTuning } from "../host-options.ts";
import type { SnapshotProblem } from "../snapshots/files.ts";
import type { Manifest } from "../snapshots/manifest.ts";
import { StateTransfer } from "../snapshots/transfer.ts";
import type { TransferMessage } from "../snapshots/transfer-messages.ts";
import type { Booted } from "./boot.ts";
import type { Deliveries } from "./deliveries.ts";

export interface SnapshottingOptions {
  readonly booted: Booted;
  readonly tuning: HostTuning;
  readonly checksum: Checksum;
  readonly clock: Clock;
  readonly random: Random;
  readonly guard: Guard;
  readonly deliveries: Deliveries;
  /** From whom a state may be fetched; null: from everybody. */
  readonly fetchFrom: readonly NodeId[] | null;
  readonly send: (to: NodeId, message: TransferMessage, bulk: boolean) => void;
  /** A barrier through the log, unless one is under way; it may get lost. */
  readonly proposeBarrier: () => void;
  /** A snapshot through `position` is durable. */
  readonly compact: (position: Position) => void;
  /** A transferred state is durable and in place. */
  readonly installed: (manifest: Manifest) => void;
  /** The configuration in force; null while that is the first one. */
  readonly tenure: () => Tenure | null;
  readonly observe: (event: string, detail: Readonly<Record<string, number>>) => void;
  /** The disk is not to be trusted any more. */
  readonly failed: (reason: string) => void;
}

const NOWHERE: Position = Object.freeze({ log: 0, index: 0 });

/**
 * Keeps the journal short: asks for a barrier when it has grown, writes the state as of the
 * barrier, has the protocol forget what that covers; and fetches the state from others when this
 * replica fell too far behind.
 */
export class Snapshotting {
  readonly #options: SnapshottingOptions;
  readonly #transfer: StateTransfer;
  #writing = false;
  #installing = false;
  #held = false;
  /** Durable, and to be put in place once nothing is held up any more. */
  #postponed: Manifest | null = null;
  /** What the latest compaction left of the journal; no snapshot makes it shorter than that. */
  #keptBytes = 0;
  #stopped = false;

  constructor(options: SnapshottingOptions) {
    this.#options = options;
    this.#transfer = new StateTransfer({
      self: options.booted.identity.node,
      store: options.booted.snapshots,
      checksum: options.checksum,
      clock: options.clock,
      random: options.random,
      guard: options.guard,
      send: options.send,
      have: () => options.booted.execution?.executedUpTo ?? NOWHERE,
      onInstalled: (manifest) => this.#putInPlace(manifest),
      onSnapshotWanted: () => this.#askBarrier(),
      onFailed: (error) => this.#diskFailed("state transfer", error),
    });
  }

  get latestPosition(): Position {
    return this.#options.booted.snapshots.newest?.position ?? NOWHERE;
  }

  get latestBytes(): number {
    return this.#options.booted.snapshots.bytes;
  }

  /** A transferred state is being put in place. */
  get isInstalling(): boolean {
    return this.#installing;
  }

  /** Called when something was flushed. */
  journalGrew(): void {
    const { journal, execution } = this.#options.booted;
    this.#keptBytes = Math.min(this.#keptBytes, journal.bytes);
    if (execution?.wantsBarrier === true || this.#growth() > 1) this.#askBarrier();
  }

  /** All replicas hold the same state here: the moment to freeze it, if it is worth it. */
  atBarrier(position: Position, image: Uint8Array): void {
    const worthIt = this.#growth() > 0.5;
    if (this.#writing || this.#installing || this.#stopped || this.#held) return;
    if (!worthIt && !this.#transfer.isSnapshotWanted(position)) return;
    this.#write(position, image);
  }

  /** Between two configurations no state is put in place, and none is asked for. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    const manifest = this.#postponed;
    this.#postponed = null;
    if (manifest !== null) this.#putInPlace(manifest);
  }

  /** Writes the state at the beginning of the next configuration, which is the end of this one. */
  handOver(next: Tenure, image: Uint8Array, done: (problem: PortError | null) => void): void {
    const { booted, observe } = this.#options;
    if (booted.execution === null || this.#stopped) return;
    const taken = { position: next.began, protocolImage: image, tenure: next };
    booted.snapshots.write(taken, booted.execution.freeze(), (error, manifest) => {
      if (manifest !== null)
        observe("snapshot written", {
          position: manifest.position.index,
          bytes: manifest.totalBytes,
        });
      // A journal that has just begun is as short as it can be.
      this.#keptBytes = 0;
      done(error);
    });
  }

  request(position: Position, from: readonly NodeId[]): void {
    if (this.#installing || this.#stopped) return;
    const { fetchFrom } = this.#options;
    const sources = fetchFrom === null ? from : from.filter((node) => fetchFrom.includes(node));
    this.#transfer.request(position, sources);
  }

  onMessage(from: NodeId, message: TransferMessage): void {
    if (!this.#stopped) this.#transfer.onMessage(from, message);
  }

  stop(): void {
    this.#stopped = true;
    this.#transfer.stop();
  }

  /**
   * How much of what the journal may grow by it has grown by since the latest compaction. At least
   * what that one left, which the next one has to write again: else a protocol that keeps more than
   * the journal may have would write all of it anew with every few commands.
   */
  #growth(): number {
    const { booted, tuning } = this.#options;
    const kept = this.#keptBytes;
    return (booted.journal.bytes - kept) / Math.max(tuning.journalBytesMax - kept, kept);
  }

  #askBarrier(): void {
    if (!this.#writing && !this.#installing) this.#options.proposeBarrier();
  }

  #write(position: Position, image: Uint8Array): void {
    const { booted, observe, compact, tenure } = this.#options;
    if (booted.execution === null) return;
    this.#writing = true;
    const taken = { position, protocolImage: image, tenure: tenure() };
    booted.snapshots.write(taken, booted.execution.freeze(), (error, manifest) => {
      this.#writing = false;
      if (manifest === null) return this.#diskFailed("snapshot", error);
      observe("snapshot written", { position: position.index, bytes: manifest.totalBytes });
      this.#keptBytes = booted.journal.bytes;
      compact(position);
    });
  }

  /** The files are durable; now the machine. Nothing is executed meanwhile. */
  #putInPlace(manifest: Manifest): void {
    const { booted, deliveries, installed, observe } = this.#options;
    const { execution } = booted;
    if (execution === null || manifest.position.index <= execution.executedUpTo.index) return;
    if (this.#held) {
      this.#postponed = manifest;
      return;
    }
    this.#installing = true;
    deliveries.pause();
    booted.snapshots.load(manifest, execution.restore(), (problem) => {
      this.#installing = false;
      if (problem !== null) return this.#diskFailed("transferred snapshot", problem);
      observe("state installed", { position: manifest.position.index });
      installed(manifest);
    });
  }

  /** Without room there is no snapshot for now; everything else about the disk is final. */
  #diskFailed(what: string, problem: SnapshotProblem | null): void {
    if (problem?.code === "no-space") return this.#options.observe("no space", {});
    this.#options.failed(`${what}: ${problem?.message ?? "unreadable"}`);
  }
}
