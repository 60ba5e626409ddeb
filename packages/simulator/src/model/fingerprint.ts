/**
 * 128 bits of hash for states: at ten million of them, two different ones share a fingerprint with
 * a chance below 2^-80. The set that remembers them is one table of words, so it is not bound to
 * the engine's limit of 2^24 members.
 */
export type Fingerprint = Int32Array;

export const FINGERPRINT_WORDS = 4;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** MurmurHash3 x86_128 (Appleby) of `bytes`, into the four words of `out`. */
export function fingerprintOf(bytes: Uint8Array, out: Fingerprint): void {
  const { length } = bytes;
  let h1 = 0x5eed;
  let h2 = 0x5eed;
  let h3 = 0x5eed;
  let h4 = 0x5eed;
  const whole = length & ~15;
  for (let at = 0; at < whole; at += 16) {
    h1 ^= scrambled(word(bytes, at), C1, 15, C2);
    h1 = (Math.imul(((h1 << 19) | (h1 >>> 13)) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= scrambled(word(bytes, at + 4), C2, 16, C3);
    h2 = (Math.imul(((h2 << 17) | (h2 >>> 15)) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= scrambled(word(bytes, at + 8), C3, 17, C4);
    h3 = (Math.imul(((h3 << 15) | (h3 >>> 17)) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= scrambled(word(bytes, at + 12), C4, 18, C1);
    h4 = (Math.imul(((h4 << 13) | (h4 >>> 19)) + h1, 5) + 0x32ac3b17) | 0;
  }
  h4 ^= scrambled(partial(bytes, whole + 12), C4, 18, C1);
  h3 ^= scrambled(partial(bytes, whole + 8), C3, 17, C4);
  h2 ^= scrambled(partial(bytes, whole + 4), C2, 16, C3);
  h1 ^= scrambled(partial(bytes, whole), C1, 15, C2);
  h1 = ((h1 ^ length) + (h2 ^ length) + (h3 ^ length) + (h4 ^ length)) | 0;
  h2 = ((h2 ^ length) + h1) | 0;
  h3 = ((h3 ^ length) + h1) | 0;
  h4 = ((h4 ^ length) + h1) | 0;
  h1 = avalanche(h1);
  h2 = avalanche(h2);
  h3 = avalanche(h3);
  h4 = avalanche(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  out[0] = h1;
  out[1] = h1 + h2;
  out[2] = h1 + h3;
  out[3] = h1 + h4;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** The last bytes, zero where there are none. */
function partial(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let offset = 0; offset < 4 && at + offset < bytes.length; offset += 1)
    value |= (bytes[at + offset] as number) << (8 * offset);
  return value;
}

function scrambled(value: number, first: number, turn: number, second: number): number {
  const k = Math.imul(value, first);
  return Math.imul((k << turn) | (k >>> (32 - turn)), second);
}

function avalanche(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Thirty-two hex digits, for keys of maps. */
export function formatFingerprint(fingerprint: Fingerprint): string {
  let text = "";
  for (const part of fingerprint) text += (part >>> 0).toString(16).padStart(8, "0");
  return text;
}

/** Members take 16 bytes each, in a table that is at most two thirds full. */
export class FingerprintSet {
  #words: Int32Array;
  #mask: number;
  #size = 0;
  #hasZero = false;

  /** `capacity`: members to make room for at first; it grows. */
  constructor(capacity = 1024) {
    let slots = 16;
    while (slots * 2 < capacity * 3) slots *= 2;
    this.#words = new Int32Array(slots * FINGERPRINT_WORDS);
    this.#mask = slots - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** False when it was there. */
  add(fingerprint: Fingerprint): boolean {
    const a = fingerprint[0] as number;
    const b = fingerprint[1] as number;
    const c = fingerprint[2] as number;
    const d = fingerprint[3] as number;
    if ((a | b | c | d) === 0) {
      // An empty place looks like this one.
      if (this.#hasZero) return false;
      this.#hasZero = true;
      this.#size += 1;
      return true;
    }
    if ((this.#size + 1) * 3 > (this.#mask + 1) * 2) this.#grow();
    if (!this.#put(a, b, c, d)) return false;
    this.#size += 1;
    return true;
  }

  #put(a: number, b: number, c: number, d: number): boolean {
    const words = this.#words;
    for (let slot = a & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * FINGERPRINT_WORDS;
      const w0 = words[at] as number;
      const w1 = words[at + 1] as number;
      const w2 = words[at + 2] as number;
      const w3 = words[at + 3] as number;
      if (w0 === a && w1 === b && w2 === c && w3 === d) return false;
      if ((w0 | w1 | w2 | w3) !== 0) continue;
      words[at] = a;
      words[at + 1] = b;
      words[at + 2] = c;
      words[at + 3] = d;
      return true;
    }
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let at = 0; at < old.length; at += FINGERPRINT_WORDS) {
      const a = old[at] as number;
      const b = old[at + 1] as number;
      const c = old[at + 2] as number;
      const d = old[at + 3] as number;
      if ((a | b | c | d) !== 0) this.#put(a, b, c, d);
    }
  }
}
