import { describe, expect, test } from "vitest";
import { Reader, Writer } from "./codec.ts";
import { InvariantViolation } from "./invariant.ts";
import type { PrngState } from "./prng.ts";
import { createPrng, nextBelow, nextU32 } from "./prng.ts";

const FIELD_KINDS = ["u8", "u16", "u32", "u53", "bool", "bytes", "string", "count"] as const;
type FieldKind = (typeof FIELD_KINDS)[number];
type Value = number | boolean | string | Uint8Array;

function randomValue(kind: FieldKind, random: PrngState): Value {
  const edge = nextBelow(random, 8) === 0;
  switch (kind) {
    case "u8":
      return edge ? 0xff : nextBelow(random, 0x100);
    case "u16":
      return edge ? 0xffff : nextBelow(random, 0x1_0000);
    case "u32":
      return edge ? 0xffff_ffff : nextU32(random);
    case "u53":
      return edge ? Number.MAX_SAFE_INTEGER : nextBelow(random, 0x20_0000) * 2 ** 32 + 7;
    case "bool":
      return nextBelow(random, 2) === 1;
    case "bytes":
      return Uint8Array.from({ length: nextBelow(random, 40) }, () => nextBelow(random, 256));
    case "string":
      return ["", "key", "Ärger", "日本語", "🦉", "\0", "\uFEFFx"][nextBelow(random, 7)] as string;
    case "count":
      return nextBelow(random, 4);
  }
}

function write(writer: Writer, kind: FieldKind, value: Value): void {
  if (kind === "count") {
    writer.u32(value as number);
    for (let index = 0; index < (value as number); index += 1) writer.u16(index);
    return;
  }
  (writer[kind] as (value: Value) => void).call(writer, value);
}

function read(reader: Reader, kind: FieldKind): Value {
  if (kind !== "count") return reader[kind]();
  const count = reader.count(2);
  for (let index = 0; index < count; index += 1) if (reader.u16() !== index) reader.fail();
  return count;
}

function randomKinds(random: PrngState): FieldKind[] {
  const count = nextBelow(random, 9);
  return Array.from({ length: count }, () => FIELD_KINDS[nextBelow(random, 8)] as FieldKind);
}

/** Flips, truncates, extends, plants a lying length, or replaces everything. */
function mutate(bytes: Uint8Array, random: PrngState): Uint8Array {
  const copy = bytes.slice();
  const at = nextBelow(random, Math.max(1, copy.length));
  switch (nextBelow(random, 5)) {
    case 0:
      if (copy.length > 0) copy[at] = (copy[at] as number) ^ (1 << nextBelow(random, 8));
      return copy;
    case 1:
      return copy.slice(0, at);
    case 2:
      return Uint8Array.from([...copy, nextBelow(random, 256)]);
    case 3:
      copy.set([0xff, 0xff, 0xff, 0xff].slice(0, copy.length - at), at);
      return copy;
    default:
      return Uint8Array.from({ length: nextBelow(random, 64) }, () => nextBelow(random, 256));
  }
}

describe("what was written is read", () => {
  test("every kind of field, in any order, and nothing is left over", () => {
    const random = createPrng(1);
    const writer = new Writer(1);
    for (let round = 0; round < 20_000; round += 1) {
      writer.reset();
      const kinds = randomKinds(random);
      const values = kinds.map((kind) => randomValue(kind, random));
      for (const [index, kind] of kinds.entries()) write(writer, kind, values[index] as Value);
      const reader = new Reader(writer.take());
      expect(kinds.map((kind) => read(reader, kind))).toEqual(values);
      expect(reader.complete()).toBe(true);
    }
  });

  test("little-endian, fixed widths: the layout is frozen", () => {
    const writer = new Writer();
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.u53(2 ** 53 - 1);
    writer.bool(true);
    writer.bytes(Uint8Array.of(9));
    writer.string("ä");
    expect(Buffer.from(writer.peek()).toString("hex")).toBe(
      "01" + "0302" + "07060504" + "ffffffffffff1f00" + "01" + "0100000009" + "02000000c3a4",
    );
  });

  test("strings of any length come back, behind what was there before", () => {
    for (const unit of ["a", "ä", "日", "🦉"])
      for (const length of [1, 341, 512, 1024, 1025, 5000]) {
        const text = unit.repeat(length);
        const writer = new Writer(1);
        writer.u8(7);
        writer.string(text);
        writer.u8(8);
        const reader = new Reader(writer.take());
        expect([reader.u8(), reader.string(), reader.u8()]).toEqual([7, text, 8]);
        expect(reader.complete()).toBe(true);
      }
  });

  test("a reader of a part sees that part only", () => {
    const writer = new Writer();
    for (const value of [1, 2, 3]) writer.u32(value);
    const reader = new Reader(writer.take(), 4, 8);
    expect([reader.remaining, reader.position, reader.u32()]).toEqual([4, 4, 2]);
    expect(reader.complete()).toBe(true);
    expect([reader.u8(), reader.failed]).toEqual([0, true]);
  });

  test("a view into a larger buffer is read from its own start", () => {
    const source = Uint8Array.of(9, 9, 1, 0, 0, 0, 9).subarray(2, 6);
    expect(new Reader(source).u32()).toBe(1);
  });
});

