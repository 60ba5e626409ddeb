/**
 * Bytes of many small values in few large buffers. An array of its own per value costs a
 * microsecond and keeps the garbage collector busy, which shows as pauses; a place in a slab costs
 * a copy. Slabs are cleaned like the segments of a log-structured file system (Rosenblum,
 * Ousterhout 1992): once more than half of all their bytes are dead, the oldest slab's living
 * values are moved to the newest, a few with every write, so that memory stays below about twice
 * what lives and no write waits for long.
 */
const SLAB_BYTES = 65_536;
/** Longer values get a buffer of their own. */
const POOLED_BYTES_MAX = 8_192;
/** Dead bytes that are not worth any work. */
const SLACK_BYTES: number = 4 * SLAB_BYTES;
/** Values looked at per write while a slab is cleaned: more than one write can add. */
const CLEANED_PER_WRITE = 16;

interface Slab {
  readonly bytes: Uint8Array;
  /** Everything that was put here; some are dead by now. */
  readonly values: StoredValue[];
  used: number;
}

/**
 * A value in a slab. It may move, but its bytes never change, so that frozen readers may keep it.
 */
export class StoredValue {
  bytes: Uint8Array;
  offset: number;
  readonly length: number;
  /** False once it was dropped: then it stays where it is as long as a reader holds it. */
  live = true;

  constructor(bytes: Uint8Array, offset: number, length: number) {
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
  }

  /** A view, valid until the next write to the store. */
  view(): Uint8Array {
    return this.bytes.subarray(this.offset, this.offset + this.length);
  }
}

export class ValueStore {
  /** Oldest first; the last one is being filled. */
  readonly #slabs: Slab[] = [];
  #current: Slab | null = null;
  /** The slab that is being cleaned, no longer among the others, and how far. */
  #victim: Slab | null = null;
  #cleaned = 0;
  #liveBytes = 0;

  /** Bytes of buffers that this store holds for pooled values, dead or alive. */
  get pooledBytes(): number {
    return (this.#slabs.length + (this.#victim === null ? 0 : 1)) * SLAB_BYTES;
  }

  /** Keeps a copy of `bytes[from, to)`. */
  put(bytes: Uint8Array, from: number, to: number): StoredValue {
    const length = to - from;
    if (length > POOLED_BYTES_MAX) return new StoredValue(bytes.slice(from, to), 0, length);
    this.#liveBytes += length;
    const value = new StoredValue(bytes, from, length);
    this.#place(value);
    this.#clean();
    return value;
  }

  /** The map no longer holds `value`; readers that froze it still may. */
  drop(value: StoredValue): void {
    if (!value.live) return;
    value.live = false;
    if (value.length <= POOLED_BYTES_MAX) this.#liveBytes -= value.length;
  }

  /** Copies the bytes of `value` from wherever they are to the newest slab. */
  #place(value: StoredValue): void {
    let slab = this.#current;
    if (slab === null || slab.used + value.length > SLAB_BYTES) {
      slab = { bytes: new Uint8Array(SLAB_BYTES), values: [], used: 0 };
      this.#slabs.push(slab);
      this.#current = slab;
    }
    slab.bytes.set(value.view(), slab.used);
    value.bytes = slab.bytes;
    value.offset = slab.used;
    slab.used += value.length;
    slab.values.push(value);
  }

  #clean(): void {
    if (this.#victim === null) {
      if (this.pooledBytes <= 2 * this.#liveBytes + SLACK_BYTES) return;
      this.#victim = this.#slabs.shift() ?? null;
      this.#cleaned = 0;
    }
    const victim = this.#victim;
    if (victim === null) return;
    const end = Math.min(this.#cleaned + CLEANED_PER_WRITE, victim.values.length);
    for (; this.#cleaned < end; this.#cleaned += 1) {
      const value = victim.values[this.#cleaned] as StoredValue;
      if (value.live) this.#place(value);
    }
    if (end === victim.values.length) this.#victim = null;
  }
}
