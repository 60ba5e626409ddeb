import type { Ballot } from "../../ballot.ts";
import type { Reader, Writer } from "../../codec.ts";
import type { NodeId } from "../../ids.ts";
import { assertNever } from "../../invariant.ts";
import { MEMBERS_MAX, VALUE_BYTES_MAX } from "../../limits.ts";
import type { MessageCodec } from "../../protocol.ts";
import { type Epoch, MESSAGE_KINDS, type P1b, type PmmcMessage, type Pvalue } from "./messages.ts";

/**
 * Fixed little-endian layout: one byte for the kind, then the fields in the order of the type.
 * Decoded values are copies, so the frame that they came in may be reused.
 */
export const pmmcCodec: MessageCodec<PmmcMessage> = { version: 1, encode, decode };

const BALLOT_BYTES = 12;
const PVALUE_BYTES_MIN = BALLOT_BYTES + 8 + 4 + 4;
const EPOCH_BYTES_MIN = 4 + 8 + 4 + 4;

export function writeBallot(writer: Writer, ballot: Ballot): void {
  writer.u53(ballot.round);
  writer.u32(ballot.proposer);
}

export function readBallot(reader: Reader): Ballot {
  return { round: reader.u53(), proposer: reader.u32() };
}

export function writePvalue(writer: Writer, pvalue: Pvalue): void {
  writeBallot(writer, pvalue.ballot);
  writer.u53(pvalue.slot);
  writer.u32(pvalue.epoch);
  writer.bytes(pvalue.value);
}

export function readPvalue(reader: Reader): Pvalue {
  const ballot = readBallot(reader);
  const slot = reader.u53();
  const epoch = reader.u32();
  const value = reader.bytes(VALUE_BYTES_MAX).slice();
  if (slot < 1) reader.fail();
  return { ballot, slot, epoch, value };
}

export function writeEpochs(writer: Writer, epochs: readonly Epoch[]): void {
  writer.u32(epochs.length);
  for (const { number, first, leaders, acceptors } of epochs) {
    writer.u32(number);
    writer.u53(first);
    writeMembers(writer, leaders);
    writeMembers(writer, acceptors);
  }
}

/** Ascending, without a gap in their numbers, and nobody is left without leaders or acceptors. */
export function readEpochs(reader: Reader): Epoch[] {
  const count = reader.count(EPOCH_BYTES_MIN);
  const epochs: Epoch[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1) {
    const epoch: Epoch = {
      number: reader.u32(),
      first: reader.u53(),
      leaders: readMembers(reader),
      acceptors: readMembers(reader),
    };
    const before = epochs.at(-1);
    const follows = before === undefined || before.number + 1 === epoch.number;
    if (!follows || epoch.first < (before?.first ?? 1)) reader.fail();
    epochs.push(epoch);
  }
  return epochs;
}

export function writeMembers(writer: Writer, members: readonly NodeId[]): void {
  writer.u32(members.length);
  for (const member of members) writer.u32(member);
}

/** At least one, ascending, each once. */
export function readMembers(reader: Reader): NodeId[] {
  const count = reader.count(4);
  const members = Array.from({ length: Math.min(count, MEMBERS_MAX) }, () => reader.u32());
  const ascends = members.every((id, index) => index === 0 || (members[index - 1] as number) < id);
  if (count < 1 || count > MEMBERS_MAX || !ascends) reader.fail();
  return members;
}

