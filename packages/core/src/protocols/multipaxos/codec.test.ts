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
import { copiedBytes, damage, fromHex, toHex } from "../../testing/damage.ts";
import { multipaxosCodec } from "./codec.ts";
import { MESSAGE_KINDS, type MultipaxosMessage, type UnknownRun } from "./messages.ts";
import { arbitraryMessages } from "./testing/arbitrary.ts";
import { ballot, reported, value } from "./testing/solo.ts";

type Kind = MultipaxosMessage["kind"];

function encode(message: MultipaxosMessage): Uint8Array {
  const writer = new Writer();
  multipaxosCodec.encode(writer, message);
  return writer.take();
}

function decode(bytes: Uint8Array): MultipaxosMessage | null {
  return multipaxosCodec.decode(new Reader(bytes));
}

test("every kind has its code on the wire", () => {
  expect([...MESSAGE_KINDS].sort()).toEqual(Object.keys(arbitraryMessages).sort());
});

describe.each(MESSAGE_KINDS)("%s", (kind) => {
  const arbitrary = arbitraryMessages[kind] as fc.Arbitrary<MultipaxosMessage>;

  test("comes back as it was, and has one encoding", () => {
    fc.assert(
      fc.property(arbitrary, (message) => {
        const bytes = encode(message);
        const decoded = decode(bytes);
        expect(decoded).toEqual(message);
        expect(encode(decoded as MultipaxosMessage)).toEqual(bytes);
      }),
      { numRuns: 200 },
    );
  });

  test("is refused when a byte is missing or one too many", () => {
    fc.assert(
      fc.property(arbitrary, (message) => {
        const bytes = encode(message);
        for (let length = 0; length < bytes.length; length += 1)
          expect(decode(bytes.subarray(0, length))).toBe(null);
        expect(decode(Uint8Array.from([...bytes, 0]))).toBe(null);
      }),
      { numRuns: 20 },
    );
  });
});

test("100,000 damaged messages are refused or are messages; nothing is thrown or hoarded", () => {
  const random = createPrng(20_011);
  const samples = MESSAGE_KINDS.flatMap((kind) =>
    fc
      .sample(arbitraryMessages[kind] as fc.Arbitrary<MultipaxosMessage>, { numRuns: 60, seed: 7 })
      .map(encode),
  );
  let taken = 0;
  for (let round = 0; round < 100_000; round += 1) {
    const bytes = damage(random, samples[nextBelow(random, samples.length)] as Uint8Array);
    let message: MultipaxosMessage | null = null;
    const copied = copiedBytes(() => {
      message = decode(bytes);
    });
    if (copied > bytes.length) throw new Error(`${copied} bytes copied of ${toHex(bytes)}`);
    if (message === null) continue;
    taken += 1;
    const again = toHex(encode(message));
    if (again !== toHex(bytes)) throw new Error(`${toHex(bytes)} reads like ${again}`);
  }
  expect(taken).toBeGreaterThan(10_000);
  expect(taken).toBeLessThan(90_000);
});

