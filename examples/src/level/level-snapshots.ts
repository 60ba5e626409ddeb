import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import type { MachineImage, MachineRestore, PortError } from "@synod/core";
import {
  type Chunk,
  decodeManifest,
  describeChunk,
  encodeManifest,
  isChunk,
  type LoadOutcome,
  type Manifest,
  type SnapshotIntake,
  type SnapshotProblem,
  type SnapshotStorage,
  type SnapshotTaken,
} from "@synod/runtime";
import { below, DURABLE, digits, type Level, plain, removeUnnamed, tell } from "./level.ts";
import { LevelIntake } from "./level-intake.ts";

/**
 * A snapshot exists once its manifest does: `manifest/<index>/<place>`, and `chunk/<place>/<n>`.
 */
interface Kept {
  readonly index: number;
  readonly place: string;
  /** Null: not readable. */
  readonly manifest: Manifest | null;
  isDamaged: boolean;
  pins: number;
}

type Taken = (error: PortError | null, manifest: Manifest | null) => void;

export class LevelSnapshots implements SnapshotStorage {
  readonly #level: Level;
  readonly #chunkBytes: number;
  #kept: Kept[] = [];
  #intake: LevelIntake | null = null;
  /** One snapshot at a time comes to exist. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(level: Level, chunkBytes: number) {
    this.#level = level;
    this.#chunkBytes = chunkBytes;
  }

  get newest(): Manifest | null {
    const whole = this.#kept.filter(({ isDamaged }) => !isDamaged);
    return whole.sort((a, b) => b.index - a.index)[0]?.manifest ?? null;
  }

  get bytes(): number {
    return this.#kept.reduce((sum, { manifest }) => sum + (manifest?.totalBytes ?? 0), 0);
  }

  find(digest: string): Manifest | null {
    return this.#entry(digest)?.manifest ?? null;
  }

  open(restore: () => MachineRestore, done: (outcome: LoadOutcome) => void): void {
    tell(this.#open(restore), (error, outcome) =>
      done(outcome ?? { kind: "failed", error: error as PortError }),
    );
  }

  load(
    manifest: Manifest,
    restore: MachineRestore,
    done: (problem: SnapshotProblem | null) => void,
  ): void {
    tell(this.#load(manifest, restore), (error, problem) => done(error ?? problem));
  }

  write(taken: SnapshotTaken, image: MachineImage, done: Taken): void {
    const written = this.#write(taken, image).finally(() => image.release());
    tell<Manifest | null>(written, done);
  }

  readChunk(
    manifest: Manifest,
    index: number,
    done: (problem: SnapshotProblem | null, bytes: Uint8Array) => void,
  ): void {
    tell(this.#readChunk(manifest, index), (error, bytes) =>
      done(error ?? (bytes === null ? damaged(manifest) : null), bytes ?? new Uint8Array(0)),
    );
  }

  pin(digest: string): boolean {
    const entry = this.#entry(digest);
    if (entry !== undefined) entry.pins += 1;
    return entry !== undefined;
  }

  unpin(digest: string): void {
    const entry = this.#kept.find(({ manifest }) => manifest?.digest === digest);
    if (entry === undefined) return;
    entry.pins -= 1;
    this.#removeReplaced();
  }

  beginInstall(
    manifest: Manifest,
    done: (error: PortError | null, intake: SnapshotIntake | null) => void,
  ): void {
    const before = this.#intake;
    const isSame = before?.manifest.digest === manifest.digest;
    if (!isSame && this.#isNewer(manifest.position.index)) {
      if (before !== null) this.abandon(before);
      this.#intake = new LevelIntake(this.#level, randomUUID(), manifest);
    }
    const isNeeded = isSame || this.#intake !== before;
    setImmediate(done, null, isNeeded ? this.#intake : null);
  }

  abandon(intake: SnapshotIntake): void {
    if (this.#intake === null || this.#intake !== intake) return;
    this.#forget(this.#intake.place);
    this.#intake = null;
  }

  commit(intake: SnapshotIntake, done: Taken): void {
    const own = this.#intake;
    if (own === null || own !== intake) {
      setImmediate(done, null, null);
      return;
    }
    const { digest } = own.manifest;
    tell(this.#publish(own.manifest, own.place), (error, manifest) => {
      if (this.#intake === own) this.#intake = null;
      done(error, manifest?.digest === digest ? manifest : null);
    });
  }

  async #open(restore: () => MachineRestore): Promise<LoadOutcome> {
    for await (const [key, value] of this.#level.iterator(below("manifest"))) {
      const [, index, place = ""] = key.split("/");
      const manifest = decodeManifest(plain(value), crc32);
      const isDamaged = manifest === null;
      this.#kept.push({ index: Number(index), place, manifest, isDamaged, pins: 0 });
    }
    const isNamed = (place: string): boolean => this.#kept.some((kept) => kept.place === place);
    await removeUnnamed(this.#level, "chunk", isNamed);
    for (let { newest } = this; newest !== null; newest = this.newest)
      if ((await this.#load(newest, restore())) === null)
        return { kind: "loaded", manifest: newest, damaged: this.#damaged() };
    return this.#kept.length === 0 ? { kind: "none" } : { kind: "lost", damaged: this.#damaged() };
  }

  async #load(manifest: Manifest, restore: MachineRestore): Promise<SnapshotProblem | null> {
    for (const index of manifest.chunks.keys()) {
      const bytes = await this.#readChunk(manifest, index);
      if (bytes === null) return damaged(manifest);
      if (!restore.add(bytes)) return this.#markDamaged(manifest);
    }
    return restore.finish() ? null : this.#markDamaged(manifest);
  }

  /** Null: it is not the chunk that it was. */
  async #readChunk(manifest: Manifest, index: number): Promise<Uint8Array | null> {
    const place = this.#kept.find((entry) => entry.manifest?.digest === manifest.digest)?.place;
    const value = await this.#level.get(`chunk/${place}/${digits(index)}`);
    const bytes = value === undefined ? null : plain(value);
    if (bytes !== null && isChunk(manifest.chunks[index] as Chunk, bytes, crc32)) return bytes;
    this.#markDamaged(manifest);
    return null;
  }

  async #write(taken: SnapshotTaken, image: MachineImage): Promise<Manifest | null> {
    const { position, protocolImage, tenure } = taken;
    if (!this.#isNewer(position.index)) return this.newest;
    const place = randomUUID();
    const chunks: Chunk[] = [];
    let offset = 0;
    // A turn of its own for every chunk, so that nothing waits for more than one.
    for (let bytes = image.next(this.#chunkBytes); bytes !== null; ) {
      await this.#level.put(`chunk/${place}/${digits(chunks.length)}`, bytes, DURABLE);
      chunks.push(describeChunk(bytes, offset, crc32));
      offset += bytes.length;
      bytes = image.next(this.#chunkBytes);
    }
    const encoded = encodeManifest({ position, image: protocolImage, tenure, chunks }, crc32);
    return this.#publish(decodeManifest(encoded, crc32) as Manifest, place);
  }

  /** The manifest last: all of it exists now, or nothing of it. */
  #publish(manifest: Manifest, place: string): Promise<Manifest | null> {
    const { index } = manifest.position;
    const publish = async (): Promise<Manifest | null> => {
      if (!this.#isNewer(index)) {
        this.#forget(place);
        return this.newest;
      }
      const key = `manifest/${digits(index)}/${place}`;
      await this.#level.put(key, encodeManifest(manifest, crc32), DURABLE);
      this.#kept.push({ index, place, manifest, isDamaged: false, pins: 0 });
      this.#removeReplaced();
      return manifest;
    };
    const published = this.#turn.then(publish);
    this.#turn = published.catch(() => {});
    return published;
  }

  /** What is older than the newest whole one, damaged or not, unless somebody reads it. */
  #removeReplaced(): void {
    const newest = this.newest?.position.index ?? 0;
    for (const { index, place, pins } of this.#kept) {
      if (index >= newest || pins > 0) continue;
      this.#kept = this.#kept.filter((entry) => entry.place !== place);
      this.#forget(place, `manifest/${digits(index)}/${place}`);
    }
  }

  /** Nothing waits for this, and nothing follows from its failure: the next start tries again. */
  #forget(place: string, manifest?: string): void {
    const level = this.#level;
    const named = manifest === undefined ? Promise.resolve() : level.del(manifest);
    named.then(() => level.clear(below(`chunk/${place}`))).catch(() => {});
  }

  #markDamaged(manifest: Manifest): SnapshotProblem {
    for (const entry of this.#kept)
      if (entry.manifest?.digest === manifest.digest) entry.isDamaged = true;
    return damaged(manifest);
  }

  #damaged(): number[] {
    return this.#kept.filter(({ isDamaged }) => isDamaged).map(({ index }) => index);
  }

  #isNewer(index: number): boolean {
    return index > (this.newest?.position.index ?? 0);
  }

  #entry(digest: string): Kept | undefined {
    return this.#kept.find((entry) => !entry.isDamaged && entry.manifest?.digest === digest);
  }
}

function damaged({ position }: Manifest): SnapshotProblem {
  return { code: "damaged", message: `the snapshot at ${position.index} is damaged` };
}
