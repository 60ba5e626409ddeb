/** From here on a view that reads four bytes at once is worth the making. */
const LONG_BYTES = 1024;

/**
 * A 64-bit hash (two murmur3-style lanes) as 16 hex digits: for chunk manifests, state hashes and
 * fingerprints, where accidents matter and adversaries do not.
 */
export function hash64(bytes: Uint8Array, seed = 0): string {
  let a = seed ^ 0x9747b28c;
  let b = seed ^ 0x2545f491;
  const words = bytes.length & ~3;
  const isLong = bytes.length >= LONG_BYTES;
  const view = isLong ? new DataView(bytes.buffer, bytes.byteOffset, bytes.length) : null;
  for (let at = 0; at < words; at += 4) {
    const word =
      view === null
        ? (bytes[at] as number) |
          ((bytes[at + 1] as number) << 8) |
          ((bytes[at + 2] as number) << 16) |
          ((bytes[at + 3] as number) << 24)
        : view.getInt32(at, true);
    a = mix(a, word, 0xcc9e2d51, 0x1b873593);
    b = mix(b, word, 0x239b961b, 0xab0e9789);
  }
  let tail = 0;
  for (let at = words; at < bytes.length; at += 1) tail = (tail << 8) | (bytes[at] as number);
  a = finish(mix(a, tail, 0xcc9e2d51, 0x1b873593) ^ bytes.length);
  b = finish(mix(b, tail, 0x239b961b, 0xab0e9789) ^ bytes.length ^ a);
  return hex(a) + hex(b);
}

/** Scrambles `value` into 32 well-mixed bits; addressed randomness is built from it. */
export function scramble(value: number): number {
  return finish(value | 0);
}

function mix(lane: number, word: number, c1: number, c2: number): number {
  let k = Math.imul(word, c1);
  k = (k << 15) | (k >>> 17);
  const next = lane ^ Math.imul(k, c2);
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
