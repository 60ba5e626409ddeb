import {
  createPrng,
  FRAME_BYTES_MAX,
  nextBelow,
  Reader,
  VALUE_BYTES_MAX,
  Writer,
} from "@synod/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copiedBytes, damage, toHex } from "../../testing/damage.ts";
import { omnipaxosCodec } from "./codec.ts";
import { MESSAGE_KINDS, type OmniPaxosMessage } from "./messages.ts";
import { decodeRecord, journalRecord, type OmniPaxosRecord } from "./records.ts";
import { arbitraryMessages, arbitraryRecords } from "./testing/arbitrary.ts";

interface Format<T> {
  readonly samples: fc.Arbitrary<T>;
  readonly encode: (thing: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T | null;
}

const messages: Format<OmniPaxosMessage> = {
  samples: fc.oneof(...(Object.values(arbitraryMessages) as fc.Arbitrary<OmniPaxosMessage>[])),
  encode: (message) => {
    const writer = new Writer();
    omnipaxosCodec.encode(writer, message);
    return writer.take();
  },
  decode: (bytes) => omnipaxosCodec.decode(new Reader(bytes)),
};

const records: Format<OmniPaxosRecord> = {
  samples: fc.oneof(...(Object.values(arbitraryRecords) as fc.Arbitrary<OmniPaxosRecord>[])),
  encode: (record) => journalRecord(record).record.slice(),
  decode: decodeRecord,
};

describe.each([
  ["messages", messages as Format<unknown>],
  ["records", records as Format<unknown>],
])("%s", (_, { samples, encode, decode }) => {
  test("come back as they were, and have one encoding", () => {
    fc.assert(
      fc.property(samples, (thing) => {
        const bytes = encode(thing);
        expect(decode(bytes)).toEqual(thing);
        expect(encode(decode(bytes))).toEqual(bytes);
      }),
      { numRuns: 1500 },
    );
  });

  test("are refused when a byte is missing or one too many", () => {
    fc.assert(
      fc.property(samples, (thing) => {
        const bytes = encode(thing);
        for (let length = 0; length < bytes.length; length += 1)
          expect(decode(bytes.slice(0, length))).toBe(null);
        expect(decode(Uint8Array.from([...bytes, 0]))).toBe(null);
      }),
      { numRuns: 100 },
    );
  });

  test("30,000 damaged ones are refused or are others; nothing is thrown or hoarded", () => {
    const random = createPrng(2_023);
    const good = fc.sample(samples, { numRuns: 400, seed: 7 }).map(encode);
    let taken = 0;
    for (let round = 0; round < 30_000; round += 1) {
      const bytes = damage(random, good[nextBelow(random, good.length)] as Uint8Array);
      let thing: unknown = null;
      const copied = copiedBytes(() => {
        thing = decode(bytes);
      });
      if (copied > bytes.length) throw new Error(`${copied} bytes copied of ${toHex(bytes)}`);
      if (thing === null) continue;
      taken += 1;
      const again = toHex(encode(thing));
      if (again !== toHex(bytes)) throw new Error(`${toHex(bytes)} reads like ${again}`);
    }
    expect(taken).toBeGreaterThan(3_000);
    expect(taken).toBeLessThan(27_000);
  });
});

test("every kind has a code, and unknown codes are refused", () => {
  expect(Object.keys(arbitraryMessages)).toEqual([...MESSAGE_KINDS]);
  expect(messages.decode(Uint8Array.of(MESSAGE_KINDS.length))).toBe(null);
  expect(decodeRecord(Uint8Array.of(1, 9))).toBe(null);
  expect(decodeRecord(Uint8Array.of(2, 6))).toBe(null);
});

test("the largest value fits a frame, and no larger one is read", () => {
  const ballot = { round: 1, proposer: 0 };
  const of = (bytes: number) => ({
    kind: "accept" as const,
    ballot,
    previous: ballot,
    first: 1,
    values: [new Uint8Array(bytes)],
    chosenUpTo: 0,
  });
  expect(messages.encode(of(VALUE_BYTES_MAX)).length).toBeLessThan(FRAME_BYTES_MAX);
  expect(messages.decode(messages.encode(of(VALUE_BYTES_MAX + 1)))).toBe(null);
});

const BALLOT = { round: 307, proposer: 2 };
const BYTES = Uint8Array.of(0xca, 0xfe);

/** Bytes as version 1 writes them. Whoever changes them raises the version. */
describe("frozen bytes", () => {
  test("of messages", () => {
    expect(omnipaxosCodec.version).toBe(1);
    const promise = {
      kind: "promise",
      ballot: BALLOT,
      nonce: 9,
      acceptedIn: { round: 100, proposer: 1 },
      length: 5,
      chosenUpTo: 4,
      lost: { acceptedIn: BALLOT, length: 6 },
      first: 5,
      values: [BYTES],
    } as const;
    expect(toHex(messages.encode(promise))).toBe(
      "04330100000000000002000000090000000000000064000000000000000100000005000000000000" +
        "00040000000000000001330100000000000002000000060000000000000005000000000000000100" +
        "000002000000cafe",
    );
    const reply = { kind: "heartbeatReply", round: 3, ballot: BALLOT, leader: BALLOT } as const;
    expect(toHex(messages.encode({ ...reply, happy: true, chosenUpTo: 4 }))).toBe(
      "01030000000000000033010000000000000200000033010000000000000200000001040000000000" + "0000",
    );
    const sync = { kind: "acceptSync", ballot: BALLOT, nonce: 9, previous: BALLOT } as const;
    expect(toHex(messages.encode({ ...sync, first: 5, values: [BYTES], chosenUpTo: 4 }))).toBe(
      "06330100000000000002000000090000000000000033010000000000000200000005000000000000" +
        "000100000002000000cafe0400000000000000",
    );
  });

  test("of records", () => {
    const synced = { kind: "synced", ballot: BALLOT, first: 5, values: [BYTES] } as const;
    expect(toHex(records.encode(synced))).toBe(
      "010233010000000000000200000005000000000000000100000002000000cafe",
    );
    const meta = { kind: "meta", promised: BALLOT, acceptedIn: BALLOT, compactedUpTo: 4 } as const;
    expect(toHex(records.encode({ ...meta, stoppedAt: 0, impaired: false }))).toBe(
      "01083301000000000000020000003301000000000000020000000400000000000000000000000000" + "000000",
    );
  });
});

describe("what a record speaks of is stored beside it", () => {
  const about = (record: OmniPaxosRecord) => journalRecord(record).about;
  const slots = (first: number, last: number) => ({ kind: "slots", log: 0, first, last });

  test("an acceptance by its slots and ballot, an empty sync by the last slot it accepts", () => {
    const values = [BYTES, BYTES];
    expect(about({ kind: "accepted", ballot: BALLOT, first: 5, values })).toEqual({
      ...slots(5, 6),
      ballot: BALLOT,
    });
    expect(about({ kind: "synced", ballot: BALLOT, first: 5, values: [] })).toEqual({
      ...slots(4, 4),
      ballot: BALLOT,
    });
    expect(about({ kind: "learned", first: 5, values, contradicts: true })).toEqual(slots(5, 6));
    expect(about({ kind: "lost", acceptedIn: BALLOT, length: 8 })).toEqual({
      ...slots(8, 8),
      ballot: BALLOT,
    });
  });

  test("a promise by its ballot; what nobody could do without by no name that is enough", () => {
    const none = { kind: "meta", log: 0, first: 0, last: 0 };
    expect(about({ kind: "promised", ballot: BALLOT })).toEqual({ ...none, ballot: BALLOT });
    expect(about({ kind: "stopped", slot: 4 })).toEqual(none);
    expect(about({ kind: "impaired" })).toEqual(none);
  });
});
