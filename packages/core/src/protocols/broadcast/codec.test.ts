import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reader, Writer } from "../../codec.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import { b, bytes } from "../paxos/testing/values.ts";
import { broadcastCodec } from "./codec.ts";
import { type BroadcastMessage, MESSAGE_KINDS } from "./messages.ts";
import { arbitraryMessage } from "./testing/arbitrary.ts";

function encode(message: BroadcastMessage): Uint8Array {
  const writer = new Writer();
  broadcastCodec.encode(writer, message);
  return writer.take();
}

function decode(raw: Uint8Array): BroadcastMessage | null {
  return broadcastCodec.decode(new Reader(raw));
}

function hex(raw: Uint8Array): string {
  return [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of each kind, frozen: another layout needs another version. */
const FROZEN: readonly (readonly [BroadcastMessage, string])[] = [
  [
    { kind: "decree", slot: 7, message: { kind: "accept", ballot: b(1, 2), value: bytes("x") } },
    "00" + "0700000000000000" + "03" + "010000000000000002000000" + "0100000078",
  ],
  [{ kind: "decided", slot: 7, ballot: b(1, 2) }, "010700000000000000010000000000000002000000"],
  [
    { kind: "learn", first: 3, values: [bytes("x"), bytes("")], decidedUpTo: 9 },
    "02" + "0300000000000000" + "0900000000000000" + "02000000" + "0100000078" + "00000000",
  ],
  [
    { kind: "behind", compactedUpTo: 3, decidedUpTo: 9 },
    "03" + "0300000000000000" + "0900000000000000",
  ],
  [
    { kind: "progress", decidedUpTo: 3, openUpTo: 9 },
    "04" + "0300000000000000" + "0900000000000000",
  ],
  [{ kind: "offer", value: bytes("x") }, "050100000078"],
  [{ kind: "ask", incarnation: 5, number: 6 }, "06" + "0500000000000000" + "0600000000000000"],
  [
    { kind: "told", incarnation: 5, number: 6, openUpTo: 7 },
    "07" + "0500000000000000" + "0600000000000000" + "0700000000000000",
  ],
];

describe("messages", () => {
  test("come back as they were", () => {
    fc.assert(
      fc.property(arbitraryMessage, (message) => {
        expect(decode(encode(message))).toEqual(message);
      }),
    );
  });

  test.each(FROZEN)("%o keeps its bytes", (message, frozen) => {
    expect(hex(encode(message))).toBe(frozen);
    expect(decode(encode(message))).toEqual(message);
  });

  test("every kind is frozen", () => {
    expect(FROZEN.map(([{ kind }]) => kind)).toEqual([...MESSAGE_KINDS]);
  });

  test("values are copies: the frame may be used again", () => {
    for (const [message] of FROZEN) {
      const raw = encode(message);
      const decoded = decode(raw);
      raw.fill(0);
      expect(decoded).toEqual(message);
    }
  });
});

describe("bytes that are no message", () => {
  test("cut short anywhere, or with something left over", () => {
    fc.assert(
      fc.property(arbitraryMessage, fc.nat(), (message, at) => {
        const raw = encode(message);
        expect(decode(raw.subarray(0, at % raw.length))).toBeNull();
        expect(decode(Uint8Array.of(...raw, 0))).toBeNull();
      }),
    );
  });

  test("any bytes at all: null, or a message that has exactly these bytes", () => {
    const kind = fc.integer({ min: 0, max: MESSAGE_KINDS.length });
    fc.assert(
      fc.property(kind, fc.uint8Array({ maxLength: 60 }), (first, rest) => {
        const raw = Uint8Array.of(first, ...rest);
        const message = decode(raw);
        if (message !== null) expect(hex(encode(message))).toBe(hex(raw));
      }),
      { numRuns: 2_000 },
    );
  });

  test("one bit changed: null, or the message that these bytes are", () => {
    fc.assert(
      fc.property(arbitraryMessage, fc.nat(), (message, bit) => {
        const raw = encode(message);
        const at = bit % (raw.length * 8);
        raw[at >> 3] = (raw[at >> 3] as number) ^ (1 << (at & 7));
        const other = decode(raw);
        if (other !== null) expect(hex(encode(other))).toBe(hex(raw));
      }),
    );
  });

  test("words of single-decree Paxos that mean nothing among many", () => {
    const writer = new Writer();
    writer.u8(MESSAGE_KINDS.indexOf("decree"));
    writer.u53(1);
    writer.raw(Uint8Array.of(5, 0, 0, 0, 0));
    expect(decode(writer.take())).toBeNull();
  });

  test("slot 0, more values than bytes, a value beyond all limits", () => {
    expect(decode(encode({ kind: "decided", slot: 0, ballot: b(1, 1) }))).toBeNull();
    const many = encode({ kind: "learn", first: 1, values: [], decidedUpTo: 1 });
    new DataView(many.buffer).setUint32(17, 0x7fffffff, true);
    expect(decode(many)).toBeNull();
    const large = encode({ kind: "offer", value: new Uint8Array(VALUE_BYTES_MAX + 1) });
    expect(decode(large)).toBeNull();
  });
});
