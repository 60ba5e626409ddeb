import type { PortError } from "@synod/core";
import { damaged, type SnapshotPorts, type SnapshotProblem } from "./files.ts";
import { type Chunk, isChunk, type Manifest } from "./manifest.ts";
import { fetchingName } from "./names.ts";
import type { SnapshotIntake } from "./snapshot-storage.ts";
import { SYNC_BYTES } from "./writing.ts";

/**
 * A snapshot on its way in: chunks in any order, from anywhere, held against the manifest. Nothing
 * of it counts before it is committed; a crash before that leaves what was there in force, and of
 * the chunks those that need not be fetched again.
 */
export class SnapshotInstall implements SnapshotIntake {
  readonly manifest: Manifest;
  readonly #ports: SnapshotPorts;
  /** Chunks that are written. */
  readonly #present = new Set<number>();
  /** Chunks that are being written. */
  readonly #underway = new Set<number>();
  /** Bytes written since the latest sync. */
  #unsynced = 0;

  constructor(ports: SnapshotPorts, manifest: Manifest) {
    this.#ports = ports;
    this.manifest = manifest;
  }

  /** Where the chunks go until the install is committed. */
  get file(): string {
    return fetchingName(this.manifest.position.index, this.manifest.digest);
  }

  get isComplete(): boolean {
    return this.#present.size === this.manifest.chunks.length;
  }

  /** Written, or being written. */
  has(index: number): boolean {
    return this.#present.has(index) || this.#underway.has(index);
  }

  /** Before the first chunk; finds what an earlier attempt at the same snapshot has left. */
  begin(done: (error: PortError | null) => void): void {
    const { disk } = this.#ports;
    disk.create(this.file, (error) => {
      if (error?.code === "exists") return this.#lookAt(0, done);
      if (error === null) disk.syncDirectory(done);
      else done(error);
    });
  }

  /** What cannot be read is as good as not there. */
  #lookAt(index: number, done: (error: PortError | null) => void): void {
    const { disk, checksum } = this.#ports;
    const chunk = this.manifest.chunks[index];
    if (chunk === undefined) return done(null);
    disk.read(this.file, chunk.offset, chunk.length, (error, bytes) => {
      if (error === null && isChunk(chunk, bytes, checksum)) this.#present.add(index);
      this.#lookAt(index + 1, done);
    });
  }

  /**
   * Writes a chunk; `bytes` belong to the store from here on. `damaged` when they are not those of
   * the manifest. A chunk that is here already is not written again.
   */
  put(index: number, bytes: Uint8Array, done: (problem: SnapshotProblem | null) => void): void {
    const chunk = this.manifest.chunks[index];
    if (chunk === undefined || !isChunk(chunk, bytes, this.#ports.checksum)) {
      const { position } = this.manifest;
      const problem = damaged(`not chunk ${index} of the snapshot at ${position.index}`);
      return this.#ports.clock.defer(() => done(problem));
    }
    if (this.has(index)) return this.#ports.clock.defer(() => done(null));
    this.#underway.add(index);
    this.#write(chunk, index, bytes, done);
  }

  #write(
    chunk: Chunk,
    index: number,
    bytes: Uint8Array,
    done: (problem: SnapshotProblem | null) => void,
  ): void {
    const { disk } = this.#ports;
    const end = (error: PortError | null): void => {
      this.#underway.delete(index);
      if (error === null) this.#present.add(index);
      done(error);
    };
    disk.write(this.file, chunk.offset, bytes, (error) => {
      this.#unsynced += chunk.length;
      if (error !== null || this.#unsynced < SYNC_BYTES) return end(error);
      this.#unsynced = 0;
      disk.sync(this.file, end);
    });
  }
}
