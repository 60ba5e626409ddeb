import type { Ballot } from "../../ballot.ts";
import type { Reader, Writer } from "../../codec.ts";
import { assertNever } from "../../invariant.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import type { MessageCodec } from "../../protocol.ts";
import { MESSAGE_KINDS, type PaxosMessage, type Proposal } from "./messages.ts";

/**
 * Fixed little-endian layout: one byte for the kind, then the fields in the order of the type.
 * Decoded values are copies, so the frame that they came in may be reused.
 */
export const paxosCodec: MessageCodec<PaxosMessage> = { version: 1, encode, decode };

/** Round, then proposer: 12 bytes. */
export function writeBallot(writer: Writer, ballot: Ballot): void {
  writer.u53(ballot.round);
  writer.u32(ballot.proposer);
}

export function readBallot(reader: Reader): Ballot {
  return { round: reader.u53(), proposer: reader.u32() };
}

function encode(writer: Writer, message: PaxosMessage): void {
  writer.u8(MESSAGE_KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "prepare":
    case "accepted":
      return writeBallot(writer, message.ballot);
    case "promise":
      writeBallot(writer, message.ballot);
      return writeProposal(writer, message.accepted);
    case "nack":
      writeBallot(writer, message.refused);
      return writeBallot(writer, message.promised);
    case "accept":
      writeBallot(writer, message.ballot);
      return writer.bytes(message.value);
    case "chosen":
    case "forward":
      return writer.bytes(message.value);
    case "ask":
      writer.u53(message.incarnation);
      return writer.u53(message.number);
    case "told":
      writer.u53(message.incarnation);
      writer.u53(message.number);
      return writeProposal(writer, message.accepted);
    default:
      return assertNever(message);
  }
}

function decode(reader: Reader): PaxosMessage | null {
  const kind = MESSAGE_KINDS[reader.u8()];
  if (kind === undefined || reader.failed) return null;
  const message = readBody(kind, reader);
  return reader.complete() ? message : null;
}

/** Fields are read in the order in which they are written here. */
function readBody(kind: PaxosMessage["kind"], reader: Reader): PaxosMessage {
  switch (kind) {
    case "prepare":
    case "accepted":
      return { kind, ballot: readBallot(reader) };
    case "promise":
      return { kind, ballot: readBallot(reader), accepted: readProposal(reader) };
    case "nack":
      return { kind, refused: readBallot(reader), promised: readBallot(reader) };
    case "accept":
      return { kind, ballot: readBallot(reader), value: readValue(reader) };
    case "chosen":
    case "forward":
      return { kind, value: readValue(reader) };
    case "ask":
      return { kind, incarnation: reader.u53(), number: reader.u53() };
    case "told":
      return {
        kind,
        incarnation: reader.u53(),
        number: reader.u53(),
        accepted: readProposal(reader),
      };
    default:
      return assertNever(kind);
  }
}

function writeProposal(writer: Writer, proposal: Proposal | null): void {
  writer.bool(proposal !== null);
  if (proposal === null) return;
  writeBallot(writer, proposal.ballot);
  writer.bytes(proposal.value);
}

function readProposal(reader: Reader): Proposal | null {
  return reader.bool() ? { ballot: readBallot(reader), value: readValue(reader) } : null;
}

function readValue(reader: Reader): Uint8Array {
  return reader.bytes(VALUE_BYTES_MAX).slice();
}
