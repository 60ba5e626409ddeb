import { expect, test } from "vitest";
import { hash64, scramble } from "./hash.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

test("frozen: manifests on disk and seeds in reports depend on these", () => {
  const texts = ["", "a", "ab", "abc", "abcd", "abcde", "synod", "\0", "\0\0", "x".repeat(1000)];
  expect(texts.map((text) => hash64(bytes(text)))).toEqual([
    "1ef2bd40e7d5a070",
    "11caa9f5f08fc796",
    "62031eb77925c054",
    "31e194153dfef4f3",
    "7b41c88fcc0f3f31",
    "b6ec321c0fcd10da",
    "1b0fbb3c2a73cdb4",
    "a43084cf3fe08b3c",
    "8578ac5d506088c8",
    "920e819367c0cfc0",
  ]);
  expect([0, 1, 2, -1, 0xffff_ffff, 0x1234_5678].map(scramble)).toEqual([
    0, 1364076727, 821347078, 2180083513, 2180083513, 3816608188,
  ]);
  expect([0, 1, -1].map((seed) => hash64(bytes("synod"), seed))).toEqual([
    "1b0fbb3c2a73cdb4",
    "824c3ef9fbb18405",
    "a78200cd899387b3",
  ]);
});

test("frozen: so are those of whole chunks, wherever they begin in a buffer", () => {
  const long = Uint8Array.from({ length: 4099 }, (_, at) => at * 7);
  const outer = new Uint8Array(long.length + 3);
  for (let at = 0; at < 4; at += 1) {
    outer.set(long, at);
    expect(hash64(outer.subarray(at, at + 4099))).toBe("2a74e28770707e25");
    expect(hash64(outer.subarray(at, at + 1023))).toBe("fb7c33eda66bbf6e");
  }
});

test("sees every byte, its place, and the length", () => {
  const seen = new Set<string>();
  for (let length = 0; length < 40; length += 1) {
    const zeros = new Uint8Array(length);
    seen.add(hash64(zeros));
    for (let at = 0; at < length; at += 1) {
      const one = zeros.slice();
      one[at] = 1;
      seen.add(hash64(one));
      one[at] = 0x80;
      seen.add(hash64(one));
    }
  }
  expect(seen.size).toBe(40 + 2 * ((39 * 40) / 2));
});

test("one flipped bit changes about half of the output", () => {
  const base = bytes("the quick brown fox jumps over it");
  const whole = BigInt(`0x${hash64(base)}`);
  let changed = 0;
  for (let bit = 0; bit < base.length * 8; bit += 1) {
    const copy = base.slice();
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    changed += [...(whole ^ BigInt(`0x${hash64(copy)}`)).toString(2)].filter(
      (b) => b === "1",
    ).length;
  }
  const mean = changed / (base.length * 8);
  expect(mean).toBeGreaterThan(28);
  expect(mean).toBeLessThan(36);
});

test("scramble is a permutation of 32 bits, as far as a million inputs tell", () => {
  const seen = new Set<number>();
  for (let value = 0; value < 1_000_000; value += 1) seen.add(scramble(value));
  expect(seen.size).toBe(1_000_000);
});

test("a view is hashed as its own bytes", () => {
  const outer = bytes("xxsynodxx");
  expect(hash64(outer.subarray(2, 7))).toBe(hash64(bytes("synod")));
});
