import type { Reader, Writer } from "../../codec.ts";
import { assertNever } from "../../invariant.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import type { MessageCodec } from "../../protocol.ts";
import { readBallot, writeBallot } from "../paxos/codec.ts";
import { type PaxosMessage, paxosCodec } from "../paxos/index.ts";
import {
  type BroadcastMessage,
  INSTANCE_KINDS,
  type InstanceMessage,
  MESSAGE_KINDS,
} from "./messages.ts";

/**
 * Fixed little-endian layout: one byte for the kind, then the fields in the order of the type. A
 * message of an instance is the slot, then the message as single-decree Paxos writes it. Decoded
 * values are copies, so the frame that they came in may be reused.
 */
export const broadcastCodec: MessageCodec<BroadcastMessage> = { version: 1, encode, decode };

function encode(writer: Writer, message: BroadcastMessage): void {
  writer.u8(MESSAGE_KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "decree":
      writer.u53(message.slot);
      return paxosCodec.encode(writer, message.message);
    case "decided":
      writer.u53(message.slot);
      return writeBallot(writer, message.ballot);
    case "learn":
      writer.u53(message.first);
      writer.u53(message.decidedUpTo);
      writer.u32(message.values.length);
      for (const value of message.values) writer.bytes(value);
      return;
    case "behind":
      writer.u53(message.compactedUpTo);
      return writer.u53(message.decidedUpTo);
    case "progress":
      writer.u53(message.decidedUpTo);
      return writer.u53(message.openUpTo);
    case "offer":
      return writer.bytes(message.value);
    case "ask":
      writer.u53(message.incarnation);
      return writer.u53(message.number);
    case "told":
      writer.u53(message.incarnation);
      writer.u53(message.number);
      return writer.u53(message.openUpTo);
    default:
      return assertNever(message);
  }
}

function decode(reader: Reader): BroadcastMessage | null {
  const kind = MESSAGE_KINDS[reader.u8()];
  if (kind === undefined || reader.failed) return null;
  const message = readBody(kind, reader);
  return message !== null && reader.complete() ? message : null;
}

/** Fields are read in the order in which they are written here. */
function readBody(kind: BroadcastMessage["kind"], reader: Reader): BroadcastMessage | null {
  switch (kind) {
    case "decree":
      return readDecree(reader);
    case "decided":
      return { kind, slot: readSlot(reader), ballot: readBallot(reader) };
    case "learn":
      return readLearn(reader);
    case "behind":
      return { kind, compactedUpTo: reader.u53(), decidedUpTo: reader.u53() };
    case "progress":
      return { kind, decidedUpTo: reader.u53(), openUpTo: reader.u53() };
    case "offer":
      return { kind, value: reader.bytes(VALUE_BYTES_MAX).slice() };
    case "ask":
      return { kind, incarnation: reader.u53(), number: reader.u53() };
    case "told":
      return {
        kind,
        incarnation: reader.u53(),
        number: reader.u53(),
        openUpTo: reader.u53(),
      };
    default:
      return assertNever(kind);
  }
}

function readDecree(reader: Reader): BroadcastMessage | null {
  const slot = readSlot(reader);
  const message = paxosCodec.decode(reader);
  return message !== null && isOfInstance(message) ? { kind: "decree", slot, message } : null;
}

function isOfInstance(message: PaxosMessage): message is InstanceMessage {
  return (INSTANCE_KINDS as readonly string[]).includes(message.kind);
}

function readLearn(reader: Reader): BroadcastMessage {
  const first = readSlot(reader);
  const decidedUpTo = reader.u53();
  const count = reader.count(4);
  const values: Uint8Array[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1)
    values.push(reader.bytes(VALUE_BYTES_MAX).slice());
  if (!Number.isSafeInteger(first + count)) reader.fail();
  return { kind: "learn", first, values, decidedUpTo };
}

/** Slots count from 1. */
function readSlot(reader: Reader): number {
  const slot = reader.u53();
  if (slot < 1) reader.fail();
  return slot;
}