describe("what makes no sense is refused", () => {
  const of = ballot("1.1");
  const huge = new Uint8Array(VALUE_BYTES_MAX + 1);
  const most = huge.subarray(1);

  test.each<[string, MultipaxosMessage]>([
    ["slot 0", { kind: "accept", ballot: of, first: 0, values: [value("-")], chosenUpTo: 0 }],
    ["an empty accept", { kind: "accept", ballot: of, first: 1, values: [], chosenUpTo: 0 }],
    [
      "slots beyond all numbers",
      {
        kind: "accept",
        ballot: of,
        first: Number.MAX_SAFE_INTEGER,
        values: [value("-")],
        chosenUpTo: 0,
      },
    ],
    ["a huge value", { kind: "accept", ballot: of, first: 1, values: [huge], chosenUpTo: 0 }],
    ["a huge learned value", { kind: "learn", first: 1, values: [huge], chosenUpTo: 0 }],
    ["a huge forward", { kind: "forward", passedOn: false, value: huge }],
    [
      "a run from 0",
      { kind: "accepted", ballot: of, runs: [{ first: 0, last: 1 }], chosenUpTo: 0 },
    ],
    [
      "a run that ends before it begins",
      { kind: "accepted", ballot: of, runs: [{ first: 2, last: 1 }], chosenUpTo: 0 },
    ],
    ["a promise from slot 0", promise({ first: 0 })],
    ["a promise of nothing", promise({ first: 3, last: 2 })],
    ["an entry below the part", promise({ first: 2, entries: [reported(1, "1.1", "-")] })],
    ["an entry above the part", promise({ last: 4, entries: [reported(5, "1.1", "-")] })],
    [
      "entries out of order",
      promise({ entries: [reported(2, "1.1", "-"), reported(1, "1.1", "-")] }),
    ],
    ["a slot twice", promise({ entries: [reported(1, "1.1", "-"), reported(1, "1.2", "-")] })],
    ["an unknown run below the part", promise({ first: 2, unknown: [unknown(1, 2)] })],
    ["an unknown run beyond the part", promise({ last: 4, unknown: [unknown(4, 5)] })],
    ["an unknown run that ends before it begins", promise({ unknown: [unknown(3, 2)] })],
    ["unknown runs out of order", promise({ unknown: [unknown(3, 4), unknown(1, 2)] })],
    ["a slot in two unknown runs", promise({ unknown: [unknown(1, 3), unknown(3, 4)] })],
    [
      "a slot both told and unknown",
      promise({
        entries: [reported(1, "1.1", "-"), reported(4, "1.1", "-")],
        unknown: [unknown(2, 2), unknown(3, 5)],
      }),
    ],
    ["a huge reported value", promise({ entries: [{ ...reported(1, "1.1", "-"), value: huge }] })],
  ])("%s", (_, message) => {
    expect(decode(encode(message))).toBe(null);
  });

  test("the largest value is taken, and its frame is below the limit", () => {
    const largest: MultipaxosMessage[] = [
      { kind: "accept", ballot: of, first: 1, values: [most], chosenUpTo: 0 },
      { kind: "forward", passedOn: false, value: most },
      promise({ entries: [{ ...reported(1, "1.1", "-"), value: most }] }),
    ];
    for (const message of largest) {
      const bytes = encode(message);
      expect(decode(bytes)?.kind).toBe(message.kind);
      expect(bytes.length).toBeLessThan(FRAME_BYTES_MAX);
    }
  });

  test("an unknown kind, or none", () => {
    expect(decode(new Uint8Array(0))).toBe(null);
    expect(decode(new Uint8Array([MESSAGE_KINDS.length, ...new Uint8Array(64)]))).toBe(null);
  });

  test("counts that the bytes cannot hold, without a try", () => {
    for (const kind of ["promise", "accept", "accepted", "learn"] as const) {
      const bytes = encode(FROZEN[kind][0]);
      const view = new DataView(bytes.buffer);
      view.setUint32(COUNT_AT[kind], 0xffff_ffff, true);
      expect(copiedBytes(() => expect(decode(bytes)).toBe(null))).toBe(0);
    }
  });

  function promise(
    fields: Partial<Extract<MultipaxosMessage, { kind: "promise" }>>,
  ): MultipaxosMessage {
    const none = { chosenUpTo: 0, omittedUpTo: 0, first: 1, last: 9, entries: [], unknown: [] };
    return { kind: "promise", ballot: of, ...none, ...fields };
  }

  function unknown(first: number, last: number): UnknownRun {
    return { first, last, ballot: of };
  }
});

test("a count of unknown runs that the bytes cannot hold, without a try", () => {
  const bytes = encode(FROZEN.promise[0]);
  new DataView(bytes.buffer).setUint32(bytes.length - 4 - 28, 0xffff_ffff, true);
  expect(copiedBytes(() => expect(decode(bytes)).toBe(null))).toBeLessThan(bytes.length);
});

test("a decoded value is a copy: the frame may be reused", () => {
  const kinds = ["promise", "accept", "learn", "forward"] as const;
  for (const kind of kinds) {
    const bytes = encode(FROZEN[kind][0]);
    const message = decode(bytes);
    bytes.fill(0xff);
    expect(message).toEqual(FROZEN[kind][0]);
  }
});

/** Where the count stands in each of these layouts. */
const COUNT_AT = { promise: 1 + 12 + 4 * 8, accept: 1 + 12 + 8, accepted: 1 + 12, learn: 1 + 8 };

const BYTES = Uint8Array.of(0xca, 0xfe);

