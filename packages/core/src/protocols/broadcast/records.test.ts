import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BALLOT_NONE } from "../../ballot.ts";
import { b, bytes } from "../paxos/testing/values.ts";
import { type BroadcastRecord, decodeRecord, journalRecord, LOGS } from "./records.ts";
import { arbitraryRecord, arbitraryRecords } from "./testing/arbitrary.ts";

function hex(raw: Uint8Array): string {
  return [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const META = { kind: "meta", log: 0, first: 0, last: 0 } as const;
const SLOT = { kind: "slots", first: 7, last: 7 } as const;
const IN_2_1 = "0700000000000000" + "020000000000000001000000";

/** Bytes, frozen: a disk outlives the program. And the names under which they are lost. */
const FROZEN: readonly (readonly [BroadcastRecord, string, object])[] = [
  [
    { kind: "promised", slot: 7, ballot: b(2, 1) },
    `0100${IN_2_1}`,
    { ...SLOT, log: LOGS.promised, ballot: b(2, 1) },
  ],
  [
    { kind: "accepted", slot: 7, ballot: b(2, 1), value: bytes("x") },
    `0101${IN_2_1}0100000078`,
    { ...SLOT, log: LOGS.accepted, ballot: b(2, 1) },
  ],
  [
    { kind: "began", slot: 7, ballot: b(2, 1) },
    `0102${IN_2_1}`,
    { ...SLOT, log: LOGS.promised, ballot: b(2, 1) },
  ],
  [
    { kind: "damaged", slot: 7, ballot: b(2, 1) },
    `0103${IN_2_1}`,
    { ...SLOT, log: LOGS.accepted, ballot: b(2, 1) },
  ],
  [
    { kind: "decided", slot: 7, ballot: b(2, 1) },
    `0104${IN_2_1}`,
    { ...SLOT, log: LOGS.decided, ballot: BALLOT_NONE },
  ],
  [
    { kind: "learned", slot: 7, value: bytes("x") },
    "010507000000000000000100000078",
    { ...SLOT, log: LOGS.learned, ballot: BALLOT_NONE },
  ],
  [
    { kind: "lost", slot: 7 },
    "01060700000000000000",
    { ...SLOT, log: LOGS.learned, ballot: BALLOT_NONE },
  ],
  [{ kind: "stopped", slot: 7 }, "01070700000000000000", META],
  [{ kind: "impaired" }, "0108", META],
  [
    { kind: "compacted", compactedUpTo: 9 },
    "01090900000000000000",
    { ...META, last: 9, ballot: BALLOT_NONE },
  ],
];

describe("records", () => {
  test.each(FROZEN)("%o keeps its bytes and its name", (record, frozen, about) => {
    const written = journalRecord(record);
    expect(hex(written.record)).toBe(frozen);
    expect(written.about).toEqual(about);
    expect(decodeRecord(written.record)).toEqual(record);
  });

  test("every kind is frozen", () => {
    expect(FROZEN.map(([{ kind }]) => kind)).toEqual(Object.keys(arbitraryRecords));
  });

  test("come back as they were", () => {
    fc.assert(
      fc.property(arbitraryRecord, (record) => {
        expect(decodeRecord(journalRecord(record).record)).toEqual(record);
      }),
    );
  });

  test("of another version, cut short or too long are none", () => {
    fc.assert(
      fc.property(arbitraryRecord, fc.nat(), (record, at) => {
        const { record: raw } = journalRecord(record);
        expect(decodeRecord(raw.subarray(0, at % raw.length))).toBeNull();
        expect(decodeRecord(Uint8Array.of(...raw, 7))).toBeNull();
        expect(decodeRecord(Uint8Array.of(2, ...raw.subarray(1)))).toBeNull();
      }),
    );
    expect(decodeRecord(Uint8Array.of(1, 10))).toBeNull();
  });
});
