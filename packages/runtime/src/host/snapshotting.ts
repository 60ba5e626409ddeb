import type { Clock, NodeId, Position, Random } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import type { Tenure } from "../configuration.ts";
import type { Guard } from "../guard.ts";
import type { HostTuning } from "../host-options.ts";
import type { SnapshotProblem } from "../snapshots/files.ts";
import type { Manifest } from "../snapshots/manifest.ts";
import type { SnapshotTaken } from "../snapshots/snapshot-storage.ts";
import { StateTransfer } from "../snapshots/transfer.ts";
import type { TransferMessage } from "../snapshots/transfer-messages.ts";
import type { SpareTime } from "../spare-time.ts";
import type { Booted } from "./boot.ts";
import type { Deliveries } from "./deliveries.ts";

export interface SnapshottingOptions {
  readonly booted: Booted;
  readonly tuning: HostTuning;
  readonly checksum: Checksum;
  readonly clock: Clock;
  readonly random: Random;
  readonly guard: Guard;
  readonly spare: SpareTime;
  readonly deliveries: Deliveries;
  /** From whom a state may be fetched; null: from everybody. */
  readonly fetchFrom: readonly NodeId[] | null;
  readonly send: (to: NodeId, message: TransferMessage, bulk: boolean) => void;
  /** A barrier through the log, unless one is under way; it may get lost. */
  readonly proposeBarrier: () => void;
  /** A snapshot of the configuration in force through `position` is durable. */
  readonly compact: (position: Position) => void;
  /** A snapshot that this node has written is durable. */
  readonly written: (manifest: Manifest) => void;
  /** A transferred state is durable and in place. */
  readonly installed: (manifest: Manifest) => void;
  /** The configuration in force; null while that is the first one. */
  readonly tenure: () => Tenure | null;
  readonly observe: (event: string, detail: Readonly<Record<string, number>>) => void;
  /** The disk is not to be trusted any more. */
  readonly failed: (reason: string) => void;
}

const NOWHERE: Position = Object.freeze({ log: 0, index: 0 });
const NO_SPACE_RETRY_MS = 1_000;
/**
 * How many times as long the journal may become while somebody fetches a state from here who lacks
 * the log after it too, and as long as that state in any case. What is cut off meanwhile he has to
 * fetch again, with the next state; so that he ends at all, those whom he asks must not cut it
 * faster than he fetches.
 */
const PATIENCE = 4;

/**
 * Keeps the journal short: asks for a barrier when it has grown, writes the state as of the
 * barrier, has the protocol forget what that covers; and fetches the state from others when this
 * replica fell too far behind.
 */
export class Snapshotting {
  readonly #options: SnapshottingOptions;
  readonly #transfer: StateTransfer;
  /** Snapshots being written: at the end of a configuration one more may be. */
  #writes = 0;
  #installing = false;
  #held = false;
  /** Of the newest configuration that this node has come to, while none is durable here. */
  #owed: SnapshotTaken | null = null;
  #owedTimer: number | null = null;
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
      spare: options.spare,
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

  /** A state is being fetched, or put in place. */
  get lacksState(): boolean {
    return this.#installing || this.#transfer.isFetching;
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
    const worthIt = this.#growth() > 0.5 || this.#owed !== null;
    if (this.#writes > 0 || this.#installing || this.#stopped || this.#held) return;
    if (!worthIt && !this.#transfer.isSnapshotWanted(position)) return;
    const { tenure, compact, booted } = this.#options;
    const taken = { position, protocolImage: image, tenure: tenure() };
    this.#write(taken, () => {
      // Meanwhile the configuration may have ended: the next one's replica needs none of it.
      if (numberOf(tenure()) !== numberOf(taken.tenure)) return;
      this.#keptBytes = booted.journal.bytes;
      compact(position);
    });
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

  /**
   * Freezes the state at the end of a configuration, and writes it as the one with which the next
   * one begins, while that goes on. Where there is no room, it is tried again; once more has been
   * executed, the state at a later barrier has to do.
   */
  handOver(next: Tenure, image: Uint8Array): void {
    if (this.#stopped) return;
    // A journal that begins is as short as it can be.
    this.#keptBytes = 0;
    this.#owed = { position: next.began, protocolImage: image, tenure: next };
    this.#write(this.#owed, () => undefined);
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
    if (this.#owedTimer !== null) this.#options.clock.clearTimer(this.#owedTimer);
    this.#transfer.stop();
  }

  /**
   * How much of what the journal may grow by it has grown by since the latest compaction. At least
   * what that one left, which the next one has to write again: else a protocol that keeps more than
   * the journal may have would write all of it anew with every few commands.
   */
  #growth(): number {
    const { booted, tuning, tenure } = this.#options;
    const kept = this.#keptBytes;
    const { journalBytesMax } = tuning;
    // Whoever asks for its beginning alone follows the log since, or else asks for more after that.
    const bytesMax = this.#transfer.isServing(tenure()?.began ?? NOWHERE)
      ? Math.max(PATIENCE * journalBytesMax, this.latestBytes)
      : journalBytesMax;
    return (booted.journal.bytes - kept) / Math.max(bytesMax - kept, kept);
  }

  #askBarrier(): void {
    if (this.#writes === 0 && !this.#installing) this.#options.proposeBarrier();
  }

  #write(taken: SnapshotTaken, done: () => void): void {
    const { booted, observe, written } = this.#options;
    if (booted.execution === null) return;
    this.#writes += 1;
    booted.snapshots.write(taken, booted.execution.freeze(), (error, manifest) => {
      this.#writes -= 1;
      if (manifest === null) {
        this.#diskFailed("snapshot", error);
        return this.#tryOwedAgain();
      }
      const { position, totalBytes } = manifest;
      observe("snapshot written", { position: position.index, bytes: totalBytes });
      this.#isDurable(manifest);
      written(manifest);
      done();
    });
  }

  #isDurable({ tenure }: Manifest): void {
    if (numberOf(tenure) >= numberOf(this.#owed?.tenure ?? null)) this.#owed = null;
  }

  #tryOwedAgain(): void {
    if (this.#owed === null || this.#owedTimer !== null || this.#stopped) return;
    this.#owedTimer = this.#options.clock.setTimer(NO_SPACE_RETRY_MS, () => {
      this.#owedTimer = null;
      if (this.#owed === null || this.#writes > 0) return;
      const { execution } = this.#options.booted;
      const { index } = this.#owed.position;
      if (!this.#installing && execution?.executedUpTo.index === index)
        return this.#write(this.#owed, () => undefined);
      this.#askBarrier();
      this.#tryOwedAgain();
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
      this.#isDurable(manifest);
      installed(manifest);
    });
  }

  /** Without room there is no snapshot for now; everything else about the disk is final. */
  #diskFailed(what: string, problem: SnapshotProblem | null): void {
    if (problem?.code === "no-space") return this.#options.observe("no space", {});
    this.#options.failed(`${what}: ${problem?.message ?? "unreadable"}`);
  }
}

/** Of what a snapshot names; the first one is not named. */
function numberOf(tenure: Tenure | null): number {
  return tenure?.configuration.number ?? 1;
}
