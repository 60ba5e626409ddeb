import { createPrng, encodeUtf8, type MachineImage, nextBelow } from "@synod/core";
import { describe, expect, test } from "vitest";
import { keyValue } from "./key-value-codec.ts";
import { KeyValueMachine } from "./key-value-machine.ts";

function bytesOf(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7) & 0xff);
}

function slices(image: MachineImage, bytesMax: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let slice = image.next(bytesMax); slice !== null; slice = image.next(bytesMax))
    all.push(slice.slice());
  image.release();
  return all;
}

function restored(image: readonly Uint8Array[]): KeyValueMachine {
  const machine = new KeyValueMachine();
  const restore = machine.restore();
  for (const slice of image) {
    const lent = slice.slice();
    expect(restore.add(lent)).toBe(true);
    lent.fill(0xee);
  }
  expect(restore.finish()).toBe(true);
  return machine;
}

function get(machine: KeyValueMachine, key: string): Uint8Array | null {
  const result = keyValue.result(machine.query(keyValue.get(key)));
  if (result?.kind === "found") return result.value;
  expect(result).toEqual({ kind: "absent" });
  return null;
}

test("put, get, delete: what was there before is told", () => {
  const machine = new KeyValueMachine();
  const apply = (payload: Uint8Array) => keyValue.result(machine.apply(payload));
  expect(get(machine, "a")).toBeNull();
  expect(apply(keyValue.put("a", Uint8Array.of(1)))).toEqual({ kind: "written", existed: false });
  expect(apply(keyValue.put("a", Uint8Array.of(2)))).toEqual({ kind: "written", existed: true });
  expect(apply(keyValue.get("a"))).toEqual({ kind: "found", value: Uint8Array.of(2) });
  expect(apply(keyValue.put("empty", new Uint8Array(0)))).toEqual({
    kind: "written",
    existed: false,
  });
  expect(get(machine, "empty")).toEqual(new Uint8Array(0));
  expect(apply(keyValue.delete("a"))).toEqual({ kind: "written", existed: true });
  expect(apply(keyValue.delete("a"))).toEqual({ kind: "written", existed: false });
  expect(get(machine, "a")).toBeNull();
  expect(machine.size).toBe(1);
});

test("what makes no sense is refused and changes nothing; a write is no query", () => {
  const machine = new KeyValueMachine();
  const refused = { kind: "refused", reason: "unknown-operation" };
  expect(keyValue.result(machine.apply(Uint8Array.of(99)))).toEqual(refused);
  expect(keyValue.result(machine.query(Uint8Array.of(99)))).toEqual(refused);
  expect(keyValue.result(machine.query(keyValue.put("a", Uint8Array.of(1))))).toEqual(refused);
  expect(keyValue.result(machine.query(keyValue.delete("a")))).toEqual(refused);
  expect(machine.size).toBe(0);
});

test("neither payload nor result shares bytes with what is stored", () => {
  for (const size of [1, 100, 100_000]) {
    const machine = new KeyValueMachine();
    const payload = keyValue.put("a", bytesOf(1, size));
    machine.apply(payload);
    payload.fill(0xee);
    machine.query(keyValue.get("a")).fill(0xee);
    expect(Buffer.compare(get(machine, "a")!, bytesOf(1, size))).toBe(0);
  }
});

test("footprints name the key, and nothing when there is none", () => {
  const machine = new KeyValueMachine();
  expect(machine.footprint(keyValue.put("k", Uint8Array.of(1)))).toEqual({
    reads: [],
    writes: ["k"],
  });
  expect(machine.footprint(keyValue.delete("k"))).toEqual({ reads: [], writes: ["k"] });
  expect(machine.footprint(keyValue.get("k"))).toEqual({ reads: ["k"], writes: [] });
  expect(machine.footprint(Uint8Array.of(77))).toEqual({ reads: [], writes: [] });
});

