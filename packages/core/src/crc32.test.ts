import { crc32 as zlibCrc32 } from "node:zlib";
import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";
import { createPrng, nextU32 } from "./prng.ts";

const random = createPrng(6);
const noise = Uint8Array.from({ length: 4096 }, () => nextU32(random) & 0xff);

test("the check value of the standard", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf4_3926);
});

test("equals zlib's at every length and alignment around a word", () => {
  for (let start = 0; start < 9; start += 1) {
    for (let length = 0; length < 200; length += 1) {
      const bytes = noise.subarray(start, start + length);
      expect(crc32(bytes)).toBe(zlibCrc32(bytes));
    }
  }
  expect(crc32(noise)).toBe(zlibCrc32(noise));
});

test("continues from what came before, as zlib's does", () => {
  for (const cut of [0, 1, 7, 8, 9, 1000, 4095, 4096]) {
    const first = crc32(noise.subarray(0, cut));
    expect(crc32(noise.subarray(cut), first)).toBe(zlibCrc32(noise));
    expect(crc32(noise.subarray(cut), first)).toBe(zlibCrc32(noise.subarray(cut), first));
  }
});

test("every single flipped bit changes it", () => {
  const bytes = noise.slice(0, 64);
  const whole = crc32(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const at = bit >> 3;
    bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
    expect(crc32(bytes)).not.toBe(whole);
    bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
  }
});
