import { BALLOT_NONE, type Ballot } from "../../ballot.ts";
import { Reader, Writer } from "../../codec.ts";
import { ABOUT_META, type About, type JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { readBallot, readValues, writeBallot, writeValues } from "./fields.ts";

/** What the journal of an OmniPaxos replica holds. Read back in the order of writing. */
export type OmniPaxosRecord =
  | { readonly kind: "promised"; readonly ballot: Ballot }
  /** Appended to a log that was accepted in this very ballot. */
  | {
      readonly kind: "accepted";
      readonly ballot: Ballot;
      readonly first: Slot;
      readonly values: readonly Uint8Array[];
    }
  /**
   * The log ends before `first` and goes on with these; from now on all of it is accepted in
   * `ballot`. One record, so that ballot and log change together or not at all.
   */
  | {
      readonly kind: "synced";
      readonly ballot: Ballot;
      readonly first: Slot;
      readonly values: readonly Uint8Array[];
    }
  /**
   * Decided values. `contradicts`: the log held others, so what was accepted came to nothing, and
   * the log ends with these.
   */
  | {
      readonly kind: "learned";
      readonly first: Slot;
      readonly values: readonly Uint8Array[];
      readonly contradicts: boolean;
    }
  /** Every slot up to here is decided, with the value that the records before this one give it. */
  | { readonly kind: "chosen"; readonly chosenUpTo: Slot }
  | { readonly kind: "stopped"; readonly slot: Slot }
  | { readonly kind: "impaired" }
  /** In checkpoints: what was accepted here at most, and cannot be shown any more. */
  | { readonly kind: "lost"; readonly acceptedIn: Ballot; readonly length: Slot }
  /** First of a checkpoint. */
  | {
      readonly kind: "meta";
      readonly promised: Ballot;
      readonly acceptedIn: Ballot;
      readonly compactedUpTo: Slot;
      readonly stoppedAt: Slot;
      readonly impaired: boolean;
    };

const RECORD_KINDS: readonly OmniPaxosRecord["kind"][] = [
  "promised",
  "accepted",
  "synced",
  "learned",
  "chosen",
  "stopped",
  "impaired",
  "lost",
  "meta",
];

/** Raised with every change of layout; records of another version are unreadable. */
const RECORD_VERSION = 1;

/**
 * A record as the journal takes it, named by what it speaks of. The ballot in which a log was
 * accepted is part of the name, and so is the last slot of it: all that must be known when it rots.
 */
export function journalRecord(record: OmniPaxosRecord): JournalRecord {
  const writer = new Writer(64 + bytesOf(record));
  writer.u8(RECORD_VERSION);
  writer.u8(RECORD_KINDS.indexOf(record.kind));
  writeBody(writer, record);
  return { record: writer.peek(), about: aboutOf(record) };
}

function writeBody(writer: Writer, record: OmniPaxosRecord): void {
  switch (record.kind) {
    case "promised":
      return writeBallot(writer, record.ballot);
    case "accepted":
    case "synced":
      writeBallot(writer, record.ballot);
      return writeValues(writer, record.first, record.values);
    case "learned":
      writeValues(writer, record.first, record.values);
      return writer.bool(record.contradicts);
    case "chosen":
      return writer.u53(record.chosenUpTo);
    case "stopped":
      return writer.u53(record.slot);
    case "impaired":
      return;
    case "lost":
      writeBallot(writer, record.acceptedIn);
      return writer.u53(record.length);
    case "meta":
      writeBallot(writer, record.promised);
      writeBallot(writer, record.acceptedIn);
      writer.u53(record.compactedUpTo);
      writer.u53(record.stoppedAt);
      return writer.bool(record.impaired);
  }
}

function aboutOf(record: OmniPaxosRecord): About {
  switch (record.kind) {
    case "promised":
      return promise(record.ballot, 0);
    case "accepted":
    case "synced": {
      // An empty sync still accepts the log before it: it stands for the last slot of that.
      const last = record.first + record.values.length - 1;
      return slots(Math.min(record.first, Math.max(1, last)), Math.max(1, last), record.ballot);
    }
    case "learned":
      return slots(record.first, record.first + record.values.length - 1);
    case "chosen":
      // Whoever loses it has broken no word, and hears of it again.
      return promise(BALLOT_NONE, 0);
    case "lost":
      return slots(record.length, record.length, record.acceptedIn);
    case "stopped":
    case "impaired":
      return ABOUT_META;
    case "meta":
      if (record.impaired || record.stoppedAt > 0) return ABOUT_META;
      return promise(record.promised, record.compactedUpTo);
  }
}

/** Null when the bytes are no record of this version. Values are copies. */
export function decodeRecord(bytes: Uint8Array): OmniPaxosRecord | null {
  const reader = new Reader(bytes);
  if (reader.u8() !== RECORD_VERSION) return null;
  const kind = RECORD_KINDS[reader.u8()];
  const record = kind === undefined ? null : readBody(kind, reader);
  return record !== null && reader.complete() ? record : null;
}

function readBody(kind: OmniPaxosRecord["kind"], reader: Reader): OmniPaxosRecord {
  switch (kind) {
    case "promised":
      return { kind, ballot: readBallot(reader) };
    case "accepted":
      return { kind, ballot: readBallot(reader), ...readValues(reader, 1) };
    case "synced":
      return { kind, ballot: readBallot(reader), ...readValues(reader, 0) };
    case "learned":
      return { kind, ...readValues(reader, 1), contradicts: reader.bool() };
    case "chosen":
      return { kind, chosenUpTo: reader.u53() };
    case "stopped":
      return { kind, slot: reader.u53() };
    case "impaired":
      return { kind };
    case "lost":
      return { kind, acceptedIn: readBallot(reader), length: reader.u53() };
    case "meta":
      return {
        kind,
        promised: readBallot(reader),
        acceptedIn: readBallot(reader),
        compactedUpTo: reader.u53(),
        stoppedAt: reader.u53(),
        impaired: reader.bool(),
      };
  }
}

function slots(first: Slot, last: Slot, ballot?: Ballot): About {
  const about: About = { kind: "slots", log: 0, first, last };
  return ballot === undefined ? about : { ...about, ballot };
}

/** Says no more than a promise, and up to where everything is decided and compacted. */
function promise(ballot: Ballot, compactedUpTo: Slot): About {
  return { kind: "meta", log: 0, first: 0, last: compactedUpTo, ballot };
}

function bytesOf(record: OmniPaxosRecord): number {
  if (!("values" in record)) return 0;
  return record.values.reduce((sum, value) => sum + value.length + 4, 0);
}
