import type { Done, MachineImage, MachineRestore, PortError } from "@synod/core";
import { type Guard, guardedClock, guardedDisk } from "../guard.ts";
import { SpareTime } from "../spare-time.ts";
import { filesOf, findSnapshots, indexOf } from "./catalog.ts";
import { publish, removeAll, type SnapshotPorts, type SnapshotProblem } from "./files.ts";
import { SnapshotInstall } from "./install.ts";
import { loadChunks, readVerified } from "./loading.ts";
import { decodeManifest, encodeManifest, type Manifest } from "./manifest.ts";
import { unfinishedManifestName, writingName } from "./names.ts";
import type {
  LoadOutcome,
  SnapshotIntake,
  SnapshotStorage,
  SnapshotTaken,
} from "./snapshot-storage.ts";
import { writeData } from "./writing.ts";

export type { LoadOutcome } from "./snapshot-storage.ts";

export interface SnapshotStoreOptions extends Omit<SnapshotPorts, "spare"> {
  readonly guard: Guard;
  /** When snapshots are written and read; absent: at any time. */
  readonly spare?: SpareTime;
  /** Size of the chunks; the same on all members, or they cannot help each other. At most 1 MiB. */
  readonly chunkBytes: number;
}

interface Entry {
  readonly manifest: Manifest;
  /** Readers that need the files. */
  pins: number;
  damaged: boolean;
}

interface Unpublished {
  readonly index: number;
  /** The file that holds all chunks. */
  readonly data: string;
  /** Encoded. */
  readonly manifest: Uint8Array;
}

/**
 * The snapshots in a data directory: at most the newest whole one, those that somebody still reads,
 * and one that is being written or fetched. A new one exists all at once and durably or not at all,
 * and only then are older ones removed. Formats and file names: docs/formats/snapshot.md.
 */
export class SnapshotStore implements SnapshotStorage {
  readonly #ports: SnapshotPorts;
  readonly #chunkBytes: number;
  #entries: Entry[] = [];
  /** Indexes of snapshots that were here and are not whole. */
  #damaged: number[] = [];
  #install: SnapshotInstall | null = null;
  /** Names of what installs of earlier lives have left. */
  #fetched: readonly string[] = [];
  /** One snapshot at a time gets its name. */
  #publishing: (() => void)[] | null = null;

