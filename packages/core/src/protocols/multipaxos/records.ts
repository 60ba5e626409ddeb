import { BALLOT_NONE, type Ballot } from "../../ballot.ts";
import { Reader, Writer } from "../../codec.ts";
import { ABOUT_META, type About, type JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import { readBallot, writeBallot } from "./codec.ts";

/**
 * What the journal of a Multi-Paxos replica holds. Read back in the order in which they were
 * written.
 */
export type MultipaxosRecord =
  | { readonly kind: "promised"; readonly ballot: Ballot }
  /** Also raises the promise to `ballot`: accepting is promising. */
  | {
      readonly kind: "accepted";
      readonly ballot: Ballot;
      readonly first: Slot;
      readonly values: readonly Uint8Array[];
    }
  | { readonly kind: "learned"; readonly first: Slot; readonly values: readonly Uint8Array[] }
  /** Every slot up to here is chosen, with the value that the records before this one give it. */
  | { readonly kind: "chosen"; readonly chosenUpTo: Slot }
  | { readonly kind: "stopped"; readonly slot: Slot }
  | { readonly kind: "impaired" }
  /** In checkpoints: nobody knows any more what was accepted here, in no ballot above this one. */
  | {
      readonly kind: "faulty";
      readonly first: Slot;
      readonly last: Slot;
      readonly ballot: Ballot;
    }
  /** First of a checkpoint. */
  | {
      readonly kind: "meta";
      readonly promised: Ballot;
      readonly compactedUpTo: Slot;
      readonly stoppedAt: Slot;
      readonly impaired: boolean;
    };

const RECORD_KINDS: readonly MultipaxosRecord["kind"][] = [
  "promised",
  "accepted",
  "learned",
  "chosen",
  "stopped",
  "impaired",
  "meta",
  "faulty",
];

/** Raised with every change of layout; records of another version are unreadable. */
const RECORD_VERSION = 2;

/**
 * A record as the journal takes it, named by what it speaks of. Where it is only a promise or an
 * acceptance, its ballot is part of the name: all that has to be known of it when it rots.
 */
export function journalRecord(record: MultipaxosRecord): JournalRecord {
  const writer = new Writer(64 + bytesOf(record));
  writer.u8(RECORD_VERSION);
  writer.u8(RECORD_KINDS.indexOf(record.kind));
  switch (record.kind) {
    case "promised":
      writeBallot(writer, record.ballot);
      return promise(writer, record.ballot, 0);
    case "accepted":
      writeBallot(writer, record.ballot);
      writeValues(writer, record.first, record.values);
      return {
        record: writer.peek(),
        about: { ...slots(record.first, record.values.length), ballot: record.ballot },
      };
    case "learned":
      writeValues(writer, record.first, record.values);
      return { record: writer.peek(), about: slots(record.first, record.values.length) };
    case "chosen":
      // Whoever loses it has broken no word, and hears of it again.
      writer.u53(record.chosenUpTo);
      return promise(writer, BALLOT_NONE, 0);
    case "stopped":
      writer.u53(record.slot);
      return { record: writer.peek(), about: ABOUT_META };
    case "impaired":
      return { record: writer.peek(), about: ABOUT_META };
    case "meta":
      writeBallot(writer, record.promised);
      writer.u53(record.compactedUpTo);
      writer.u53(record.stoppedAt);
      writer.bool(record.impaired);
      if (record.impaired || record.stoppedAt > 0)
        return { record: writer.peek(), about: ABOUT_META };
      return promise(writer, record.promised, record.compactedUpTo);
    case "faulty": {
      const { first, last, ballot } = record;
      writer.u53(first);
      writer.u53(last);
      writeBallot(writer, ballot);
      return { record: writer.peek(), about: { kind: "slots", log: 0, first, last, ballot } };
    }
  }
}

/** Null when the bytes are no record of this version. Values are copies. */
export function decodeRecord(bytes: Uint8Array): MultipaxosRecord | null {
  const reader = new Reader(bytes);
  if (reader.u8() !== RECORD_VERSION) return null;
  const kind = RECORD_KINDS[reader.u8()];
  const record = kind === undefined ? null : readBody(kind, reader);
  return record !== null && reader.complete() ? record : null;
}

function readBody(kind: MultipaxosRecord["kind"], reader: Reader): MultipaxosRecord {
  switch (kind) {
    case "promised":
      return { kind, ballot: readBallot(reader) };
    case "accepted":
      return { kind, ballot: readBallot(reader), ...readValues(reader) };
    case "learned":
      return { kind, ...readValues(reader) };
    case "chosen":
      return { kind, chosenUpTo: reader.u53() };
    case "stopped":
      return { kind, slot: reader.u53() };
    case "impaired":
      return { kind };
    case "meta":
      return {
        kind,
        promised: readBallot(reader),
        compactedUpTo: reader.u53(),
        stoppedAt: reader.u53(),
        impaired: reader.bool(),
      };
    case "faulty": {
      const record = {
        kind,
        first: reader.u53(),
        last: reader.u53(),
        ballot: readBallot(reader),
      } as const;
      if (record.first < 1 || record.last < record.first) reader.fail();
      return record;
    }
  }
}

function writeValues(writer: Writer, first: Slot, values: readonly Uint8Array[]): void {
  writer.u53(first);
  writer.u32(values.length);
  for (const value of values) writer.bytes(value);
}

function readValues(reader: Reader): { first: Slot; values: Uint8Array[] } {
  const first = reader.u53();
  const count = reader.count(4);
  const values: Uint8Array[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1)
    values.push(reader.bytes(VALUE_BYTES_MAX).slice());
  if (first < 1 || count < 1 || !Number.isSafeInteger(first + count)) reader.fail();
  return { first, values };
}

function slots(first: Slot, count: number): About {
  return { kind: "slots", log: 0, first, last: first + count - 1 };
}

/** Says no more than a promise, and up to where everything is chosen and compacted. */
function promise(writer: Writer, ballot: Ballot, compactedUpTo: Slot): JournalRecord {
  const about: About = { kind: "meta", log: 0, first: 0, last: compactedUpTo, ballot };
  return { record: writer.peek(), about };
}

function bytesOf(record: MultipaxosRecord): number {
  if (record.kind !== "accepted" && record.kind !== "learned") return 0;
  return record.values.reduce((sum, value) => sum + value.length + 4, 0);
}
