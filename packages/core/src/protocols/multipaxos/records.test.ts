import {
  ABOUT_META,
  createPrng,
  nextBelow,
  RECORD_BYTES_MAX,
  VALUE_BYTES_MAX,
  Writer,
} from "@synod/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copiedBytes, damage, fromHex, toHex } from "../../testing/damage.ts";
import { decodeRecord, journalRecord, type MultipaxosRecord } from "./records.ts";
import { arbitraryRecords } from "./testing/arbitrary.ts";
import { ballot } from "./testing/solo.ts";

type Kind = MultipaxosRecord["kind"];

const kinds = Object.keys(arbitraryRecords) as Kind[];

function encode(record: MultipaxosRecord): Uint8Array {
  return journalRecord(record).record.slice();
}

describe.each(kinds)("%s", (kind) => {
  const arbitrary = arbitraryRecords[kind] as fc.Arbitrary<MultipaxosRecord>;

  test("comes back as it was, and has one encoding", () => {
    fc.assert(
      fc.property(arbitrary, (record) => {
        const bytes = encode(record);
        const decoded = decodeRecord(bytes);
        expect(decoded).toEqual(record);
        expect(encode(decoded as MultipaxosRecord)).toEqual(bytes);
      }),
      { numRuns: 200 },
    );
  });

  test("is refused when a byte is missing or one too many", () => {
    fc.assert(
      fc.property(arbitrary, (record) => {
        const bytes = encode(record);
        for (let length = 0; length < bytes.length; length += 1)
          expect(decodeRecord(bytes.subarray(0, length))).toBe(null);
        expect(decodeRecord(Uint8Array.from([...bytes, 0]))).toBe(null);
      }),
      { numRuns: 20 },
    );
  });
});

test("100,000 damaged records are refused or are records; nothing is thrown or hoarded", () => {
  const random = createPrng(20_012);
  const samples = kinds.flatMap((kind) =>
    fc
      .sample(arbitraryRecords[kind] as fc.Arbitrary<MultipaxosRecord>, { numRuns: 60, seed: 7 })
      .map(encode),
  );
  let taken = 0;
  for (let round = 0; round < 100_000; round += 1) {
    const bytes = damage(random, samples[nextBelow(random, samples.length)] as Uint8Array);
    let record: MultipaxosRecord | null = null;
    const copied = copiedBytes(() => {
      record = decodeRecord(bytes);
    });
    if (copied > bytes.length) throw new Error(`${copied} bytes copied of ${toHex(bytes)}`);
    if (record === null) continue;
    taken += 1;
    const again = toHex(encode(record));
    if (again !== toHex(bytes)) throw new Error(`${toHex(bytes)} reads like ${again}`);
  }
  expect(taken).toBeGreaterThan(10_000);
  expect(taken).toBeLessThan(90_000);
});

describe("what a record speaks of is stored beside it", () => {
  const values = [new Uint8Array(1), new Uint8Array(0), new Uint8Array(2)];

  test("acceptances by their slots and the ballot, learned values by their slots alone", () => {
    const slots = { kind: "slots", log: 0, first: 5, last: 7 };
    const accepted = { kind: "accepted", ballot: ballot("1.1"), first: 5, values } as const;
    expect(journalRecord(accepted).about).toEqual({ ...slots, ballot: ballot("1.1") });
    const { about } = journalRecord({ kind: "learned", first: 5, values });
    expect(about).toEqual(slots);
    expect("ballot" in about).toBe(false);
  });

  test("faulty slots by the same name as what is lost there", () => {
    const faulty = { kind: "faulty", first: 5, last: 7, ballot: ballot("1.1") } as const;
    const slots = { kind: "slots", log: 0, first: 5, last: 7, ballot: ballot("1.1") };
    expect(journalRecord(faulty).about).toEqual(slots);
  });

  test("a promise by its ballot; a mark promises nothing", () => {
    const none = { kind: "meta", log: 0, first: 0, last: 0 };
    const promised = { kind: "promised", ballot: ballot("4.1") } as const;
    expect(journalRecord(promised).about).toEqual({ ...none, ballot: ballot("4.1") });
    const { about } = journalRecord({ kind: "chosen", chosenUpTo: 9 });
    expect(about).toEqual({ ...none, ballot: ballot("0.0") });
  });

  test("the head of a checkpoint by its promise and what is compacted, if that is all", () => {
    const head = { kind: "meta", promised: ballot("4.1"), compactedUpTo: 3 } as const;
    const plain = journalRecord({ ...head, stoppedAt: 0, impaired: false });
    const named = { kind: "meta", log: 0, first: 0, last: 3, ballot: ballot("4.1") };
    expect(plain.about).toEqual(named);
    for (const more of [
      { stoppedAt: 3, impaired: false },
      { stoppedAt: 0, impaired: true },
    ])
      expect(journalRecord({ ...head, ...more }).about).toBe(ABOUT_META);
  });

  test("what nobody could do without has no name that would be enough", () => {
    expect(journalRecord({ kind: "stopped", slot: 4 }).about).toBe(ABOUT_META);
    expect(journalRecord({ kind: "impaired" }).about).toBe(ABOUT_META);
    expect("ballot" in ABOUT_META).toBe(false);
  });
});

