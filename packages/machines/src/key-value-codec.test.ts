import { createPrng, encodeUtf8, InvariantViolation, nextBelow } from "@synod/core";
import { describe, expect, test } from "vitest";
import { encodeResult, KEY_VALUE_LIMITS, KEY_VALUE_REFUSALS, keyValue } from "./key-value-codec.ts";

const keys = ["a", "foo/bar", "ümlaut", "\u{1f980}", "k".repeat(4_096), "\0"];

describe("payloads", () => {
  test("come back as they went", () => {
    for (const key of keys) {
      for (const size of [0, 1, 255, 70_000]) {
        const value = new Uint8Array(size).fill(0xab);
        const payload = keyValue.put(key, value);
        const operation = keyValue.operation(payload);
        if (operation.kind !== "put") throw new Error(operation.kind);
        expect(operation.key).toBe(key);
        expect(Buffer.compare(payload.subarray(operation.valueAt), value)).toBe(0);
      }
      expect(keyValue.operation(keyValue.delete(key))).toEqual({ kind: "delete", key });
      expect(keyValue.operation(keyValue.get(key))).toEqual({ kind: "get", key });
    }
  });

  test("have the layout of the format document", () => {
    expect([...keyValue.put("ab", Uint8Array.of(9))]).toEqual([1, 2, 0, 97, 98, 9]);
    expect([...keyValue.delete("ab")]).toEqual([2, 2, 0, 97, 98]);
    expect([...keyValue.get("é")]).toEqual([3, 2, 0, 0xc3, 0xa9]);
  });

  const put = (key: Uint8Array, valueBytes: number) =>
    Uint8Array.from([1, key.length & 0xff, key.length >> 8, ...key, ...new Uint8Array(valueBytes)]);
  const refusals: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "unknown-operation"],
    ["operation 0", Uint8Array.of(0, 1, 0, 97), "unknown-operation"],
    ["an operation of later days", Uint8Array.of(4, 1, 0, 97), "unknown-operation"],
    ["no key length", Uint8Array.of(1), "malformed"],
    ["half a key length", Uint8Array.of(1, 1), "malformed"],
    ["a key beyond the end", Uint8Array.of(1, 2, 0, 97), "malformed"],
    ["a key that is no UTF-8", Uint8Array.of(1, 1, 0, 0xff), "malformed"],
    ["bytes after the key of a delete", Uint8Array.of(2, 1, 0, 97, 0), "malformed"],
    ["bytes after the key of a get", Uint8Array.of(3, 1, 0, 97, 0), "malformed"],
    ["an empty key", Uint8Array.of(1, 0, 0, 1), "key-empty"],
    ["a key over 4 KiB", put(new Uint8Array(4_097).fill(97), 0), "key-too-long"],
    ["a value over 1 MiB", put(encodeUtf8("a"), 1_048_577), "value-too-long"],
  ];
  for (const [what, payload, reason] of refusals) {
    test(`${what}: refused as ${reason}`, () => {
      expect(keyValue.operation(payload)).toEqual({ kind: "refused", reason });
    });
  }

  test("at the limits are taken", () => {
    const key = "k".repeat(KEY_VALUE_LIMITS.keyBytesMax);
    const payload = keyValue.put(key, new Uint8Array(KEY_VALUE_LIMITS.valueBytesMax));
    expect(keyValue.operation(payload).kind).toBe("put");
  });

  test("any bytes give an operation or a refusal, never an exception", () => {
    const prng = createPrng(4);
    for (let step = 0; step < 20_000; step += 1) {
      const bytes = new Uint8Array(nextBelow(prng, 12));
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = nextBelow(prng, 256);
      if (bytes.length > 0 && step % 2 === 0) bytes[0] = nextBelow(prng, 5);
      keyValue.operation(bytes);
      keyValue.result(bytes);
    }
  });

  test("a key longer than its length field is a bug of the caller", () => {
    expect(() => keyValue.get("k".repeat(65_536))).toThrow(InvariantViolation);
  });
});

describe("results", () => {
  test("come back as they went", () => {
    for (const existed of [true, false]) {
      const result = { kind: "written", existed } as const;
      expect(keyValue.result(encodeResult(result))).toEqual(result);
    }
    expect(keyValue.result(encodeResult({ kind: "absent" }))).toEqual({ kind: "absent" });
    const found = { kind: "found", value: Uint8Array.of(1, 2) } as const;
    expect(keyValue.result(encodeResult(found))).toEqual(found);
    for (const reason of KEY_VALUE_REFUSALS) {
      const result = { kind: "refused", reason } as const;
      expect(keyValue.result(encodeResult(result))).toEqual(result);
    }
  });

  test("bytes that are no result give null", () => {
    for (const bytes of [[], [0, 0], [2], [0x10, 1], [0xff], [0xff, 99], [0xff, 0, 0]])
      expect(keyValue.result(Uint8Array.from(bytes)), String(bytes)).toBeNull();
  });
});

describe("keyProblem", () => {
  const cases: [string, string, string | null][] = [
    ["an ordinary key", "foo", null],
    ["the longest key", "é".repeat(2_048), null],
    ["one byte more", `${"é".repeat(2_048)}a`, "key-too-long"],
    ["no key", "", "key-empty"],
    ["a pair of surrogates", "\ud83e\udd80", null],
    ["a high surrogate alone", "a\ud83e", "not-unicode"],
    ["a high surrogate before a letter", "\ud83ea", "not-unicode"],
    ["a low surrogate alone", "\udd80a", "not-unicode"],
  ];
  for (const [what, key, problem] of cases) {
    test(`${what}: ${problem ?? "fine"}`, () => {
      expect(keyValue.keyProblem(key)).toBe(problem);
    });
  }
});
