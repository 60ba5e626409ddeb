import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Writer } from "./codec.ts";
import type { Command } from "./command.ts";
import { CLIENT_BYTES_MAX, EMPTY_FOOTPRINT } from "./command.ts";
import { countCommands, decodeCommands, writeCommand, writeCommands } from "./command-codec.ts";
import { createPrng, nextBelow } from "./prng.ts";

/** Whole Unicode, without lone surrogates: those have no UTF-8. */
const text = (maxLength: number) => fc.string({ unit: "binary", maxLength });

const footprint = fc.record({
  reads: fc.array(text(12), { maxLength: 3 }),
  writes: fc.array(text(12), { maxLength: 3 }),
});

const command: fc.Arbitrary<Command> = fc.record({
  kind: fc.constantFrom("apply", "barrier", "stop"),
  client: text(24),
  sequence: fc.maxSafeNat(),
  acknowledged: fc.maxSafeNat(),
  origin: fc.integer({ min: 0, max: 0xffff_ffff }),
  payload: fc.uint8Array({ maxLength: 300 }),
  footprint,
});

function encode(commands: readonly Command[]): Uint8Array {
  const writer = new Writer();
  writeCommands(writer, commands);
  return writer.take();
}

const SAMPLE: Command = {
  kind: "apply",
  client: "~2.5",
  sequence: 7,
  acknowledged: 6,
  origin: 2,
  payload: Uint8Array.of(1, 2, 3),
  footprint: EMPTY_FOOTPRINT,
};

describe("batches", () => {
  test("round trip", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 8 }), (commands) => {
        expect(decodeCommands(encode(commands))).toEqual(commands);
      }),
    );
  });

  test("joining bytes joins batches, and counting agrees with decoding", () => {
    const batch = fc.array(command, { maxLength: 5 });
    fc.assert(
      fc.property(batch, batch, (left, right) => {
        const joined = Uint8Array.from([...encode(left), ...encode(right)]);
        expect(joined).toEqual(encode([...left, ...right]));
        expect(decodeCommands(joined)).toEqual([...left, ...right]);
        expect(countCommands(joined)).toBe(left.length + right.length);
      }),
    );
  });

  test("no bytes are no commands", () => {
    expect([decodeCommands(new Uint8Array(0)), countCommands(new Uint8Array(0))]).toEqual([[], 0]);
  });

  test("payloads are views, not copies", () => {
    const bytes = encode([SAMPLE]);
    expect(decodeCommands(bytes)?.[0]?.payload.buffer).toBe(bytes.buffer);
  });

  test("the layout is frozen", () => {
    const hex = Buffer.from(encode([SAMPLE])).toString("hex");
    expect(hex).toBe(
      "25000000" +
        "00" +
        "00" +
        "0700000000000000" +
        "0600000000000000" +
        "02000000" +
        "040000007e322e35" +
        "03000000010203",
    );
  });
});

describe("bytes that are no batch", () => {
  test("100,000 damaged batches: decoded whole and canonical, or refused", () => {
    const random = createPrng(3);
    const samples = fc.sample(fc.array(command, { maxLength: 3 }), { numRuns: 200, seed: 3 });
    const encoded = samples.map(encode);
    const seen = { refused: 0, accepted: 0 };
    for (let round = 0; round < 100_000; round += 1) {
      const bytes = (encoded[round % encoded.length] as Uint8Array).slice();
      for (let hit = nextBelow(random, 3); hit >= 0 && bytes.length > 0; hit -= 1) {
        const at = nextBelow(random, Math.min(bytes.length, 64));
        bytes[at] = nextBelow(random, 4) === 0 ? 0xff : nextBelow(random, 256);
      }
      const cut = nextBelow(random, 4) === 0 ? nextBelow(random, bytes.length + 1) : bytes.length;
      const input = bytes.subarray(0, cut);
      const commands = decodeCommands(input);
      const count = countCommands(input);
      if (commands === null) {
        seen.refused += 1;
        continue;
      }
      seen.accepted += 1;
      if (count !== commands.length) throw new Error(`counted ${count}, read ${commands.length}`);
      if (Buffer.compare(encode(commands), input) !== 0) throw new Error("two encodings");
    }
    expect(seen.refused).toBeGreaterThan(10_000);
    expect(seen.accepted).toBeGreaterThan(10_000);
  });

  test("pure noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const commands = decodeCommands(noise);
        if (commands !== null) expect(countCommands(noise)).toBe(commands.length);
        expect(countCommands(noise)).toBeGreaterThanOrEqual(-1);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["a command cut short", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1), -1],
    ["a byte too many", (bytes: Uint8Array) => Uint8Array.from([...bytes, 0]), -1],
    ["a length that reaches beyond the end", patched(0, 0xff), -1],
    ["a length that ends inside the body", patched(0, 0x24), -1],
    ["an empty body", () => new Uint8Array(4), -1],
    ["an unknown kind", patched(4, 4), 1],
    ["a footprint flag of 2", patched(5, 2), 1],
    ["a footprint flag without a footprint", patched(5, 1), 1],
  ])("refuses %s", (_, damage, counted) => {
    const bytes = damage(encode([SAMPLE]));
    expect([decodeCommands(bytes), countCommands(bytes)]).toEqual([null, counted]);
  });

  test("refuses a flagged footprint that is empty: one command has one encoding", () => {
    const bytes = Uint8Array.from([...encode([SAMPLE]), 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes[0] = (bytes[0] as number) + 8;
    bytes[5] = 1;
    expect(decodeCommands(bytes)).toBeNull();
  });

  test("refuses a client name that is too long", () => {
    const writer = new Writer();
    writeCommand(writer, { ...SAMPLE, client: "x".repeat(CLIENT_BYTES_MAX) });
    expect(decodeCommands(writer.peek())).toHaveLength(1);
    writer.reset();
    writeCommand(writer, { ...SAMPLE, client: "x".repeat(CLIENT_BYTES_MAX + 1) });
    expect(decodeCommands(writer.peek())).toBeNull();
  });
});

function patched(at: number, value: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => {
    const copy = bytes.slice();
    copy[at] = value;
    return copy;
  };
}
