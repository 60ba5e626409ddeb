import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reader, Writer } from "../../codec.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import { paxosCodec } from "./codec.ts";
import { MESSAGE_KINDS, type PaxosMessage } from "./messages.ts";
import { arbitraryMessage, arbitraryMessages } from "./testing/arbitrary.ts";
import { b, bytes } from "./testing/values.ts";

function encode(message: PaxosMessage): Uint8Array {
  const writer = new Writer();
  paxosCodec.encode(writer, message);
  return writer.take();
}

function decode(raw: Uint8Array): PaxosMessage | null {
  return paxosCodec.decode(new Reader(raw));
}

function hex(raw: Uint8Array): string {
  return [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of each kind, frozen: another layout needs another version. */
const FROZEN: Readonly<Record<string, { readonly message: PaxosMessage; readonly hex: string }>> = {
  prepare: {
    message: { kind: "prepare", ballot: b(258, 3) },
    hex: "00020100000000000003000000",
  },
  promise: {
    message: {
      kind: "promise",
      ballot: b(2, 1),
      accepted: { ballot: b(1, 0), value: bytes("x") },
    },
    hex: "0102000000000000000100000001010000000000000000000000" + "0100000078",
  },
  "promise of nothing": {
    message: { kind: "promise", ballot: b(2, 1), accepted: null },
    hex: "0102000000000000000100000000",
  },
  nack: {
    message: { kind: "nack", refused: b(1, 2), promised: b(3, 4) },
    hex: "02010000000000000002000000030000000000000004000000",
  },
  accept: {
    message: { kind: "accept", ballot: b(1, 2), value: bytes("xy") },
    hex: "030100000000000000020000000200000" + "07879",
  },
  accepted: {
    message: { kind: "accepted", ballot: b(1, 2) },
    hex: "04010000000000000002000000",
  },
  chosen: { message: { kind: "chosen", value: bytes("") }, hex: "0500000000" },
  ask: {
    message: { kind: "ask", incarnation: 5, number: 6 },
    hex: "0605000000000000000600000000000000",
  },
  told: {
    message: { kind: "told", incarnation: 5, number: 6, accepted: null },
    hex: "070500000000000000060000000000000000",
  },
  forward: { message: { kind: "forward", value: bytes("x") }, hex: "080100000078" },
};

describe("messages", () => {
  test("come back as they were", () => {
    fc.assert(
      fc.property(arbitraryMessage, (message) => {
        expect(decode(encode(message))).toEqual(message);
      }),
    );
  });

  test.each(Object.entries(FROZEN))("%s keeps its bytes", (_name, { message, hex: frozen }) => {
    expect(hex(encode(message))).toBe(frozen);
    expect(decode(encode(message))).toEqual(message);
  });

  test("every kind is frozen", () => {
    const kinds = Object.values(FROZEN).map(({ message }) => message.kind);
    expect([...new Set(kinds)]).toEqual([...MESSAGE_KINDS]);
    expect(Object.keys(arbitraryMessages)).toEqual([...MESSAGE_KINDS]);
  });

  test("values are copies: the frame may be used again", () => {
    const raw = encode({ kind: "chosen", value: bytes("x") });
    const message = decode(raw);
    raw.fill(0);
    expect(message).toEqual({ kind: "chosen", value: bytes("x") });
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
    const noise = fc.uint8Array({ maxLength: 60 });
    const kind = fc.integer({ min: 0, max: MESSAGE_KINDS.length });
    fc.assert(
      fc.property(kind, noise, (first, rest) => {
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

  test("a kind that does not exist, a flag that is neither, a length beyond all limits", () => {
    expect(decode(Uint8Array.of(MESSAGE_KINDS.length))).toBeNull();
    expect(decode(new Uint8Array(0))).toBeNull();
    const promise = encode({ kind: "promise", ballot: b(1, 1), accepted: null });
    promise[promise.length - 1] = 2;
    expect(decode(promise)).toBeNull();
    const writer = new Writer();
    writer.u8(MESSAGE_KINDS.indexOf("chosen"));
    writer.bytes(new Uint8Array(VALUE_BYTES_MAX + 1));
    expect(decode(writer.take())).toBeNull();
  });
});