describe("fuzz", () => {
  test("100,000 damaged inputs: no exception, no invented bytes, one encoding per value", () => {
    const random = createPrng(2);
    const writer = new Writer();
    const seen = { failed: 0, complete: 0 };
    for (let round = 0; round < 100_000; round += 1) {
      writer.reset();
      const kinds = randomKinds(random);
      for (const kind of kinds) write(writer, kind, randomValue(kind, random));
      const damaged = mutate(writer.peek(), random);
      const reader = new Reader(damaged);
      const values = kinds.map((kind) => read(reader, kind));
      for (const value of values) {
        if (!(value instanceof Uint8Array) || value.length === 0) continue;
        if (value.buffer !== damaged.buffer) throw new Error("bytes were copied, not viewed");
      }
      seen.failed += reader.failed ? 1 : 0;
      if (!reader.complete()) continue;
      seen.complete += 1;
      writer.reset();
      for (const [index, kind] of kinds.entries()) write(writer, kind, values[index] as Value);
      if (Buffer.compare(writer.peek(), damaged) !== 0) throw new Error(`two encodings: ${kinds}`);
    }
    expect(seen.failed).toBeGreaterThan(10_000);
    expect(seen.complete).toBeGreaterThan(10_000);
  });

  test.each(["bytes", "string"] as const)("a lying length of %s is refused unread", (kind) => {
    for (const length of [5, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      const writer = new Writer();
      writer.u32(length);
      writer.raw(Uint8Array.of(1, 2, 3, 4));
      const reader = new Reader(writer.take());
      expect(reader[kind]()).toHaveLength(0);
      expect([reader.failed, reader.remaining, reader.complete()]).toEqual([true, 0, false]);
    }
  });

  test("a lying count is refused before anything is made for it", () => {
    for (const [count, each] of [
      [5, 1],
      [0xffff_ffff, 1],
      [2, 4],
      [0x4000_0001, 4],
    ] as const) {
      const writer = new Writer();
      writer.u32(count);
      writer.raw(Uint8Array.of(1, 2, 3, 4));
      const reader = new Reader(writer.take());
      expect([reader.count(each), reader.failed]).toEqual([0, true]);
    }
  });

  test("longer than the caller allows fails, although the bytes are there", () => {
    const writer = new Writer();
    writer.string("four");
    expect(new Reader(writer.peek()).string(4)).toBe("four");
    for (const kind of ["bytes", "string"] as const) {
      const reader = new Reader(writer.peek());
      expect(reader[kind](3)).toHaveLength(0);
      expect(reader.failed).toBe(true);
    }
  });
});

describe("a failed reader", () => {
  test("stays failed, and everything after is zero or empty", () => {
    const reader = new Reader(Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1));
    expect(reader.fail()).toBe(false);
    const rest = FIELD_KINDS.map((kind) => read(reader, kind));
    expect(rest).toEqual([0, 0, 0, 0, false, new Uint8Array(0), "", 0]);
    expect([reader.failed, reader.complete()]).toEqual([true, false]);
  });

  test.each([
    ["a bool of 2", Uint8Array.of(2), (reader: Reader) => reader.bool()],
    ["2^53", Uint8Array.of(0, 0, 0, 0, 0, 0, 0x20, 0), (reader: Reader) => reader.u53()],
    ["half a character", Uint8Array.of(1, 0, 0, 0, 0xc3), (reader: Reader) => reader.string()],
    ["a cut field", Uint8Array.of(1, 2, 3), (reader: Reader) => reader.u32()],
  ])("comes of %s", (_, bytes, act) => {
    const reader = new Reader(bytes);
    expect(act(reader)).toBeFalsy();
    expect(reader.failed).toBe(true);
  });
});

describe("a writer", () => {
  test("refuses what does not fit a u53", () => {
    for (const value of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Writer().u53(value)).toThrow(InvariantViolation);
    }
  });

  test("patches what is known late, and nothing beyond its end", () => {
    const writer = new Writer(0);
    writer.u32(0);
    writer.u8(7);
    writer.patchU32(0, 0xdead_beef);
    expect(new Reader(writer.peek()).u32()).toBe(0xdead_beef);
    expect(() => writer.patchU32(2, 1)).toThrow(InvariantViolation);
  });

  test("take is a copy, peek a view", () => {
    const writer = new Writer();
    writer.u8(1);
    const [taken, peeked] = [writer.take(), writer.peek()];
    writer.reset();
    writer.u8(2);
    expect([taken[0], peeked[0], writer.length]).toEqual([1, 2, 1]);
  });
});
