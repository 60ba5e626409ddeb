import { Writer } from "@synod/core";
import { describe, expect, test } from "vitest";
import { cloneData, writeCanonical } from "./canonical.ts";

function bytes(value: unknown, without: readonly string[] = []): string {
  const writer = new Writer();
  writeCanonical(writer, value, new Set(without));
  return writer.take().join();
}

describe("writeCanonical", () => {
  test("does not depend on the order of keys", () => {
    expect(bytes({ a: 1, b: 2 })).toBe(bytes({ b: 2, a: 1 }));
    expect(
      bytes(
        new Map([
          [2, "x"],
          [1, "y"],
        ]),
      ),
    ).toBe(
      bytes(
        new Map([
          [1, "y"],
          [2, "x"],
        ]),
      ),
    );
    expect(bytes(new Set([3, 1]))).toBe(bytes(new Set([1, 3])));
  });

  test("tells different data apart", () => {
    const different: unknown[] = [
      0,
      1,
      -1,
      0.5,
      "",
      "1",
      true,
      false,
      null,
      undefined,
      [],
      [[]],
      [1, 2],
      [2, 1],
      {},
      { a: undefined },
      { a: 1 },
      new Map(),
      new Map([[1, 1]]),
      new Set(),
      new Set([1]),
      new Uint8Array(0),
      new Uint8Array(1),
    ];
    expect(new Set(different.map((value) => bytes(value))).size).toBe(different.length);
  });

  test("leaves out what it is told to, at every depth", () => {
    expect(bytes([{ a: 1, random: 5 }], ["random"])).toBe(bytes([{ a: 1, random: 6 }], ["random"]));
    expect(bytes({ a: 1, random: 5 })).not.toBe(bytes({ a: 1, random: 6 }));
  });

  test("refuses what is no plain data", () => {
    expect(() => bytes({ run: () => 1 })).toThrow("not plain data");
  });
});

describe("cloneData", () => {
  test("copies everything that may change", () => {
    const fixed = { run: () => 1 };
    const before = { list: [{ n: 1 }], map: new Map([[1, { n: 1 }]]), set: new Set([1]), fixed };
    const after = cloneData(before, new Set(["fixed"]));
    (after.list[0] as { n: number }).n = 2;
    (after.map.get(1) as { n: number }).n = 2;
    after.set.add(2);
    expect(before).toEqual({
      list: [{ n: 1 }],
      map: new Map([[1, { n: 1 }]]),
      set: new Set([1]),
      fixed,
    });
    expect(after.fixed).toBe(fixed);
  });
});
