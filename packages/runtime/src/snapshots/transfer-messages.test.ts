import { createPrng, nextBelow, Reader, Writer } from "@synod/core";
import { describe, expect, test } from "vitest";
import { CHUNK_BYTES_MAX, CHUNKS_MAX, MANIFEST_BYTES_MAX } from "./manifest.ts";
import {
  decodeTransferMessage,
  encodeTransferMessage,
  TRANSFER_KINDS,
  type TransferMessage,
} from "./transfer-messages.ts";

const digest = "00c0ffee0badcafe";
const messages: TransferMessage[] = [
  { kind: "stateRequest", position: { log: 0, index: 2 ** 40 } },
  { kind: "stateOffer", manifest: Uint8Array.of(1, 2, 3) },
  { kind: "stateNone", position: { log: 3, index: 0 } },
  { kind: "chunkRequest", digest, index: CHUNKS_MAX - 1 },
  { kind: "chunk", digest, index: 0, bytes: Uint8Array.of(9, 8) },
  { kind: "stateGone", digest },
  { kind: "stateDone", digest },
];

function encoded(message: TransferMessage): Uint8Array {
  const writer = new Writer();
  encodeTransferMessage(writer, message);
  return writer.take();
}

const decode = (bytes: Uint8Array) => decodeTransferMessage(new Reader(bytes));

describe("transfer messages", () => {
  test("of every kind come back as they went", () => {
    expect(messages.map((message) => message.kind)).toEqual([...TRANSFER_KINDS]);
    for (const message of messages) expect(decode(encoded(message))).toEqual(message);
  });

  test("cut short, or with something behind, are no messages", () => {
    for (const message of messages) {
      const bytes = encoded(message);
      for (let end = 0; end < bytes.length; end += 1)
        expect(decode(bytes.subarray(0, end)), `${message.kind} to ${end}`).toBeNull();
      expect(decode(Uint8Array.from([...bytes, 0]))).toBeNull();
    }
  });

  test("beyond the bounds are no messages", () => {
    const large = new Uint8Array(MANIFEST_BYTES_MAX + 1);
    expect(decode(encoded({ kind: "stateOffer", manifest: large }))).toBeNull();
    expect(decode(encoded({ kind: "stateOffer", manifest: large.subarray(1) }))).not.toBeNull();
    const chunk = new Uint8Array(CHUNK_BYTES_MAX + 1);
    expect(decode(encoded({ kind: "chunk", digest, index: 1, bytes: chunk }))).toBeNull();
    expect(
      decode(encoded({ kind: "chunk", digest, index: 1, bytes: chunk.subarray(1) })),
    ).not.toBeNull();
    expect(decode(encoded({ kind: "chunkRequest", digest, index: CHUNKS_MAX }))).toBeNull();
    expect(decode(Uint8Array.of(TRANSFER_KINDS.length))).toBeNull();
  });

  test("noise never throws, and what is taken for a message is written back as it came", () => {
    const prng = createPrng(3);
    for (let round = 0; round < 4_000; round += 1) {
      const bytes = encoded(messages[nextBelow(prng, messages.length)]!);
      for (let hits = nextBelow(prng, 4); hits > 0; hits -= 1)
        bytes[nextBelow(prng, bytes.length)] = nextBelow(prng, 256);
      const message = decode(bytes);
      if (message !== null && message.kind !== "stateOffer")
        expect(encoded(message)).toEqual(bytes);
    }
  });
});