describe("what makes no sense is refused", () => {
  const of = ballot("1.1");
  const none = new Uint8Array(0);
  const huge = new Uint8Array(VALUE_BYTES_MAX + 1);

  test.each<[string, MultipaxosRecord]>([
    ["slot 0", { kind: "accepted", ballot: of, first: 0, values: [none] }],
    ["an acceptance of nothing", { kind: "accepted", ballot: of, first: 1, values: [] }],
    ["a huge value", { kind: "accepted", ballot: of, first: 1, values: [huge] }],
    ["faulty slots from 0", { kind: "faulty", first: 0, last: 1, ballot: of }],
    ["faulty slots that end before they begin", { kind: "faulty", first: 3, last: 2, ballot: of }],
    [
      "slots beyond all numbers",
      { kind: "learned", first: Number.MAX_SAFE_INTEGER, values: [none] },
    ],
  ])("%s", (_, record) => {
    expect(decodeRecord(encode(record))).toBe(null);
  });

  test("another version, an unknown kind, or nothing", () => {
    const bytes = encode({ kind: "impaired" });
    expect(decodeRecord(bytes)).toEqual({ kind: "impaired" });
    expect(decodeRecord(Uint8Array.of(1, 5))).toBe(null);
    expect(decodeRecord(Uint8Array.of(0, 5))).toBe(null);
    expect(decodeRecord(Uint8Array.of(2, 8))).toBe(null);
    expect(decodeRecord(new Uint8Array(0))).toBe(null);
  });

  test("a count that the bytes cannot hold, without a try", () => {
    const writer = new Writer();
    writer.raw(Uint8Array.of(2, 2));
    writer.u53(1);
    writer.u32(0xffff_ffff);
    writer.raw(new Uint8Array(64));
    const bytes = writer.take();
    expect(copiedBytes(() => expect(decodeRecord(bytes)).toBe(null))).toBe(0);
  });

  test("the largest value fits into a record", () => {
    const bytes = encode({ kind: "accepted", ballot: of, first: 1, values: [huge.subarray(1)] });
    expect(bytes.length).toBeLessThan(RECORD_BYTES_MAX);
    expect(decodeRecord(bytes)?.kind).toBe("accepted");
  });
});

test("a decoded value is a copy: the buffer it was read into may be reused", () => {
  const values = [Uint8Array.of(1, 2, 3)];
  const bytes = encode({ kind: "learned", first: 1, values });
  const decoded = decodeRecord(bytes);
  bytes.fill(0xff);
  expect(decoded).toEqual({ kind: "learned", first: 1, values });
});

const BYTES = Uint8Array.of(0xca, 0xfe);

/** Bytes as version 2 writes them. Whoever changes them raises the version of the records. */
const FROZEN = {
  promised: [{ kind: "promised", ballot: ballot("7.2") }, "0200070000000000000002000000"],
  accepted: [
    { kind: "accepted", ballot: ballot("7.2"), first: 5, values: [BYTES, new Uint8Array(0)] },
    "020107000000000000000200000005000000000000000200000002000000cafe00000000",
  ],
  learned: [
    { kind: "learned", first: 5, values: [BYTES, new Uint8Array(0)] },
    "020205000000000000000200000002000000cafe00000000",
  ],
  chosen: [{ kind: "chosen", chosenUpTo: 258 }, "02030201000000000000"],
  stopped: [{ kind: "stopped", slot: 258 }, "02040201000000000000"],
  impaired: [{ kind: "impaired" }, "0205"],
  meta: [
    {
      kind: "meta",
      promised: ballot("7.2"),
      compactedUpTo: 258,
      stoppedAt: 3,
      impaired: true,
    },
    "02060700000000000000020000000201000000000000030000000000000001",
  ],
  faulty: [
    { kind: "faulty", first: 5, last: 258, ballot: ballot("7.2") },
    "020705000000000000000201000000000000070000000000000002000000",
  ],
} as const satisfies { readonly [K in Kind]: readonly [MultipaxosRecord & { kind: K }, string] };

test.each(kinds)("version 2 of %s", (kind) => {
  const [record, hex] = FROZEN[kind];
  expect(toHex(encode(record))).toBe(hex);
  expect(decodeRecord(fromHex(hex))).toEqual(record);
});
