import { Reader, Writer } from "@synod/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pmmcCodec } from "./codec.ts";
import { MESSAGE_KINDS, type PmmcMessage } from "./messages.ts";
import { arbitraryMessages } from "./testing/arbitrary.ts";

function encode(message: PmmcMessage): Uint8Array {
  const writer = new Writer();
  pmmcCodec.encode(writer, message);
  return writer.take();
}

const decode = (bytes: Uint8Array): PmmcMessage | null => pmmcCodec.decode(new Reader(bytes));

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const ballot = { round: 2, proposer: 1 };
const BALLOT = "020000000000000001000000";
const SLOT = "0700000000000000";

/** The layout of version 1, for ever: whoever changes it raises the version. */
const FROZEN: readonly (readonly [PmmcMessage, string])[] = [
  [{ kind: "p1a", ballot, first: 7 }, `00${BALLOT}${SLOT}`],
  [
    {
      kind: "p1b",
      ballot,
      first: 7,
      last: 9,
      gcSlot: 3,
      pvalues: [{ ballot, slot: 7, epoch: 1, value: Uint8Array.of(5) }],
    },
    `01${BALLOT}${SLOT}09000000000000000300000000000000` +
      `01000000${BALLOT}${SLOT}010000000100000005`,
  ],
  [
    { kind: "p2a", ballot, slot: 7, epoch: 1, value: Uint8Array.of(5) },
    `02${BALLOT}${SLOT}010000000100000005`,
  ],
  [
    { kind: "p2b", commander: ballot, ballot, slot: 7, gcSlot: 0 },
    `03${BALLOT}${BALLOT}${SLOT}0000000000000000`,
  ],
  [
    {
      kind: "propose",
      slot: 7,
      value: Uint8Array.of(5),
      passedOn: true,
      epochs: [{ number: 1, first: 7, leaders: [1], acceptors: [1, 2] }],
    },
    `04${SLOT}01000000050101000000${"01000000"}${SLOT}0100000001000000020000000100000002000000`,
  ],
  [{ kind: "decision", slot: 7, ballot, value: null }, `05${SLOT}${BALLOT}00`],
  [
    { kind: "decision", slot: 7, ballot, value: Uint8Array.of(5) },
    `05${SLOT}${BALLOT}010100000005`,
  ],
  [{ kind: "ping", ballot }, `06${BALLOT}`],
  [{ kind: "pong", ballot }, `07${BALLOT}`],
  [{ kind: "report", stableUpTo: 7, decidedUpTo: 7 }, `08${SLOT}${SLOT}`],
  [{ kind: "ask", first: 7 }, `09${SLOT}`],
  [{ kind: "decisions", first: 7, values: [Uint8Array.of(5)] }, `0a${SLOT}010000000100000005`],
  [{ kind: "behind", compactedUpTo: 7 }, `0b${SLOT}`],
  [{ kind: "readQuery", incarnation: 7, number: 7 }, `0c${SLOT}${SLOT}`],
  [{ kind: "readReply", incarnation: 7, number: 7, slot: 7 }, `0d${SLOT}${SLOT}${SLOT}`],
  [{ kind: "renew", ballot, round: 7 }, `0e${BALLOT}${SLOT}`],
  [{ kind: "grant", ballot, round: 7 }, `0f${BALLOT}${SLOT}`],
];

describe("frozen bytes", () => {
  test.each(FROZEN)("%j", (message, expected) => {
    expect(hex(encode(message))).toBe(expected);
    expect(decode(bytes(expected))).toEqual(message);
  });

  test("of every kind", () => {
    expect(new Set(FROZEN.map(([{ kind }]) => kind))).toEqual(new Set(MESSAGE_KINDS));
  });
});

test("every message comes back as it was", () => {
  const any = fc.oneof(...(Object.values(arbitraryMessages) as fc.Arbitrary<PmmcMessage>[]));
  fc.assert(
    fc.property(any, (message) => {
      expect(decode(encode(message))).toEqual(message);
    }),
  );
});

test("a part of a message, or one byte more, is none", () => {
  const any = fc.oneof(...(Object.values(arbitraryMessages) as fc.Arbitrary<PmmcMessage>[]));
  fc.assert(
    fc.property(any, fc.nat(), (message, at) => {
      const whole = encode(message);
      expect(decode(whole.subarray(0, at % whole.length))).toBeNull();
      expect(decode(Uint8Array.of(...whole, 0))).toBeNull();
    }),
  );
});

describe("refused", () => {
  test.each([
    ["an unknown kind", "10"],
    ["slot 0", `02${BALLOT}0000000000000000010000000100000005`],
    [
      "a part that ends before it begins",
      `01${BALLOT}${SLOT}06000000000000000000000000000000${"00000000"}`,
    ],
    ["more pvalues than there are bytes", `01${BALLOT}${SLOT}${SLOT}0000000000000000ffffffff`],
    [
      "epochs with a gap",
      `04${SLOT}000000000002000000` +
        `01000000${SLOT}01000000010000000100000001000000` +
        `03000000${SLOT}01000000010000000100000001000000`,
    ],
    [
      "an epoch without acceptors",
      `04${SLOT}00000000000100000001000000${SLOT}010000000100000000000000`,
    ],
  ])("%s", (_, text) => {
    expect(decode(bytes(text))).toBeNull();
  });

  test("pvalues out of order or outside of their part", () => {
    const pvalue = { ballot, epoch: 0, value: new Uint8Array() };
    const part = { kind: "p1b", ballot, first: 2, last: 5, gcSlot: 0 } as const;
    for (const slots of [[3, 2], [3, 3], [1], [6]]) {
      const pvalues = slots.map((slot) => ({ ...pvalue, slot }));
      expect(decode(encode({ ...part, pvalues }))).toBeNull();
    }
    expect(decode(encode({ ...part, pvalues: [{ ...pvalue, slot: 5 }] }))).not.toBeNull();
  });
});
