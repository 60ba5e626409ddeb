import type { About } from "@synod/core";
import { expect, test } from "vitest";
import { mergeAbouts, readAbout, writeAbout } from "./about-codec.ts";
import { ABOUT_BYTES } from "./layout.ts";

function slots(first: number, last: number, round?: number): About {
  const about = { kind: "slots", log: 0, first, last } as const;
  return round === undefined ? about : { ...about, ballot: { round, proposer: 1 } };
}

test("an about comes back as it was, with a ballot and without", () => {
  const most = { round: Number.MAX_SAFE_INTEGER, proposer: 0xffff_ffff };
  for (const kind of ["meta", "slots", "instance", "object"] as const)
    for (const ballot of [undefined, { round: 0, proposer: 0 }, { round: 7, proposer: 2 }, most]) {
      const plain = { kind, log: 3, first: 5, last: 2 ** 40 };
      const about = ballot === undefined ? plain : { ...plain, ballot };
      const view = new DataView(new ArrayBuffer(ABOUT_BYTES + 2));
      writeAbout(view, 1, about);
      const read = readAbout(view, 1);
      expect(read).toEqual(about);
      expect(read !== null && "ballot" in read).toBe(ballot !== undefined);
      expect([view.getUint8(0), view.getUint8(ABOUT_BYTES + 1)]).toEqual([0, 0]);
    }
});

test("bytes that mean nothing are none", () => {
  const view = new DataView(new ArrayBuffer(ABOUT_BYTES));
  writeAbout(view, 0, slots(1, 2, 3));
  for (const [at, byte] of [
    [0, 0x84],
    [0, 4],
    [0, 0xff],
    [8, 0xff],
    [16, 0xff],
    [24, 0xff],
    [32, 0xff],
  ] as const) {
    const before = view.getUint8(at);
    view.setUint8(at, byte);
    expect(readAbout(view, 0), `${at}`).toBe(null);
    view.setUint8(at, before);
  }
  expect(readAbout(view, 0)).toEqual(slots(1, 2, 3));
});

test("neighbours and repetitions become one, with the highest of their ballots", () => {
  expect(mergeAbouts([slots(1, 2, 4), slots(3, 3, 9), slots(2, 4, 5)])).toEqual([slots(1, 4, 9)]);
  expect(mergeAbouts([slots(1, 9, 4), slots(3, 3, 5)])).toEqual([slots(1, 9, 5)]);
  expect(mergeAbouts([slots(1, 1), slots(2, 2), slots(1, 1)])).toEqual([slots(1, 2)]);
  const apart = [slots(1, 2, 4), slots(4, 5, 4)];
  expect(mergeAbouts(apart)).toEqual(apart);
});

test("what has a ballot is never merged with what has none: its promise would be forgotten", () => {
  const apart = [slots(1, 2, 4), slots(3, 3), slots(3, 3, 6)];
  expect(mergeAbouts(apart)).toEqual([slots(1, 3, 6), slots(3, 3)]);
  const meta = { kind: "meta", log: 0, first: 0, last: 0 } as const;
  const promise = { ...meta, ballot: { round: 7, proposer: 2 } };
  expect(mergeAbouts([promise, meta, promise])).toEqual([promise, meta]);
});
