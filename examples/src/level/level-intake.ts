import { crc32 } from "node:zlib";
import { isChunk, type Manifest, type SnapshotIntake, type SnapshotProblem } from "@synod/runtime";
import { DURABLE, digits, type Level, tellDone } from "./level.ts";

/** A snapshot on its way in. Nothing of it counts before it is committed. */
export class LevelIntake implements SnapshotIntake {
  readonly manifest: Manifest;
  readonly place: string;
  readonly #level: Level;
  /** False: being written. */
  readonly #chunks = new Map<number, boolean>();

  constructor(level: Level, place: string, manifest: Manifest) {
    this.#level = level;
    this.place = place;
    this.manifest = manifest;
  }

  get isComplete(): boolean {
    return (
      [...this.#chunks.values()].filter((written) => written).length === this.manifest.chunks.length
    );
  }

  has(index: number): boolean {
    return this.#chunks.has(index);
  }

  put(index: number, bytes: Uint8Array, done: (problem: SnapshotProblem | null) => void): void {
    const chunk = this.manifest.chunks[index];
    if (chunk === undefined || !isChunk(chunk, bytes, crc32)) {
      setImmediate(done, { code: "damaged", message: `not chunk ${index}` });
      return;
    }
    if (this.has(index)) {
      setImmediate(done, null);
      return;
    }
    this.#chunks.set(index, false);
    tellDone(this.#level.put(`chunk/${this.place}/${digits(index)}`, bytes, DURABLE), (error) => {
      if (error === null) this.#chunks.set(index, true);
      else this.#chunks.delete(index);
      done(error);
    });
  }
}
