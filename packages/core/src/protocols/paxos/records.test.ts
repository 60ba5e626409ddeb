import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeRecord, journalRecord, type PaxosRecord } from "./records.ts";
import { arbitraryRecord } from "./testing/arbitrary.ts";
import { b, bytes } from "./testing/values.ts";

function hex(raw: Uint8Array): string {
  return [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const META = { kind: "meta", log: 0, first: 0, last: 0 } as const;
const SLOT = { kind: "slots", log: 0, first: 1, last: 1 } as const;

/** Bytes, frozen: a disk outlives the program. And the names under which they are lost. */
const FROZEN: readonly (readonly [PaxosRecord, string, object])[] = [
  [
    { kind: "promised", ballot: b(2, 1) },
    "0100020000000000000001000000",
    { ...META, ballot: b(2, 1) },
  ],
  [
    { kind: "accepted", ballot: b(2, 1), value: bytes("x") },
    "01010200000000000000010000000100000078",
    { ...SLOT, ballot: b(2, 1) },
  ],
  [
    { kind: "began", ballot: b(2, 1) },
    "0102020000000000000001000000",
    { ...META, ballot: b(2, 1) },
  ],
  [{ kind: "chosen", value: bytes("") }, "010300000000", { ...SLOT, log: 1 }],
  [
    { kind: "damaged", ballot: b(2, 1) },
    "0104020000000000000001000000",
    { ...SLOT, ballot: b(2, 1) },
  ],
  [{ kind: "impaired" }, "0105", META],
];

describe("records", () => {
  test.each(FROZEN)("%o keeps its bytes and its name", (record, frozen, about) => {
    const written = journalRecord(record);
    expect(hex(written.record)).toBe(frozen);
    expect(written.about).toEqual(about);
    expect(decodeRecord(written.record)).toEqual(record);
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
    expect(decodeRecord(Uint8Array.of(1, 6))).toBeNull();
  });
});