  constructor(options: SnapshotStoreOptions) {
    const { guard, checksum } = options;
    const clock = guardedClock(options.clock, guard);
    this.#ports = {
      disk: guardedDisk(options.disk, guard),
      clock,
      checksum,
      spare: options.spare ?? new SpareTime(clock),
    };
    this.#chunkBytes = options.chunkBytes;
  }

  /** The newest whole snapshot; null when there is none. */
  get newest(): Manifest | null {
    let newest: Manifest | null = null;
    for (const { manifest, damaged } of this.#entries)
      if (!damaged && manifest.position.index > (newest?.position.index ?? 0)) newest = manifest;
    return newest;
  }

  /** Bytes on the disk, of finished snapshots. */
  get bytes(): number {
    return this.#entries.reduce((sum, { manifest }) => sum + manifest.totalBytes, 0);
  }

  /** The whole snapshot with this digest; null when it is not here, or not any more. */
  find(digest: string): Manifest | null {
    return this.#entry(digest)?.manifest ?? null;
  }

  /**
   * Once, at the start: finds what is here, and loads the newest that is whole. After `lost` and
   * `failed` the state that `restore` made is of no use.
   */
  open(restore: () => MachineRestore, done: (outcome: LoadOutcome) => void): void {
    findSnapshots(this.#ports.disk, this.#ports.checksum, (error, found) => {
      if (error !== null) return done({ kind: "failed", error });
      this.#entries = found.manifests.map((manifest) => ({ manifest, pins: 0, damaged: false }));
      this.#damaged = [...found.damaged];
      this.#fetched = found.fetched;
      this.#loadNewest(restore, done);
    });
  }

  /** Loads this snapshot; `damaged` when it turns out not to be whole. */
  load(
    manifest: Manifest,
    restore: MachineRestore,
    done: (problem: SnapshotProblem | null) => void,
  ): void {
    this.pin(manifest.digest);
    loadChunks(this.#ports, manifest, restore, (problem) => {
      // In this order: letting go may remove the older snapshot, which is needed if this one is
      // damaged.
      if (problem?.code === "damaged") this.#markDamaged(manifest);
      this.unpin(manifest.digest);
      done(problem);
    });
  }

  /**
   * Writes the state as of a position in slices, and calls back when it is durable and in force.
   * The image is released. After `io` nothing about the disk is known, and the host stops; after
   * `no-space` the older snapshot stays.
   */
  write(
    taken: SnapshotTaken,
    image: MachineImage,
    done: (error: PortError | null, manifest: Manifest | null) => void,
  ): void {
    const { newest } = this;
    const { position } = taken;
    if (newest !== null && newest.position.index >= position.index) {
      image.release();
      return this.#ports.clock.defer(() => done(null, newest));
    }
    const source = { ...taken, image, chunkBytes: this.#chunkBytes };
    writeData(this.#ports, source, (error, manifest) => {
      if (error !== null) {
        if (error.code === "no-space") this.#removeFetched(Number.POSITIVE_INFINITY);
        return done(error, null);
      }
      const { index } = position;
      this.#publish({ index, data: writingName(index), manifest }, done);
    });
  }

  /** One chunk, held against the manifest; `damaged` when it is not whole. */
  readChunk(
    manifest: Manifest,
    index: number,
    done: (problem: SnapshotProblem | null, bytes: Uint8Array) => void,
  ): void {
    readVerified(this.#ports, manifest, index, (problem, bytes) => {
      if (problem?.code === "damaged") this.#markDamaged(manifest);
      done(problem, bytes);
    });
  }

  /**
   * Keeps the files of a snapshot until as many {@link unpin}; false when it is not here any more.
   */
  pin(digest: string): boolean {
    const entry = this.#entry(digest);
    if (entry === null) return false;
    entry.pins += 1;
    return true;
  }

  unpin(digest: string): void {
    const entry = this.#entries.find(({ manifest }) => manifest.digest === digest);
    if (entry === undefined) return;
    entry.pins -= 1;
    if (entry.pins === 0) this.#removeReplaced();
  }

  /**
   * Begins to take in a snapshot from elsewhere, or goes on with the same one, even of an earlier
   * life; another that was under way is given up. Null when what is here is as new.
   */
  beginInstall(
    manifest: Manifest,
    done: (error: PortError | null, install: SnapshotInstall | null) => void,
  ): void {
    const { clock, disk } = this.#ports;
    const before = this.#install;
    if (before?.manifest.digest === manifest.digest) return clock.defer(() => done(null, before));
    if ((this.newest?.position.index ?? 0) >= manifest.position.index)
      return clock.defer(() => done(null, null));
    const install = new SnapshotInstall(this.#ports, manifest);
    this.#install = install;
    const begin: Done = (error) => {
      if (error !== null && this.#install === install) this.#install = null;
      done(error, error === null ? install : null);
    };
    const left = [...this.#fetched, ...(before === null ? [] : [before.file])];
    this.#fetched = [];
    const others = left.filter((name) => name !== install.file);
    removeAll(disk, others, (error) => (error === null ? install.begin(begin) : begin(error)));
  }

  /** Gives up an install, and its place on the disk. */
  abandon(intake: SnapshotIntake): void {
    const install = this.#install;
    if (install === null || install !== intake) return;
    this.#install = null;
    removeAll(this.#ports.disk, [install.file], () => undefined);
  }

  /**
   * Puts a complete install in force, durably. The manifest is null when the install was given up,
   * or a snapshot as new has come to be here in the meantime.
   */
  commit(
    intake: SnapshotIntake,
    done: (error: PortError | null, manifest: Manifest | null) => void,
  ): void {
    const { clock, checksum } = this.#ports;
    const install = this.#install;
    if (install === null || install !== intake) return clock.defer(() => done(null, null));
    const manifest = encodeManifest(install.manifest, checksum);
    const { index } = install.manifest.position;
    this.#publish({ index, data: install.file, manifest }, (error, published) => {
      if (this.#install === install) this.#install = null;
      done(error, published?.digest === install.manifest.digest ? published : null);
    });
  }

  #loadNewest(restore: () => MachineRestore, done: (outcome: LoadOutcome) => void): void {
    const { newest } = this;
    if (newest === null) {
      const damaged = [...this.#damaged];
      return done(damaged.length === 0 ? { kind: "none" } : { kind: "lost", damaged });
    }
    this.load(newest, restore(), (problem) => {
      if (problem === null)
        return done({ kind: "loaded", manifest: newest, damaged: [...this.#damaged] });
      if (problem.code === "damaged") return this.#loadNewest(restore, done);
      done({ kind: "failed", error: { code: problem.code, message: problem.message } });
    });
  }

  #publish(
    snapshot: Unpublished,
    done: (error: PortError | null, manifest: Manifest | null) => void,
  ): void {
    if (this.#publishing !== null) {
      this.#publishing.push(() => this.#publish(snapshot, done));
      return;
    }
    const { disk, checksum } = this.#ports;
    const { newest } = this;
    const { index, data } = snapshot;
    if (newest !== null && newest.position.index >= index)
      return removeAll(disk, [data], (error) => done(error, newest));
    this.#publishing = [];
    publish(disk, snapshot, (error) => {
      const manifest = error === null ? decodeManifest(snapshot.manifest, checksum) : null;
      if (manifest !== null) this.#take(manifest);
      else removeAll(disk, [data, unfinishedManifestName(index)], () => undefined);
      const waiting = this.#publishing ?? [];
      this.#publishing = null;
      done(error, manifest);
      for (const next of waiting) next();
    });
  }

  #take(manifest: Manifest): void {
    const { index } = manifest.position;
    const before = this.#entries.find((entry) => entry.manifest.digest === manifest.digest);
    this.#damaged = this.#damaged.filter((other) => other !== index);
    this.#entries = this.#entries.filter((entry) => entry.manifest.position.index !== index);
    this.#entries.push({ manifest, pins: before?.pins ?? 0, damaged: false });
    this.#removeReplaced();
  }

  /** What is older than the newest whole snapshot, damaged or not, unless somebody reads it. */
  #removeReplaced(): void {
    const newest = this.newest?.position.index ?? 0;
    this.#removeFetched(newest);
    const isReplaced = (entry: Entry): boolean =>
      entry.pins === 0 && entry.manifest.position.index < newest;
    const replaced = this.#entries.filter(isReplaced).map((entry) => entry.manifest.position.index);
    const lost = this.#damaged.filter((index) => index < newest);
    if (replaced.length + lost.length === 0) return;
    this.#entries = this.#entries.filter((entry) => !isReplaced(entry));
    this.#damaged = this.#damaged.filter((index) => index >= newest);
    const gone = [...new Set([...replaced, ...lost])];
    // Nothing waits for this and nothing follows from its failure: the next start tries again.
    removeAll(this.#ports.disk, gone.flatMap(filesOf), () => undefined);
  }

  /**
   * What is left of fetches up to here: a state as new has come from elsewhere, or needs the room.
   */
  #removeFetched(upTo: number): void {
    const gone = this.#fetched.filter((name) => indexOf(name) <= upTo);
    this.#fetched = this.#fetched.filter((name) => indexOf(name) > upTo);
    removeAll(this.#ports.disk, gone, () => undefined);
  }

  #markDamaged(manifest: Manifest): void {
    const { index } = manifest.position;
    const entry = this.#entries.find((other) => other.manifest.digest === manifest.digest);
    if (entry !== undefined) entry.damaged = true;
    if (!this.#damaged.includes(index)) this.#damaged.push(index);
  }

  #entry(digest: string): Entry | null {
    return (
      this.#entries.find((entry) => !entry.damaged && entry.manifest.digest === digest) ?? null
    );
  }
}
