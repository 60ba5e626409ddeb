import { describe, expect, test } from "vitest";
import { decodeRecord, journalRecord, type PmmcRecord } from "./records.ts";

const ballot = { round: 2, proposer: 1 };
const BALLOT = "020000000000000001000000";
const SLOT = "0700000000000000";

/** The layout of version 1, for ever: whoever changes it raises the version. */
const FROZEN: readonly (readonly [PmmcRecord, string])[] = [
  [{ kind: "ballot", ballot }, `0100${BALLOT}`],
  [{ kind: "adopted", ballot }, `0101${BALLOT}`],
  [
    { kind: "accepted", ballot, slot: 7, epoch: 1, value: Uint8Array.of(5) },
    `0102${BALLOT}${SLOT}010000000100000005`,
  ],
  [{ kind: "learned", slot: 7, value: Uint8Array.of(5) }, `0103${SLOT}0100000005`],
  [{ kind: "decided", slot: 7, ballot }, `0104${SLOT}${BALLOT}`],
  [{ kind: "impaired" }, "0105"],
  [
    { kind: "meta", adopted: ballot, own: ballot, gcSlot: 7, highest: 7, impaired: true },
    `0106${BALLOT}${BALLOT}${SLOT}${SLOT}01`,
  ],
];

describe("frozen bytes", () => {
  test.each(FROZEN)("%j", (record, expected) => {
    const written = journalRecord(record).record;
    expect(Array.from(written, (b) => b.toString(16).padStart(2, "0")).join("")).toBe(expected);
    expect(decodeRecord(written)).toEqual(record);
  });
});

test("records are named by their slot, acceptances by their ballot too", () => {
  const names = FROZEN.map(([record]) => journalRecord(record).about);
  const meta = { kind: "meta", log: 0, first: 0, last: 0 };
  const slot = { kind: "slots", log: 0, first: 7, last: 7 };
  expect(names).toEqual([meta, meta, { ...slot, ballot }, slot, slot, meta, meta]);
});

test("another version, an unknown kind, a part or one byte more are no record", () => {
  for (const [record] of FROZEN) {
    const { record: bytes } = journalRecord(record);
    expect(decodeRecord(Uint8Array.of(2, ...bytes.subarray(1)))).toBeNull();
    expect(decodeRecord(bytes.subarray(0, -1))).toBeNull();
    expect(decodeRecord(Uint8Array.of(...bytes, 0))).toBeNull();
  }
  expect(decodeRecord(Uint8Array.of(1, 7))).toBeNull();
  expect(decodeRecord(new Uint8Array(0))).toBeNull();
});
