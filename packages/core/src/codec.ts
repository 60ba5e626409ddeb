import { invariant, invariantU53 } from "./invariant.ts";
import { decodeUtf8, utf8Length, writeUtf8 } from "./utf8.ts";

const HIGH = 0x1_0000_0000;
/** Code units of a short string; each takes at most three bytes. */
const SHORT = 1024;

/**
 * Appends little-endian, fixed-width fields to a growing buffer. Reusable: `reset`, then write
 * again. Fields are put together from bytes: a `DataView` costs more than most messages and records
 * are long.
 */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  u16(value: number): void {
    this.#room(2);
    this.#bytes[this.#length] = value;
    this.#bytes[this.#length + 1] = value >>> 8;
    this.#length += 2;
  }

  u32(value: number): void {
    this.#room(4);
    putU32(this.#bytes, this.#length, value);
    this.#length += 4;
  }

  /** A whole number from 0 to 2^53 - 1, in 8 bytes. */
  u53(value: number): void {
    invariantU53(value);
    this.#room(8);
    putU32(this.#bytes, this.#length, value);
    putU32(this.#bytes, this.#length + 4, Math.floor(value / HIGH));
    this.#length += 8;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  /** A u32 length, then the bytes. */
  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
  }

  /** The bytes alone, for what is framed otherwise. */
  raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** A u32 length in bytes, then UTF-8. */
  string(value: string): void {
    // Counting takes as long as writing: short ones get room for the longest that they can be.
    this.#room(4 + (value.length <= SHORT ? 3 * value.length : utf8Length(value)));
    const start = this.#length + 4;
    const end = writeUtf8(this.#bytes, start, value);
    putU32(this.#bytes, this.#length, end - start);
    this.#length = end;
  }

  /** Overwrites a u32 written earlier, for lengths and checksums that are known late. */
  patchU32(offset: number, value: number): void {
    invariant(offset + 4 <= this.#length, "patch beyond what was written");
    putU32(this.#bytes, offset, value);
  }

  /** What was written, as a copy of exact size. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** What was written, without a copy: valid until the next write or reset. */
  peek(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/**
 * Reads what a {@link Writer} wrote, from bytes that may be anything. It never throws: the first
 * field that does not fit makes it `failed`, and everything read from then on is zero or empty.
 * Decoders read straight through and ask `complete()` once, before they use anything. No length is
 * believed before it was compared with the bytes that are left.
 */
export class Reader {
  readonly #source: Uint8Array;
  #at: number;
  readonly #end: number;
  #failed = false;

  constructor(source: Uint8Array, start = 0, end: number = source.length) {
    this.#source = source;
    this.#at = start;
    this.#end = end;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** Offset of the next field in the source. */
  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Everything fitted, and nothing is left over. */
  complete(): boolean {
    return !this.#failed && this.#at === this.#end;
  }

  /**
   * Makes the reader failed: for values that fit but make no sense. Returns false for use in
   * guards.
   */
  fail(): false {
    this.#failed = true;
    this.#at = this.#end;
    return false;
  }

  u8(): number {
    if (!this.#has(1)) return 0;
    return this.#source[this.#at++] as number;
  }

  u16(): number {
    if (!this.#has(2)) return 0;
    const at = this.#at;
    this.#at += 2;
    return (this.#source[at] as number) | ((this.#source[at + 1] as number) << 8);
  }

  u32(): number {
    if (!this.#has(4)) return 0;
    const at = this.#at;
    this.#at += 4;
    return getU32(this.#source, at);
  }

  u53(): number {
    if (!this.#has(8)) return 0;
    const low = getU32(this.#source, this.#at);
    const high = getU32(this.#source, this.#at + 4);
    this.#at += 8;
    if (high > 0x1fffff) {
      this.fail();
      return 0;
    }
    return high * HIGH + low;
  }

  bool(): boolean {
    const value = this.u8();
    if (value > 1) this.fail();
    return value === 1;
  }

  /** A view on the source, not a copy. Longer than `max` fails. */
  bytes(max: number = this.remaining): Uint8Array {
    const length = this.u32();
    if (length > max) this.fail();
    return this.raw(length);
  }

  /** The next `length` bytes, a view on the source. */
  raw(length: number): Uint8Array {
    if (!this.#has(length)) return EMPTY;
    const view = this.#source.subarray(this.#at, this.#at + length);
    this.#at += length;
    return view;
  }

  string(max: number = this.remaining): string {
    const length = this.u32();
    if (length > max) this.fail();
    if (!this.#has(length)) return "";
    const text = decodeUtf8(this.#source, this.#at, this.#at + length);
    this.#at += length;
    if (text === null) {
      this.fail();
      return "";
    }
    return text;
  }

  /**
   * A u32 count of things that take at least `bytesEach` (> 0) bytes: fails when they cannot be
   * there.
   */
  count(bytesEach: number): number {
    const count = this.u32();
    if (count * bytesEach > this.remaining) {
      this.fail();
      return 0;
    }
    return count;
  }

  #has(length: number): boolean {
    if (this.#failed || this.#end - this.#at < length) {
      this.fail();
      return false;
    }
    return true;
  }
}

/** The lowest 32 bits of `value`. */
function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function getU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

const EMPTY: Uint8Array = new Uint8Array(0);
