import type { PortError } from "@synod/core";
import { createAnew, damaged, type SnapshotPorts, type SnapshotProblem } from "./files.ts";
import { type Chunk, isChunk, type Manifest } from "./manifest.ts";
import { fetchingName } from "./names.ts";
import type { SnapshotIntake } from "./snapshot-storage.ts";

/**
 * A snapshot on its way in: chunks in any order, from anywhere, held against the manifest. Nothing
 * of it counts before it is committed; a crash before that leaves what was there in force.
 */
export class SnapshotInstall implements SnapshotIntake {
  readonly manifest: Manifest;
  readonly #ports: SnapshotPorts;
  /** Chunks that are written. */
  readonly #present = new Set<number>();
  /** Chunks that are being written. */
  readonly #underway = new Set<number>();

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

  /** Before the first chunk. */
  begin(done: (error: PortError | null) => void): void {
    createAnew(this.#ports.disk, this.file, done);
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
    this.#ports.disk.write(this.file, chunk.offset, bytes, (error) => {
      this.#underway.delete(index);
      if (error === null) this.#present.add(index);
      done(error);
    });
  }
}
