import type { Ballot } from "../../ballot.ts";
import type { Reader, Writer } from "../../codec.ts";
import type { Slot } from "../../ids.ts";
import { assertNever } from "../../invariant.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import type { MessageCodec } from "../../protocol.ts";
import {
  MESSAGE_KINDS,
  type MultipaxosMessage,
  type Reported,
  type Run,
  type UnknownRun,
} from "./messages.ts";

/**
 * Fixed little-endian layout: one byte for the kind, then the fields in the order of the type.
 * Decoded values are copies, so the frame that they came in may be reused.
 */
export const multipaxosCodec: MessageCodec<MultipaxosMessage> = {
  version: 2,
  encode,
  decode,
};

const BALLOT_BYTES = 12;
const REPORTED_BYTES_MIN = 8 + BALLOT_BYTES + 1 + 4;
const RUN_BYTES = 16;
const UNKNOWN_BYTES: number = RUN_BYTES + BALLOT_BYTES;

export function writeBallot(writer: Writer, ballot: Ballot): void {
  writer.u53(ballot.round);
  writer.u32(ballot.proposer);
}

export function readBallot(reader: Reader): Ballot {
  return { round: reader.u53(), proposer: reader.u32() };
}

function encode(writer: Writer, message: MultipaxosMessage): void {
  writer.u8(MESSAGE_KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "probe":
      writer.u53(message.attempt);
      return writer.u53(message.chosenUpTo);
    case "probed":
      writer.u53(message.attempt);
      writer.bool(message.granted);
      writeBallot(writer, message.promised);
      return writer.u53(message.chosenUpTo);
    case "prepare":
    case "commit":
      writeBallot(writer, message.ballot);
      return writer.u53(message.chosenUpTo);
    case "promise":
      writeBallot(writer, message.ballot);
      writer.u53(message.chosenUpTo);
      writer.u53(message.omittedUpTo);
      writer.u53(message.first);
      writer.u53(message.last);
      writeReported(writer, message.entries);
      return writeUnknown(writer, message.unknown);
    case "nack":
      writeBallot(writer, message.refused);
      writeBallot(writer, message.promised);
      return writer.u53(message.chosenUpTo);
    case "accept":
      writeBallot(writer, message.ballot);
      writer.u53(message.first);
      writeValues(writer, message.values);
      return writer.u53(message.chosenUpTo);
    case "accepted":
      writeBallot(writer, message.ballot);
      writeRuns(writer, message.runs);
      return writer.u53(message.chosenUpTo);
    case "heartbeat":
    case "heartbeatAck":
      writeBallot(writer, message.ballot);
      writer.u53(message.round);
      return writer.u53(message.chosenUpTo);
    case "catchUp":
      writer.u53(message.first);
      return writer.u53(message.last);
    case "learn":
      writer.u53(message.first);
      writeValues(writer, message.values);
      return writer.u53(message.chosenUpTo);
    case "behind":
      writer.u53(message.compactedUpTo);
      return writer.u53(message.chosenUpTo);
    case "forward":
      writer.bool(message.passedOn);
      return writer.bytes(message.value);
    case "readIndex":
      writer.u53(message.incarnation);
      return writer.u53(message.number);
    case "readAt":
      writer.u53(message.incarnation);
      writer.u53(message.number);
      return writer.u53(message.index);
    default:
      return assertNever(message);
  }
}

function decode(reader: Reader): MultipaxosMessage | null {
  const kind = MESSAGE_KINDS[reader.u8()];
  if (kind === undefined || reader.failed) return null;
  const message = readBody(kind, reader);
  return reader.complete() ? message : null;
}

