import { describe, expect, test } from "vitest";
import { createPrng, nextBelow } from "./prng.ts";
import { decodeUtf8, encodeUtf8, utf8Length, writeUtf8 } from "./utf8.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeByPlatform(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

describe("against the platform's encoder and decoder", () => {
  test("every code unit alone: all of the basic plane, and all lone surrogates", () => {
    for (let unit = 0; unit <= 0xffff; unit += 1) {
      const text = String.fromCharCode(unit);
      const expected = encoder.encode(text);
      const same = Buffer.compare(encodeUtf8(text), expected) === 0;
      if (!same || utf8Length(text) !== expected.length) throw new Error(`U+${unit.toString(16)}`);
      if (decodeUtf8(expected) !== decodeByPlatform(expected)) throw new Error(`back ${unit}`);
    }
  });

  test("every plane above", () => {
    for (let point = 0x1_0000; point <= 0x10_ffff; point += 251) {
      const text = String.fromCodePoint(point);
      expect(encodeUtf8(text)).toEqual(encoder.encode(text));
      expect(decodeUtf8(encodeUtf8(text))).toBe(text);
    }
    expect(decodeUtf8(encoder.encode("\u{10ffff}"))).toBe("\u{10ffff}");
  });

  test("50,000 texts of mixed units, surrogates in any order", () => {
    const random = createPrng(4);
    const units = [0x41, 0xe4, 0x7ff, 0x800, 0xfeff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfffd];
    for (let round = 0; round < 50_000; round += 1) {
      const count = nextBelow(random, 6);
      let text = "";
      for (let at = 0; at < count; at += 1)
        text += String.fromCharCode(units[nextBelow(random, units.length)] as number);
      const expected = encoder.encode(text);
      if (Buffer.compare(encodeUtf8(text), expected) !== 0) throw new Error(JSON.stringify(text));
      if (utf8Length(text) !== expected.length) throw new Error(JSON.stringify(text));
    }
  });

  test("every sequence of one or two bytes", () => {
    for (let first = 0; first < 256; first += 1) {
      for (let second = -1; second < 256; second += 1) {
        const bytes = second < 0 ? Uint8Array.of(first) : Uint8Array.of(first, second);
        if (decodeUtf8(bytes) !== decodeByPlatform(bytes)) throw new Error(`${bytes}`);
      }
    }
  });

  test("200,000 sequences of the bytes that matter", () => {
    const random = createPrng(5);
    const bytes = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf];
    bytes.push(0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff);
    let valid = 0;
    for (let round = 0; round < 200_000; round += 1) {
      const length = 1 + nextBelow(random, 4);
      const input = Uint8Array.from({ length }, () => bytes[nextBelow(random, 22)] as number);
      const expected = decodeByPlatform(input);
      if (decodeUtf8(input) !== expected) throw new Error(`${input}`);
      if (expected !== null) valid += 1;
    }
    expect(valid).toBeGreaterThan(1000);
  });
});

test("writes at the offset and returns the one after", () => {
  const target = new Uint8Array(6);
  expect(writeUtf8(target, 1, "aß€".slice(0, 2))).toBe(4);
  expect([...target]).toEqual([0, 0x61, 0xc3, 0x9f, 0, 0]);
});

test("decodes a part without looking beyond it", () => {
  const bytes = encoder.encode("xäy");
  expect(decodeUtf8(bytes, 1, 3)).toBe("ä");
  expect(decodeUtf8(bytes, 1, 2)).toBeNull();
  expect(decodeUtf8(bytes, 2, 3)).toBeNull();
});
