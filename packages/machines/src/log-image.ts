import { type MachineImage, type MachineRestore, Reader, Writer } from "@synod/core";
import { LOG_LIMITS } from "./log-codec.ts";
import type { LogSnapshot, LogState, Upload } from "./log-state.ts";

/**
 * An image is a head, the parts of the snapshot, those of each upload behind its number, entries,
 * and an end that counts all of these. A slice is one byte that names its kind and layout, then
 * what it holds.
 */
const SLICE_HEAD = 0x01;
const SLICE_SNAPSHOT_PART = 0x02;
const SLICE_UPLOAD = 0x03;
const SLICE_UPLOAD_PART = 0x04;
const SLICE_ENTRIES = 0x05;
const SLICE_END = 0x06;

export class LogImage implements MachineImage {
  #slices: Iterator<Uint8Array, undefined> | null;
  #bytesMax = 0;

  /** Of a state whose latest entry is `last`; the state may go on. */
  constructor(state: LogState, last: number) {
    // Uploads grow in place: what is here later must not come into an image of now.
    const uploads = state.uploads.map(({ id, parts }) => ({ id, parts: parts.slice() }));
    this.#slices = this.#all({ ...state, uploads }, last);
  }

  /** At most `bytesMax`, unless a single entry or part is larger. */
  next(bytesMax: number): Uint8Array | null {
    this.#bytesMax = bytesMax;
    return this.#slices?.next().value ?? null;
  }

  release(): void {
    this.#slices = null;
  }

  *#all(state: LogState, last: number): Generator<Uint8Array, undefined> {
    const { compactedUpTo, snapshot, uploads, entries, dropped } = state;
    const writer = new Writer();
    const count = last - compactedUpTo;
    writer.u8(SLICE_HEAD);
    writer.u53(compactedUpTo);
    writer.bool(snapshot !== null);
    yield writer.peek();
    for (const part of snapshot?.parts ?? []) yield slice(writer, SLICE_SNAPSHOT_PART, part);
    for (const { id, parts } of uploads) {
      writer.reset();
      writer.u8(SLICE_UPLOAD);
      writer.u53(id);
      yield writer.peek();
      for (const part of parts) yield slice(writer, SLICE_UPLOAD_PART, part);
    }
    for (let at = 0; at < count; ) {
      writer.reset();
      writer.u8(SLICE_ENTRIES);
      do {
        writer.bytes(entries[dropped + at] as Uint8Array);
        at += 1;
      } while (
        at < count &&
        writer.length + 4 + (entries[dropped + at] as Uint8Array).length <= this.#bytesMax
      );
      yield writer.peek();
    }
    writer.reset();
    writer.u8(SLICE_END);
    writer.u53(count + partsOf(snapshot?.parts ?? null, uploads));
    yield writer.peek();
  }
}

/** Uploads and parts of these and of the snapshot. */
function partsOf(snapshot: readonly Uint8Array[] | null, uploads: readonly Upload[]): number {
  return uploads.reduce((sum, { parts }) => sum + 1 + parts.length, snapshot?.length ?? 0);
}

function slice(writer: Writer, kind: number, bytes: Uint8Array): Uint8Array {
  writer.reset();
  writer.u8(kind);
  writer.raw(bytes);
  return writer.peek();
}

export class LogRestore implements MachineRestore {
  readonly #install: (state: LogState) => void;
  #compactedUpTo = 0;
  #snapshot: Uint8Array[] | null = null;
  readonly #uploads: Upload[] = [];
  readonly #entries: Uint8Array[] = [];
  #hasHead = false;
  #state: "open" | "complete" | "closed" = "open";

  /** Hands the state to `install` when all of it is here. */
  constructor(install: (state: LogState) => void) {
    this.#install = install;
  }

  add(bytes: Uint8Array): boolean {
    const reader = new Reader(bytes);
    const kind = reader.u8();
    const fits = this.#state === "open" && (kind === SLICE_HEAD) !== this.#hasHead;
    if (fits && this.#take(kind, reader) && reader.complete()) return true;
    this.#state = "closed";
    return false;
  }

  finish(): boolean {
    if (this.#state !== "complete") return false;
    this.#state = "closed";
    const upTo = this.#compactedUpTo;
    const snapshot: LogSnapshot | null =
      this.#snapshot === null ? null : { upTo, parts: this.#snapshot };
    this.#install({
      compactedUpTo: upTo,
      snapshot,
      uploads: this.#uploads,
      entries: this.#entries,
      dropped: 0,
    });
    return true;
  }

  #take(kind: number, reader: Reader): boolean {
    switch (kind) {
      case SLICE_HEAD:
        this.#hasHead = true;
        this.#compactedUpTo = reader.u53();
        if (reader.bool()) this.#snapshot = [];
        return true;
      case SLICE_SNAPSHOT_PART:
        return this.#uploads.length === 0 && this.#addPart(this.#snapshot, reader);
      case SLICE_UPLOAD:
        this.#uploads.push({ id: reader.u53(), parts: [] });
        return this.#uploads.length <= LOG_LIMITS.uploadsMax && this.#entries.length === 0;
      case SLICE_UPLOAD_PART:
        return this.#addPart(this.#uploads.at(-1)?.parts ?? null, reader);
      case SLICE_ENTRIES:
        while (reader.remaining > 0) this.#entries.push(reader.bytes().slice());
        return true;
      case SLICE_END:
        this.#state = "complete";
        return reader.u53() === this.#entries.length + partsOf(this.#snapshot, this.#uploads);
      default:
        return false;
    }
  }

  #addPart(parts: Uint8Array[] | null, reader: Reader): boolean {
    if (parts === null || this.#entries.length > 0) return false;
    const bytes = reader.raw(reader.remaining);
    if (bytes.length > LOG_LIMITS.partBytesMax || parts.length >= LOG_LIMITS.partsMax) return false;
    parts.push(bytes.slice());
    return true;
  }
}