function encode(writer: Writer, message: PmmcMessage): void {
  writer.u8(MESSAGE_KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "p1a":
      writeBallot(writer, message.ballot);
      return writer.u53(message.first);
    case "p1b":
      writeBallot(writer, message.ballot);
      writer.u53(message.first);
      writer.u53(message.last);
      writer.u53(message.gcSlot);
      writer.u32(message.pvalues.length);
      for (const pvalue of message.pvalues) writePvalue(writer, pvalue);
      return;
    case "p2a":
      return writePvalue(writer, message);
    case "p2b":
      writeBallot(writer, message.commander);
      writeBallot(writer, message.ballot);
      writer.u53(message.slot);
      return writer.u53(message.gcSlot);
    case "propose":
      writer.u53(message.slot);
      writer.bytes(message.value);
      writer.bool(message.passedOn);
      return writeEpochs(writer, message.epochs);
    case "decision":
      writer.u53(message.slot);
      writeBallot(writer, message.ballot);
      writer.bool(message.value !== null);
      if (message.value !== null) writer.bytes(message.value);
      return;
    case "ping":
    case "pong":
      return writeBallot(writer, message.ballot);
    case "report":
      writer.u53(message.stableUpTo);
      return writer.u53(message.decidedUpTo);
    case "ask":
      return writer.u53(message.first);
    case "decisions":
      writer.u53(message.first);
      writer.u32(message.values.length);
      for (const value of message.values) writer.bytes(value);
      return;
    case "behind":
      return writer.u53(message.compactedUpTo);
    case "readQuery":
      writer.u53(message.incarnation);
      return writer.u53(message.number);
    case "readReply":
      writer.u53(message.incarnation);
      writer.u53(message.number);
      return writer.u53(message.slot);
    case "renew":
    case "grant":
      writeBallot(writer, message.ballot);
      return writer.u53(message.round);
    default:
      return assertNever(message);
  }
}

function decode(reader: Reader): PmmcMessage | null {
  const kind = MESSAGE_KINDS[reader.u8()];
  if (kind === undefined || reader.failed) return null;
  const message = readBody(kind, reader);
  return reader.complete() ? message : null;
}

/** Fields are read in the order in which they are written here. */
function readBody(kind: PmmcMessage["kind"], reader: Reader): PmmcMessage {
  switch (kind) {
    case "p1a":
      return { kind, ballot: readBallot(reader), first: reader.u53() };
    case "p1b":
      return readP1b(reader);
    case "p2a":
      return { kind, ...readPvalue(reader) };
    case "p2b":
      return {
        kind,
        commander: readBallot(reader),
        ballot: readBallot(reader),
        slot: readSlot(reader),
        gcSlot: reader.u53(),
      };
    case "propose":
      return {
        kind,
        slot: readSlot(reader),
        value: reader.bytes(VALUE_BYTES_MAX).slice(),
        passedOn: reader.bool(),
        epochs: readEpochs(reader),
      };
    case "decision":
      return {
        kind,
        slot: readSlot(reader),
        ballot: readBallot(reader),
        value: reader.bool() ? reader.bytes(VALUE_BYTES_MAX).slice() : null,
      };
    case "ping":
    case "pong":
      return { kind, ballot: readBallot(reader) };
    case "report":
      return { kind, stableUpTo: reader.u53(), decidedUpTo: reader.u53() };
    case "ask":
      return { kind, first: reader.u53() };
    case "decisions":
      return { kind, first: readSlot(reader), values: readValues(reader) };
    case "behind":
      return { kind, compactedUpTo: reader.u53() };
    case "readQuery":
      return { kind, incarnation: reader.u53(), number: reader.u53() };
    case "readReply":
      return { kind, incarnation: reader.u53(), number: reader.u53(), slot: reader.u53() };
    case "renew":
    case "grant":
      return { kind, ballot: readBallot(reader), round: reader.u53() };
    default:
      return assertNever(kind);
  }
}

function readP1b(reader: Reader): P1b {
  const head = {
    kind: "p1b",
    ballot: readBallot(reader),
    first: reader.u53(),
    last: reader.u53(),
    gcSlot: reader.u53(),
  } as const;
  const pvalues: Pvalue[] = [];
  let above = head.first - 1;
  const count = reader.count(PVALUE_BYTES_MIN);
  for (let index = 0; index < count && !reader.failed; index += 1) {
    const pvalue = readPvalue(reader);
    if (pvalue.slot <= above || pvalue.slot > head.last) reader.fail();
    above = pvalue.slot;
    pvalues.push(pvalue);
  }
  if (head.first < 1 || head.last < head.first) reader.fail();
  return { ...head, pvalues };
}

function readSlot(reader: Reader): number {
  const slot = reader.u53();
  if (slot < 1) reader.fail();
  return slot;
}

function readValues(reader: Reader): Uint8Array[] {
  const count = reader.count(4);
  const values: Uint8Array[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1)
    values.push(reader.bytes(VALUE_BYTES_MAX).slice());
  return values;
}