describe("images", () => {
  test("keys take the bytes that they have in UTF-8, to the last of a slice", () => {
    const machine = new KeyValueMachine();
    for (let at = 10; at < 60; at += 1)
      machine.apply(keyValue.put(`${at}${"日".repeat(at)}`, bytesOf(at, 3)));
    for (let bytesMax = 200; bytesMax < 400; bytesMax += 1) {
      const image = slices(machine.freeze(), bytesMax);
      expect(Math.max(...image.map((slice) => slice.length))).toBeLessThanOrEqual(bytesMax);
    }
  });

  for (const bytesMax of [1, 64, 1_000, 50_000]) {
    test(`in slices of ${bytesMax}: the state as of the freeze, though writes go on`, () => {
      const prng = createPrng(bytesMax);
      const machine = new KeyValueMachine();
      const twin = new Map<string, Uint8Array>();
      const write = (): void => {
        const key = `key${nextBelow(prng, 400)}`;
        if (nextBelow(prng, 4) === 0) {
          machine.apply(keyValue.delete(key));
          twin.delete(key);
          return;
        }
        const value = bytesOf(nextBelow(prng, 1_000), nextBelow(prng, 90));
        machine.apply(keyValue.put(key, value));
        twin.set(key, value);
      };
      for (let round = 0; round < 4; round += 1) {
        for (let step = 0; step < 500; step += 1) write();
        const expected = new Map(twin);
        const image = machine.freeze();
        const seen: Uint8Array[] = [];
        for (let slice = image.next(bytesMax); slice !== null; slice = image.next(bytesMax)) {
          expect(slice.length).toBeLessThanOrEqual(Math.max(bytesMax, 110));
          seen.push(slice.slice());
          for (let step = 0; step < 5; step += 1) write();
        }
        image.release();
        const copy = restored(seen);
        expect(copy.size).toBe(expected.size);
        for (const [key, value] of expected) expect(get(copy, key)).toEqual(value);
      }
      expect(machine.size).toBe(twin.size);
      for (const [key, value] of twin) expect(get(machine, key)).toEqual(value);
    });
  }

  test("the same contents give the same bytes, however they came about", () => {
    const one = new KeyValueMachine();
    const other = new KeyValueMachine();
    for (let key = 0; key < 2_000; key += 1)
      one.apply(keyValue.put(`k${key}`, bytesOf(key, key % 50)));
    for (let key = 2_999; key >= 0; key -= 1) other.apply(keyValue.put(`k${key}`, bytesOf(1, 3)));
    for (let key = 1_999; key >= 0; key -= 1)
      other.apply(keyValue.put(`k${key}`, bytesOf(key, key % 50)));
    slices(other.freeze(), 100);
    for (let key = 2_000; key < 3_000; key += 1) other.apply(keyValue.delete(`k${key}`));
    const image = slices(one.freeze(), 700);
    expect(slices(other.freeze(), 700)).toEqual(image);
    expect(slices(restored(image).freeze(), 700)).toEqual(image);
  });

  test("have the layout of the format document", () => {
    const machine = new KeyValueMachine();
    machine.apply(keyValue.put("b", Uint8Array.of(7)));
    machine.apply(keyValue.put("a", new Uint8Array(0)));
    expect(slices(machine.freeze(), 1_000).map((slice) => [...slice])).toEqual([
      [1, 1, 0, 0, 0, 97, 0, 0, 0, 0, 1, 0, 0, 0, 98, 1, 0, 0, 0, 7],
      [2, 2, 0, 0, 0, 0, 0, 0, 0],
    ]);
  });

  test("an entry larger than the slice has a slice of its own", () => {
    const machine = new KeyValueMachine();
    machine.apply(keyValue.put("big", new Uint8Array(1_048_576).fill(3)));
    machine.apply(keyValue.put("a", Uint8Array.of(1)));
    machine.apply(keyValue.put("z", Uint8Array.of(1)));
    const image = slices(machine.freeze(), 1_000);
    expect(image.map((slice) => slice.length)).toEqual([11, 1_048_588, 11, 9]);
    expect(restored(image).size).toBe(3);
  });

  test("a released image gives nothing", () => {
    const machine = new KeyValueMachine();
    machine.apply(keyValue.put("a", Uint8Array.of(1)));
    const image = machine.freeze();
    image.release();
    expect(image.next(100)).toBeNull();
  });
});

describe("restore", () => {
  const entry = (key: string): number[] => {
    const bytes = encodeUtf8(key);
    return [bytes.length, 0, 0, 0, ...bytes, 0, 0, 0, 0];
  };
  const end = (count: number): number[] => [2, count, 0, 0, 0, 0, 0, 0, 0];
  const bad: [string, number[][]][] = [
    ["no slices", []],
    ["no end", [[1, ...entry("a")]]],
    ["a count that differs", [[1, ...entry("a")], end(2)]],
    ["something after the end", [[1, ...entry("a")], end(1), [1, ...entry("b")]]],
    ["keys out of order", [[1, ...entry("b"), ...entry("a")], end(2)]],
    ["a key twice", [[1, ...entry("a")], [1, ...entry("a")], end(2)]],
    ["an empty key", [[1, ...entry("")], end(1)]],
    ["an empty slice", [[], end(0)]],
    ["a slice without entries", [[1], end(0)]],
    ["an unknown kind of slice", [[3, ...entry("a")], end(1)]],
    ["half an entry", [[1, ...entry("a").slice(0, -1)], end(1)]],
    ["a long end", [[...end(0), 0]]],
  ];
  for (const [what, image] of bad) {
    test(`${what}: refused`, () => {
      const restore = new KeyValueMachine().restore();
      const added = image.map((slice) => restore.add(Uint8Array.from(slice)));
      expect(added.every(Boolean) && restore.finish()).toBe(false);
      // Nor does it recover: what failed once stays failed.
      expect(restore.add(Uint8Array.from(end(0))) && restore.finish()).toBe(false);
    });
  }

  test("what was there before is gone", () => {
    const machine = new KeyValueMachine();
    machine.apply(keyValue.put("old", Uint8Array.of(1)));
    const restore = machine.restore();
    expect(restore.add(Uint8Array.from([1, ...entry("a")]))).toBe(true);
    expect(restore.add(Uint8Array.from(end(1)))).toBe(true);
    expect(restore.finish()).toBe(true);
    expect([get(machine, "old"), get(machine, "a")]).toEqual([null, new Uint8Array(0)]);
  });

  test("any damage to one byte is refused or gives a sound state, never an exception", () => {
    const machine = new KeyValueMachine();
    for (let key = 0; key < 40; key += 1) machine.apply(keyValue.put(`k${key}`, bytesOf(key, 5)));
    const image = slices(machine.freeze(), 10_000);
    for (const [index, slice] of image.entries()) {
      for (let at = 0; at < slice.length; at += 1) {
        const damaged = image.map((other) => other.slice());
        damaged[index]![at]! ^= 0x81;
        const restore = machine.restore();
        const sound = damaged.every((bytes) => restore.add(bytes)) && restore.finish();
        if (sound) expect(machine.size).toBe(40);
      }
    }
  });
});
