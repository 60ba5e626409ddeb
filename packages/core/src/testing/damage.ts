import { nextBelow, nextU32, type PrngState } from "../prng.ts";

/** Bytes as a faulty or hostile sender might make them out of good ones; sometimes out of none. */
export function damage(random: PrngState, good: Uint8Array): Uint8Array {
  const bytes = good.slice();
  const at = nextBelow(random, bytes.length);
  switch (nextBelow(random, 7)) {
    case 0:
      bytes[at] = nextBelow(random, 256);
      return bytes;
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << nextBelow(random, 8));
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return Uint8Array.from([...bytes, nextBelow(random, 256)]);
    case 4: {
      // A length or a count out of all proportion.
      const view = new DataView(bytes.buffer);
      if (bytes.length >= 4)
        view.setUint32(nextBelow(random, bytes.length - 3), nextU32(random), true);
      return bytes;
    }
    case 5: {
      const other = nextBelow(random, bytes.length);
      bytes.copyWithin(at, other, other + nextBelow(random, 16));
      return bytes;
    }
    default:
      return Uint8Array.from({ length: nextBelow(random, 80) }, () => nextBelow(random, 256));
  }
}

/** Runs `work` and counts the bytes that it copied out of byte arrays. */
export function copiedBytes(work: () => void): number {
  const { slice } = Uint8Array.prototype;
  let copied = 0;
  Uint8Array.prototype.slice = function (...range) {
    const copy = slice.apply(this, range);
    copied += copy.length;
    return copy;
  };
  try {
    work();
  } finally {
    Uint8Array.prototype.slice = slice;
  }
  return copied;
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