/** Fields are read in the order in which they are written here. */
function readBody(kind: MultipaxosMessage["kind"], reader: Reader): MultipaxosMessage {
  switch (kind) {
    case "probe":
      return { kind, attempt: reader.u53(), chosenUpTo: reader.u53() };
    case "probed":
      return {
        kind,
        attempt: reader.u53(),
        granted: reader.bool(),
        promised: readBallot(reader),
        chosenUpTo: reader.u53(),
      };
    case "prepare":
    case "commit":
      return { kind, ballot: readBallot(reader), chosenUpTo: reader.u53() };
    case "promise":
      return readPromise(reader);
    case "nack":
      return {
        kind,
        refused: readBallot(reader),
        promised: readBallot(reader),
        chosenUpTo: reader.u53(),
      };
    case "accept":
      return {
        kind,
        ballot: readBallot(reader),
        ...readValues(reader, 1),
        chosenUpTo: reader.u53(),
      };
    case "accepted":
      return {
        kind,
        ballot: readBallot(reader),
        runs: readRuns(reader),
        chosenUpTo: reader.u53(),
      };
    case "heartbeat":
    case "heartbeatAck":
      return {
        kind,
        ballot: readBallot(reader),
        round: reader.u53(),
        chosenUpTo: reader.u53(),
      };
    case "catchUp":
      return { kind, first: reader.u53(), last: reader.u53() };
    case "learn":
      return { kind, ...readValues(reader, 0), chosenUpTo: reader.u53() };
    case "behind":
      return { kind, compactedUpTo: reader.u53(), chosenUpTo: reader.u53() };
    case "forward":
      return { kind, passedOn: reader.bool(), value: reader.bytes(VALUE_BYTES_MAX).slice() };
    case "readIndex":
      return { kind, incarnation: reader.u53(), number: reader.u53() };
    case "readAt":
      return { kind, incarnation: reader.u53(), number: reader.u53(), index: reader.u53() };
    default:
      return assertNever(kind);
  }
}

function readPromise(reader: Reader): MultipaxosMessage {
  const head = {
    kind: "promise",
    ballot: readBallot(reader),
    chosenUpTo: reader.u53(),
    omittedUpTo: reader.u53(),
    first: reader.u53(),
    last: reader.u53(),
  } as const;
  const entries: Reported[] = [];
  let above = head.first - 1;
  const count = reader.count(REPORTED_BYTES_MIN);
  for (let index = 0; index < count && !reader.failed; index += 1) {
    const entry: Reported = {
      slot: reader.u53(),
      ballot: readBallot(reader),
      chosen: reader.bool(),
      value: reader.bytes(VALUE_BYTES_MAX).slice(),
    };
    if (entry.slot <= above || entry.slot > head.last) reader.fail();
    above = entry.slot;
    entries.push(entry);
  }
  if (head.first < 1 || head.last < head.first) reader.fail();
  return { ...head, entries, unknown: readUnknown(reader, head, entries) };
}

/** Ascending, inside the part, and of no slot that an entry tells of. */
function readUnknown(reader: Reader, part: Run, entries: readonly Reported[]): UnknownRun[] {
  const count = reader.count(UNKNOWN_BYTES);
  const runs: UnknownRun[] = [];
  let above = part.first - 1;
  let next = 0;
  for (let index = 0; index < count && !reader.failed; index += 1) {
    const run = { first: reader.u53(), last: reader.u53(), ballot: readBallot(reader) };
    if (run.first <= above || run.last < run.first || run.last > part.last) reader.fail();
    while (slotOf(entries[next]) < run.first) next += 1;
    if (slotOf(entries[next]) <= run.last) reader.fail();
    above = run.last;
    runs.push(run);
  }
  return runs;
}

function slotOf(entry: Reported | undefined): Slot {
  return entry?.slot ?? Number.POSITIVE_INFINITY;
}

function writeUnknown(writer: Writer, runs: readonly UnknownRun[]): void {
  writer.u32(runs.length);
  for (const run of runs) {
    writer.u53(run.first);
    writer.u53(run.last);
    writeBallot(writer, run.ballot);
  }
}

function writeReported(writer: Writer, entries: readonly Reported[]): void {
  writer.u32(entries.length);
  for (const entry of entries) {
    writer.u53(entry.slot);
    writeBallot(writer, entry.ballot);
    writer.bool(entry.chosen);
    writer.bytes(entry.value);
  }
}

function writeValues(writer: Writer, values: readonly Uint8Array[]): void {
  writer.u32(values.length);
  for (const value of values) writer.bytes(value);
}

function readValues(reader: Reader, least: number): { first: number; values: Uint8Array[] } {
  const first = reader.u53();
  const count = reader.count(4);
  const values: Uint8Array[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1)
    values.push(reader.bytes(VALUE_BYTES_MAX).slice());
  if (first < 1 || count < least || !Number.isSafeInteger(first + count)) reader.fail();
  return { first, values };
}

function writeRuns(writer: Writer, runs: readonly Run[]): void {
  writer.u32(runs.length);
  for (const run of runs) {
    writer.u53(run.first);
    writer.u53(run.last);
  }
}

function readRuns(reader: Reader): Run[] {
  const count = reader.count(RUN_BYTES);
  const runs: Run[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1) {
    const run = { first: reader.u53(), last: reader.u53() };
    if (run.first < 1 || run.last < run.first) reader.fail();
    runs.push(run);
  }
  return runs;
}
