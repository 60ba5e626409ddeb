import { FRAME_BYTES_MAX, Reader, type Writer } from "@synod/core";
import type { Checksum } from "./checksum.ts";

/**
 * What travels between nodes: `u32 length` of all that follows, `u32` CRC-32 of all that follows
 * it, `u8` kind, body. Little-endian. Everything is checked before it is believed, the length
 * before it allocates.
 */
export const FRAME_KINDS = ["hello", "refusal", "ping", "pong", "message", "host"] as const;

export type FrameKind = (typeof FRAME_KINDS)[number];

/** Bytes before the body. */
export const FRAME_HEADER_BYTES: number = 4 + 4 + 1;

/** Raised with every change of a frame's or a host message's layout. */
export const FRAMES_VERSION: number = 3;

/** A whole frame of exact size; `body` appends what it carries. `writer` is scratch space. */
export function encodeFrame(
  writer: Writer,
  kind: FrameKind,
  checksum: Checksum,
  body: (writer: Writer) => void,
): Uint8Array {
  writer.reset();
  writer.u32(0);
  writer.u32(0);
  writer.u8(FRAME_KINDS.indexOf(kind));
  body(writer);
  writer.patchU32(0, writer.length - 4);
  writer.patchU32(4, checksum(writer.peek().subarray(8)));
  return writer.take();
}

export interface Frame {
  readonly kind: FrameKind;
  /** At the first byte of the body; ends with the frame. */
  readonly body: Reader;
}

/** Null when the frame is damaged. The body reads from `bytes`, without a copy. */
export function openFrame(bytes: Uint8Array, checksum: Checksum): Frame | null {
  const reader = new Reader(bytes);
  const length = reader.u32();
  const expected = reader.u32();
  const kind = FRAME_KINDS[reader.u8()];
  if (reader.failed || kind === undefined || length !== bytes.length - 4) return null;
  if (checksum(bytes.subarray(8)) !== expected) return null;
  return { kind, body: reader };
}

/**
 * Cuts a byte stream into frames, wherever the stream was cut into chunks. A frame that lies in one
 * chunk is handed on as a view of it.
 */
export class FrameDecoder {
  readonly #bytesMax: number;
  /** Bytes of an unfinished frame; its total size once the length is known. */
  #partial: Uint8Array = new Uint8Array(0);
  #held = 0;

  constructor(bytesMax: number = FRAME_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Calls `onFrame` for every frame that ends in `chunk`; it says whether to go on. False: the
   * stream is no stream of frames (a length out of bounds), or `onFrame` said stop; the connection
   * must be dropped.
   */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => boolean): boolean {
    let at = 0;
    if (this.#held > 0) {
      at = this.#fill(chunk);
      if (at < 0) return false;
      if (this.#held < 4 || this.#held < this.#partial.length) return true;
      const frame = this.#partial;
      this.#partial = new Uint8Array(0);
      this.#held = 0;
      if (!onFrame(frame)) return false;
    }
    while (chunk.length - at >= 4) {
      const size = this.#frameSize(chunk, at);
      if (size < 0) return false;
      if (chunk.length - at < size) break;
      if (!onFrame(chunk.subarray(at, at + size))) return false;
      at += size;
    }
    return at === chunk.length || this.#begin(chunk.subarray(at));
  }

  /** Copies the start of a frame that continues in a later chunk. */
  #begin(rest: Uint8Array): boolean {
    const size = rest.length < 4 ? 4 : this.#frameSize(rest, 0);
    if (size < 0) return false;
    this.#partial = new Uint8Array(size);
    this.#partial.set(rest);
    this.#held = rest.length;
    return true;
  }

  /**
   * Takes from `chunk` what the unfinished frame lacks; returns how much, or -1 for a bad length.
   */
  #fill(chunk: Uint8Array): number {
    let at = 0;
    if (this.#held < 4) {
      at = this.#copy(chunk, 0, 4 - this.#held);
      if (this.#held < 4) return at;
      const size = this.#frameSize(this.#partial, 0);
      if (size < 0) return -1;
      const whole = new Uint8Array(size);
      whole.set(this.#partial);
      this.#partial = whole;
    }
    return at + this.#copy(chunk, at, this.#partial.length - this.#held);
  }

  #copy(chunk: Uint8Array, at: number, wanted: number): number {
    const taken = Math.min(wanted, chunk.length - at);
    this.#partial.set(chunk.subarray(at, at + taken), this.#held);
    this.#held += taken;
    return taken;
  }

  #frameSize(bytes: Uint8Array, at: number): number {
    const length =
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24)) >>>
      0;
    const size = length + 4;
    return size < FRAME_HEADER_BYTES || size > this.#bytesMax ? -1 : size;
  }
}