/** Bytes as version 2 writes them. Whoever changes them raises the version of the codec. */
const FROZEN = {
  probe: [{ kind: "probe", attempt: 3, chosenUpTo: 258 }, "0003000000000000000201000000000000"],
  probed: [
    { kind: "probed", attempt: 3, granted: true, promised: ballot("7.2"), chosenUpTo: 258 },
    "010300000000000000010700000000000000020000000201000000000000",
  ],
  prepare: [
    { kind: "prepare", ballot: ballot("7.2"), chosenUpTo: 258 },
    "020700000000000000020000000201000000000000",
  ],
  promise: [
    {
      kind: "promise",
      ballot: ballot("7.2"),
      chosenUpTo: 9,
      omittedUpTo: 4,
      first: 5,
      last: Number.MAX_SAFE_INTEGER,
      entries: [
        { slot: 5, ballot: ballot("0.0"), chosen: true, value: BYTES },
        { slot: 258, ballot: ballot("6.1"), chosen: false, value: new Uint8Array(0) },
      ],
      unknown: [{ first: 6, last: 257, ballot: ballot("6.1") }],
    },
    [
      "03070000000000000002000000090000000000000004000000000000000500000000000000ffffff",
      "ffffff1f000200000005000000000000000000000000000000000000000102000000cafe02010000",
      "00000000060000000000000001000000000000000001000000060000000000000001010000000000",
      "00060000000000000001000000",
    ].join(""),
  ],
  nack: [
    { kind: "nack", refused: ballot("7.2"), promised: ballot("8.1"), chosenUpTo: 258 },
    "040700000000000000020000000800000000000000010000000201000000000000",
  ],
  accept: [
    {
      kind: "accept",
      ballot: ballot("7.2"),
      first: 5,
      values: [BYTES, new Uint8Array(0)],
      chosenUpTo: 4,
    },
    [
      "0507000000000000000200000005000000000000000200000002000000cafe000000000400000000",
      "000000",
    ].join(""),
  ],
  accepted: [
    {
      kind: "accepted",
      ballot: ballot("7.2"),
      runs: [
        { first: 5, last: 6 },
        { first: 258, last: 258 },
      ],
      chosenUpTo: 4,
    },
    [
      "06070000000000000002000000020000000500000000000000060000000000000002010000000000",
      "0002010000000000000400000000000000",
    ].join(""),
  ],
  commit: [
    { kind: "commit", ballot: ballot("7.2"), chosenUpTo: 258 },
    "070700000000000000020000000201000000000000",
  ],
  heartbeat: [
    { kind: "heartbeat", ballot: ballot("7.2"), round: 3, chosenUpTo: 258 },
    "0807000000000000000200000003000000000000000201000000000000",
  ],
  heartbeatAck: [
    { kind: "heartbeatAck", ballot: ballot("7.2"), round: 3, chosenUpTo: 258 },
    "0907000000000000000200000003000000000000000201000000000000",
  ],
  catchUp: [{ kind: "catchUp", first: 5, last: 258 }, "0a05000000000000000201000000000000"],
  learn: [
    { kind: "learn", first: 5, values: [BYTES, new Uint8Array(0)], chosenUpTo: 258 },
    "0b05000000000000000200000002000000cafe000000000201000000000000",
  ],
  behind: [
    { kind: "behind", compactedUpTo: 5, chosenUpTo: 258 },
    "0c05000000000000000201000000000000",
  ],
  forward: [{ kind: "forward", passedOn: true, value: BYTES }, "0d0102000000cafe"],
  readIndex: [
    { kind: "readIndex", incarnation: 5, number: 258 },
    "0e05000000000000000201000000000000",
  ],
  readAt: [
    { kind: "readAt", incarnation: 5, number: 258, index: 2 ** 40 + 1 },
    "0f050000000000000002010000000000000100000000010000",
  ],
} as const satisfies { readonly [K in Kind]: readonly [MultipaxosMessage & { kind: K }, string] };

describe("version 2", () => {
  test("is the version of these bytes", () => {
    expect(multipaxosCodec.version).toBe(2);
  });

  test.each(MESSAGE_KINDS)("%s", (kind) => {
    const [message, hex] = FROZEN[kind];
    expect(toHex(encode(message))).toBe(hex);
    expect(decode(fromHex(hex))).toEqual(message);
  });
});
