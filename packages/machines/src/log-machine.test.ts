import { createPrng, hash64, nextBelow } from "@synod/core";
import { describe, expect, test } from "vitest";
import { LOG_LIMITS, type LogResult, log } from "./log-codec.ts";
import { LogMachine } from "./log-machine.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function apply(machine: LogMachine, payload: Uint8Array): LogResult | null {
  const lent = payload.slice();
  const result = log.result(machine.apply(lent));
  lent.fill(0xee);
  return result;
}

function filled(count: number): LogMachine {
  const machine = new LogMachine();
  for (let index = 1; index <= count; index += 1) apply(machine, log.append(bytes(index & 255)));
  return machine;
}

function imageOf(machine: LogMachine, bytesMax = 1_000): Uint8Array[] {
  const image = machine.freeze();
  const slices: Uint8Array[] = [];
  for (let slice = image.next(bytesMax); slice !== null; slice = image.next(bytesMax))
    slices.push(slice.slice());
  image.release();
  return slices;
}

function copyOf(image: readonly Uint8Array[]): LogMachine {
  const machine = new LogMachine();
  const restore = machine.restore();
  for (const slice of image) {
    const lent = slice.slice();
    expect(restore.add(lent)).toBe(true);
    lent.fill(0xee);
  }
  expect(restore.finish()).toBe(true);
  return machine;
}

const refused = (reason: string) => ({ kind: "refused", reason });
const bounds = (compactedUpTo: number, last: number, hasSnapshot = false) => ({
  kind: "bounds",
  compactedUpTo,
  last,
  hasSnapshot,
});

test("entries get indexes 1, 2, 3, …; any bytes are an entry, none at all too", () => {
  const machine = new LogMachine();
  expect(machine.bounds).toEqual({ compactedUpTo: 0, last: 0, hasSnapshot: false });
  expect(apply(machine, log.append(bytes(7, 8)))).toEqual({ kind: "appended", index: 1 });
  expect(apply(machine, log.append(bytes()))).toEqual({ kind: "appended", index: 2 });
  expect([0, 1, 2, 3].map((index) => machine.entry(index))).toEqual([
    undefined,
    bytes(7, 8),
    bytes(),
    undefined,
  ]);
  expect(log.result(machine.query(log.bounds))).toEqual(bounds(0, 2));
  expect(apply(machine, log.bounds)).toEqual(bounds(0, 2));
});

test("trimming gives up entries for good and changes no index", () => {
  const machine = filled(10);
  expect(apply(machine, log.trim(4))).toEqual(bounds(4, 10));
  expect(apply(machine, log.trim(2))).toEqual(bounds(4, 10));
  expect(apply(machine, log.trim(11))).toEqual(refused("beyond-end"));
  expect(machine.entry(4)).toBeUndefined();
  expect(machine.entry(5)).toEqual(bytes(5));
  expect(apply(machine, log.trim(10))).toEqual(bounds(10, 10));
  expect(apply(machine, log.append(bytes(9)))).toEqual({ kind: "appended", index: 11 });
  expect(machine.entry(11)).toEqual(bytes(9));
});

test("what makes no sense is refused and changes nothing; a write is no query", () => {
  const machine = filled(2);
  expect(apply(machine, bytes())).toEqual(refused("unknown-operation"));
  expect(apply(machine, bytes(0x77))).toEqual(refused("unknown-operation"));
  expect(apply(machine, log.trim(1).subarray(0, 5))).toEqual(refused("malformed"));
  expect(apply(machine, Uint8Array.of(...log.trim(1), 0))).toEqual(refused("malformed"));
  expect(log.result(machine.query(log.trim(1)))).toEqual(refused("unknown-operation"));
  expect(machine.bounds).toEqual({ compactedUpTo: 0, last: 2, hasSnapshot: false });
});

