import type { Reader, Writer } from "../../codec.ts";
import { assertNever } from "../../invariant.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import type { MessageCodec } from "../../protocol.ts";
import { readBallot, readValues, writeBallot, writeValues } from "./fields.ts";
import {
  type Claim,
  MESSAGE_KINDS,
  type OmniPaxosMessage,
  type PromiseMessage,
} from "./messages.ts";

/**
 * Fixed little-endian layout: one byte for the kind, then the fields in the order of the type.
 * Decoded values are copies, so the frame that they came in may be reused.
 */
export const omnipaxosCodec: MessageCodec<OmniPaxosMessage> = { version: 1, encode, decode };

function encode(writer: Writer, message: OmniPaxosMessage): void {
  writer.u8(MESSAGE_KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "heartbeat":
      writer.u53(message.round);
      return writer.u53(message.chosenUpTo);
    case "heartbeatReply":
      writer.u53(message.round);
      writeBallot(writer, message.ballot);
      writeBallot(writer, message.leader);
      writer.bool(message.happy);
      return writer.u53(message.chosenUpTo);
    case "prepareRequest":
    case "decide":
      writeBallot(writer, message.ballot);
      return writer.u53(message.chosenUpTo);
    case "prepare":
      writeBallot(writer, message.ballot);
      writeClaim(writer, message);
      return writer.u53(message.chosenUpTo);
    case "promise":
      return writePromise(writer, message);
    case "nack":
      writeBallot(writer, message.refused);
      writeBallot(writer, message.promised);
      return writer.u53(message.chosenUpTo);
    case "acceptSync":
      writeBallot(writer, message.ballot);
      writer.u53(message.nonce);
      writeBallot(writer, message.previous);
      writeValues(writer, message.first, message.values);
      return writer.u53(message.chosenUpTo);
    case "accept":
      writeBallot(writer, message.ballot);
      writeBallot(writer, message.previous);
      writeValues(writer, message.first, message.values);
      return writer.u53(message.chosenUpTo);
    case "accepted":
      writeBallot(writer, message.ballot);
      writer.u53(message.length);
      return writer.u53(message.chosenUpTo);
    case "catchUp":
      writer.u53(message.first);
      return writer.u53(message.last);
    case "learn":
      writeValues(writer, message.first, message.values);
      return writer.u53(message.chosenUpTo);
    case "behind":
      writer.u53(message.compactedUpTo);
      return writer.u53(message.chosenUpTo);
    case "forward":
      writer.bool(message.relayed);
      return writer.bytes(message.value);
    case "confirm":
    case "confirmed":
      writeBallot(writer, message.ballot);
      return writer.u53(message.round);
    case "readIndex":
      writer.u53(message.incarnation);
      writer.u53(message.number);
      return writer.bool(message.relayed);
    case "readAt":
      writer.u53(message.incarnation);
      writer.u53(message.number);
      return writer.u53(message.index);
    default:
      return assertNever(message);
  }
}

function decode(reader: Reader): OmniPaxosMessage | null {
  const kind = MESSAGE_KINDS[reader.u8()];
  if (kind === undefined || reader.failed) return null;
  const message = readBody(kind, reader);
  return reader.complete() ? message : null;
}

/** Fields are read in the order in which they are written here. */
function readBody(kind: OmniPaxosMessage["kind"], reader: Reader): OmniPaxosMessage {
  switch (kind) {
    case "heartbeat":
      return { kind, round: reader.u53(), chosenUpTo: reader.u53() };
    case "heartbeatReply":
      return {
        kind,
        round: reader.u53(),
        ballot: readBallot(reader),
        leader: readBallot(reader),
        happy: reader.bool(),
        chosenUpTo: reader.u53(),
      };
    case "prepareRequest":
    case "decide":
      return { kind, ballot: readBallot(reader), chosenUpTo: reader.u53() };
    case "prepare":
      return {
        kind,
        ballot: readBallot(reader),
        ...readClaim(reader),
        chosenUpTo: reader.u53(),
      };
    case "promise":
      return readPromise(reader);
    case "nack":
      return {
        kind,
        refused: readBallot(reader),
        promised: readBallot(reader),
        chosenUpTo: reader.u53(),
      };
    case "acceptSync":
      return {
        kind,
        ballot: readBallot(reader),
        nonce: reader.u53(),
        previous: readBallot(reader),
        ...readValues(reader, 0),
        chosenUpTo: reader.u53(),
      };
    case "accept":
      return {
        kind,
        ballot: readBallot(reader),
        previous: readBallot(reader),
        ...readValues(reader, 0),
        chosenUpTo: reader.u53(),
      };
    case "accepted":
      return {
        kind,
        ballot: readBallot(reader),
        length: reader.u53(),
        chosenUpTo: reader.u53(),
      };
    default:
      return readRest(kind, reader);
  }
}

/** Whatever is neither about links nor about phases 1 and 2. */
function readRest(
  kind:
    | "catchUp"
    | "learn"
    | "behind"
    | "forward"
    | "confirm"
    | "confirmed"
    | "readIndex"
    | "readAt",
  reader: Reader,
): OmniPaxosMessage {
  switch (kind) {
    case "catchUp":
      return { kind, first: reader.u53(), last: reader.u53() };
    case "learn":
      return { kind, ...readValues(reader, 0), chosenUpTo: reader.u53() };
    case "behind":
      return { kind, compactedUpTo: reader.u53(), chosenUpTo: reader.u53() };
    case "forward":
      return { kind, relayed: reader.bool(), value: reader.bytes(VALUE_BYTES_MAX).slice() };
    case "confirm":
    case "confirmed":
      return { kind, ballot: readBallot(reader), round: reader.u53() };
    case "readIndex":
      return {
        kind,
        incarnation: reader.u53(),
        number: reader.u53(),
        relayed: reader.bool(),
      };
    case "readAt":
      return { kind, incarnation: reader.u53(), number: reader.u53(), index: reader.u53() };
    default:
      return assertNever(kind);
  }
}

function writePromise(writer: Writer, message: PromiseMessage): void {
  writeBallot(writer, message.ballot);
  writer.u53(message.nonce);
  writeClaim(writer, message);
  writer.u53(message.chosenUpTo);
  writer.bool(message.lost !== null);
  if (message.lost !== null) writeClaim(writer, message.lost);
  writeValues(writer, message.first, message.values);
}

function readPromise(reader: Reader): PromiseMessage {
  const ballot = readBallot(reader);
  const nonce = reader.u53();
  const claim = readClaim(reader);
  const chosenUpTo = reader.u53();
  const lost = reader.bool() ? readClaim(reader) : null;
  const values = readValues(reader, 0);
  return { kind: "promise", ballot, nonce, ...claim, chosenUpTo, lost, ...values };
}

function writeClaim(writer: Writer, claim: Claim): void {
  writeBallot(writer, claim.acceptedIn);
  writer.u53(claim.length);
}

function readClaim(reader: Reader): Claim {
  return { acceptedIn: readBallot(reader), length: reader.u53() };
}
