import { describe, expect, test } from "vitest";
import { type OrderedCursor, OrderedMap, OrderedMapBuilder } from "./ordered-map.ts";
import { createPrng, nextBelow, type PrngState } from "./prng.ts";

function drain(cursor: OrderedCursor<number>): [string, number][] {
  const entries: [string, number][] = [];
  for (; !cursor.atEnd; cursor.advance()) entries.push([cursor.key, cursor.value]);
  return entries;
}

function sorted(twin: ReadonlyMap<string, number>): [string, number][] {
  return [...twin].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Code units beyond ASCII too, so that no other order than that of code units passes. */
function randomKey(prng: PrngState, space: number): string {
  const number = nextBelow(prng, space);
  return number % 7 === 0
    ? `\u{1f600}${number}`
    : number % 5 === 0
      ? `\uffee${number}`
      : `k${number}`;
}

function randomWrite(
  prng: PrngState,
  space: number,
  map: OrderedMap<number>,
  twin: Map<string, number>,
  deletes: number,
): void {
  const key = randomKey(prng, space);
  if (nextBelow(prng, 100) < deletes) {
    if (map.delete(key) !== twin.get(key)) expect.fail(`delete ${key}`);
    twin.delete(key);
  } else {
    const value = nextBelow(prng, 1_000_000);
    if (map.set(key, value) !== twin.get(key)) expect.fail(`set ${key}`);
    twin.set(key, value);
  }
}

describe("against a naive twin", () => {
  for (const space of [3, 60, 130, 5_000]) {
    test(`random writes over ${space} keys`, () => {
      const prng = createPrng(space);
      const map = new OrderedMap<number>();
      const twin = new Map<string, number>();
      for (let round = 0; round < 30; round += 1) {
        // Growing and shrinking in turn, so that splits and merges both happen at all sizes.
        for (let step = 0; step < 700; step += 1)
          randomWrite(prng, space, map, twin, round % 3 === 2 ? 90 : 20);
        expect(map.problem()).toBeNull();
        expect(map.size).toBe(twin.size);
        expect(drain(map.cursor())).toEqual(sorted(twin));
        const probe = randomKey(prng, space);
        expect(map.get(probe)).toBe(twin.get(probe));
      }
    });
  }

  test("ascending, descending and alternating insertion, then deletion from either end", () => {
    const names = Array.from({ length: 3_000 }, (_, index) => String(index).padStart(5, "0"));
    const orders = [names, names.toReversed(), names.map((_, at) => names[(at * 1_231) % 3_000]!)];
    for (const insertion of orders) {
      for (const deletion of orders) {
        const map = new OrderedMap<number>();
        for (const name of insertion) map.set(name, Number(name));
        expect(map.problem()).toBeNull();
        expect(drain(map.cursor()).map(([key]) => key)).toEqual(names);
        for (const [at, name] of deletion.entries()) {
          if (map.delete(name) !== Number(name)) expect.fail(`delete ${name}`);
          if (at % 100 === 0) expect(map.problem()).toBeNull();
        }
        expect(map.size).toBe(0);
      }
    }
  });
});

describe("freeze", () => {
  test("a reader sees what was there, however much is written while it reads", () => {
    const prng = createPrng(77);
    const map = new OrderedMap<number>();
    const twin = new Map<string, number>();
    const readers: { cursor: OrderedCursor<number>; left: [string, number][] }[] = [];
    for (let round = 0; round < 60; round += 1) {
      for (let step = 0; step < 400; step += 1) randomWrite(prng, 2_000, map, twin, 45);
      readers.push({ cursor: map.freeze(), left: sorted(twin) });
      for (const reader of readers) {
        const expected = reader.left.splice(0, 50);
        for (const entry of expected) {
          if (reader.cursor.key !== entry[0] || reader.cursor.value !== entry[1])
            expect.fail(`${reader.cursor.key} in place of ${entry[0]}`);
          reader.cursor.advance();
        }
      }
    }
    for (const { cursor, left } of readers) expect(drain(cursor)).toEqual(left);
    expect(map.problem()).toBeNull();
  });

  test("an empty map has no entries, frozen or not", () => {
    const map = new OrderedMap<number>();
    const cursor = map.freeze();
    map.set("a", 1);
    expect(cursor.atEnd).toBe(true);
    expect(drain(map.cursor())).toEqual([["a", 1]]);
  });
});

describe("the builder", () => {
  test("makes a sound map of any size, which can be written like any other", () => {
    for (const size of [0, 1, 15, 16, 63, 64, 65, 79, 80, 128, 129, 4_096, 4_097, 4_161, 10_000]) {
      const builder = new OrderedMapBuilder<number>();
      const twin = new Map<string, number>();
      for (let at = 0; at < size; at += 1) {
        const key = String(at).padStart(6, "0");
        if (!builder.add(key, at)) expect.fail(`add ${key}`);
        twin.set(key, at);
      }
      const map = builder.build();
      expect(map.problem(), `size ${size}`).toBeNull();
      expect(map.size).toBe(size);
      expect(drain(map.cursor())).toEqual(sorted(twin));
      const prng = createPrng(size);
      for (let step = 0; step < 500; step += 1) randomWrite(prng, 9_000, map, twin, 60);
      expect(map.problem(), `size ${size} after writes`).toBeNull();
      expect(drain(map.cursor())).toEqual(sorted(twin));
    }
  });

  test("refuses keys that are equal or fall back", () => {
    const builder = new OrderedMapBuilder<number>();
    expect(builder.add("b", 1)).toBe(true);
    expect(builder.add("b", 2)).toBe(false);
    expect(builder.add("a", 3)).toBe(false);
    expect(builder.add("c", 4)).toBe(true);
    expect(drain(builder.build().cursor())).toEqual([
      ["b", 1],
      ["c", 4],
    ]);
  });
});