describe("a snapshot of the application's", () => {
  test("takes the place of entries once all its parts are there", () => {
    const machine = filled(5);
    expect(apply(machine, log.snapshotPart(77, 0, bytes(1, 2)))).toEqual(bounds(0, 5));
    expect(apply(machine, log.snapshotPart(77, 1, bytes(3)))).toEqual(bounds(0, 5));
    expect(machine.snapshot).toBeNull();
    expect(apply(machine, log.snapshot(77, 2, 3))).toEqual(bounds(3, 5, true));
    expect(machine.snapshot).toEqual({ upTo: 3, parts: [bytes(1, 2), bytes(3)] });
    expect([3, 4].map((index) => machine.entry(index))).toEqual([undefined, bytes(4)]);
  });

  test("is followed by a later one, and given up when more is trimmed than it stands for", () => {
    const machine = filled(5);
    apply(machine, log.snapshotPart(1, 0, bytes(1)));
    apply(machine, log.snapshot(1, 1, 2));
    apply(machine, log.snapshotPart(2, 0, bytes(2)));
    expect(apply(machine, log.snapshot(2, 1, 4))).toEqual(bounds(4, 5, true));
    expect(machine.snapshot).toEqual({ upTo: 4, parts: [bytes(2)] });
    expect(apply(machine, log.trim(4))).toEqual(bounds(4, 5, true));
    expect(apply(machine, log.trim(5))).toEqual(bounds(5, 5));
    expect(machine.snapshot).toBeNull();
  });

  test("is refused when a part is missing, twice there, too large or one too many", () => {
    const machine = filled(5);
    expect(apply(machine, log.snapshotPart(1, 1, bytes(1)))).toEqual(refused("upload-lost"));
    apply(machine, log.snapshotPart(1, 0, bytes(1)));
    expect(apply(machine, log.snapshotPart(1, 0, bytes(1)))).toEqual(refused("upload-lost"));
    expect(apply(machine, log.snapshot(1, 2, 3))).toEqual(refused("upload-lost"));
    expect(apply(machine, log.snapshot(9, 1, 3))).toEqual(refused("upload-lost"));
    const tooLarge = new Uint8Array(LOG_LIMITS.partBytesMax + 1);
    expect(apply(machine, log.snapshotPart(1, 1, tooLarge))).toEqual(refused("part-too-large"));
    for (let part = 1; part < LOG_LIMITS.partsMax; part += 1)
      apply(machine, log.snapshotPart(1, part, bytes(1)));
    const tooMany = log.snapshotPart(1, LOG_LIMITS.partsMax, bytes(1));
    expect(apply(machine, tooMany)).toEqual(refused("too-many-parts"));
    expect(machine.bounds).toEqual({ compactedUpTo: 0, last: 5, hasSnapshot: false });
  });

  test("is refused for entries that are not there yet, or no longer", () => {
    const machine = filled(5);
    apply(machine, log.trim(3));
    for (const [upTo, reason] of [
      [6, "beyond-end"],
      [2, "compacted"],
      [0, "compacted"],
    ] as const) {
      apply(machine, log.snapshotPart(1, 0, bytes(1)));
      expect(apply(machine, log.snapshot(1, 1, upTo))).toEqual(refused(reason));
    }
    apply(machine, log.snapshotPart(1, 0, bytes(1)));
    expect(apply(machine, log.snapshot(1, 1, 3))).toEqual(bounds(3, 5, true));
  });

  test("loses its parts to later ones: what was begun and left does not gather", () => {
    const machine = filled(1);
    for (let id = 1; id <= LOG_LIMITS.uploadsMax + 1; id += 1)
      apply(machine, log.snapshotPart(id, 0, bytes(id)));
    expect(apply(machine, log.snapshot(1, 1, 1))).toEqual(refused("upload-lost"));
    expect(apply(machine, log.snapshot(2, 1, 1))).toEqual(bounds(1, 1, true));
  });
});

describe("an image", () => {
  test("holds everything, in the same bytes however the state came about", () => {
    const [one, other] = [filled(50), filled(50)];
    for (let upTo = 1; upTo <= 20; upTo += 1) apply(one, log.trim(upTo));
    apply(other, log.trim(20));
    for (const machine of [one, other]) {
      apply(machine, log.snapshotPart(5, 0, bytes(5)));
      apply(machine, log.snapshotPart(6, 0, bytes(6)));
      apply(machine, log.snapshotPart(6, 1, bytes(7)));
      apply(machine, log.snapshot(6, 2, 30));
    }
    const hashes = (machine: LogMachine) => imageOf(machine, 64).map((slice) => hash64(slice));
    expect(hashes(other)).toEqual(hashes(one));
    const copy = copyOf(imageOf(one, 64));
    expect(hashes(copy)).toEqual(hashes(one));
    expect(copy.snapshot).toEqual({ upTo: 30, parts: [bytes(6), bytes(7)] });
    expect(copy.bounds).toEqual({ compactedUpTo: 30, last: 50, hasSnapshot: true });
    // The snapshot that was only begun can be ended on the copy.
    expect(apply(copy, log.snapshot(5, 1, 40))).toEqual(bounds(40, 50, true));
  });

  test("is one of the moment in which it was frozen, whatever comes after", () => {
    const machine = filled(300);
    apply(machine, log.trim(10));
    apply(machine, log.snapshotPart(5, 0, bytes(5)));
    const before = imageOf(machine, 100);
    const image = machine.freeze();
    const slices: Uint8Array[] = [];
    for (let slice = image.next(100); slice !== null; slice = image.next(100)) {
      slices.push(slice.slice());
      apply(machine, log.append(bytes(1)));
      apply(machine, log.trim(10 + 20 * slices.length));
      apply(machine, log.snapshotPart(5, slices.length, bytes(9)));
    }
    expect(slices).toEqual(before);
    image.release();
    expect(image.next(100)).toBeNull();
  });

  test("is taken whole or not at all, and nothing else is", () => {
    const machine = filled(40);
    apply(machine, log.snapshotPart(5, 0, bytes(5)));
    apply(machine, log.snapshotPart(5, 1, bytes(6)));
    const image = imageOf(machine, 32);
    const taken = (slices: readonly Uint8Array[]): boolean => {
      const restore = new LogMachine().restore();
      return slices.every((slice) => restore.add(slice)) && restore.finish();
    };
    expect(taken(image)).toBe(true);
    for (let gone = 0; gone < image.length; gone += 1)
      expect([gone, taken(image.filter((_, at) => at !== gone))]).toEqual([gone, false]);
    expect(taken([...image, ...image])).toBe(false);
    const prng = createPrng(3);
    for (let n = 0; n < 500; n += 1) {
      const noise = Uint8Array.from({ length: nextBelow(prng, 40) }, () => nextBelow(prng, 256));
      expect(() => taken([image[0] as Uint8Array, noise])).not.toThrow();
      expect(taken([image[0] as Uint8Array, noise])).toBe(false);
    }
  });

  test("has slices no longer than asked for, unless one entry is", () => {
    const machine = filled(30);
    apply(machine, log.append(new Uint8Array(500)));
    const long = imageOf(machine, 100).filter((slice) => slice.length > 100);
    expect(long.map((slice) => slice.length)).toEqual([505]);
  });
});
