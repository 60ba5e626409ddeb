import { BALLOT_NONE, type Ballot } from "../../ballot.ts";
import { Reader, Writer } from "../../codec.ts";
import { ABOUT_META, type About, type JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { assertNever } from "../../invariant.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import { readBallot, writeBallot } from "../paxos/codec.ts";

/**
 * What the journal of a replica holds. Read back in the order in which they were written.
 */
export type BroadcastRecord =
  /** An acceptor's promise in this instance. */
  | { readonly kind: "promised"; readonly slot: Slot; readonly ballot: Ballot }
  /** An acceptor's acceptance; to accept is also to promise. */
  | {
      readonly kind: "accepted";
      readonly slot: Slot;
      readonly ballot: Ballot;
      readonly value: Uint8Array;
    }
  /** A proposer that is no acceptor used this ballot, and will use none up to it again. */
  | { readonly kind: "began"; readonly slot: Slot; readonly ballot: Ballot }
  /** In checkpoints: the acceptance in this slot is damaged; it was in no higher ballot. */
  | { readonly kind: "damaged"; readonly slot: Slot; readonly ballot: Ballot }
  /** What was accepted here in this ballot is decided. */
  | { readonly kind: "decided"; readonly slot: Slot; readonly ballot: Ballot }
  /** A decided value; stands for all that was promised and accepted in the slot. */
  | { readonly kind: "learned"; readonly slot: Slot; readonly value: Uint8Array }
  /** In checkpoints: the slot is decided, and all that was known of it here is gone. */
  | { readonly kind: "lost"; readonly slot: Slot }
  /** The configuration ended in this slot. */
  | { readonly kind: "stopped"; readonly slot: Slot }
  /** Something is lost, and nobody knows what: this replica never votes again on this disk. */
  | { readonly kind: "impaired" }
  /** First of a checkpoint. */
  | { readonly kind: "compacted"; readonly compactedUpTo: Slot };

const RECORD_KINDS: readonly BroadcastRecord["kind"][] = [
  "promised",
  "accepted",
  "began",
  "damaged",
  "decided",
  "learned",
  "lost",
  "stopped",
  "impaired",
  "compacted",
];

/** Raised with every change of layout; records of another version are unreadable. */
const RECORD_VERSION = 1;

/** Version, kind, slot, ballot, length. */
const RECORD_BYTES = 1 + 1 + 8 + 12 + 4;

/** In the names of records: what is gone when one of them rots. */
export const LOGS = {
  /** An acceptance, in at most the named ballot. */
  accepted: 0,
  /** A promise or a ballot of the own proposer, at most the named one. */
  promised: 1,
  /** A decided value, and everything that was promised in its slot. */
  learned: 2,
  /** A mark that others know, too. */
  decided: 3,
} as const;

/**
 * A record as the journal takes it. Its name says all that must be known of it when it rots: the
 * slot, and the ballot that was promised, used or accepted in.
 */
export function journalRecord(record: BroadcastRecord): JournalRecord {
  const writer = new Writer(RECORD_BYTES + ("value" in record ? record.value.length : 0));
  writer.u8(RECORD_VERSION);
  writer.u8(RECORD_KINDS.indexOf(record.kind));
  if ("slot" in record) writer.u53(record.slot);
  if ("ballot" in record) writeBallot(writer, record.ballot);
  if ("value" in record) writer.bytes(record.value);
  if ("compactedUpTo" in record) writer.u53(record.compactedUpTo);
  return { record: writer.peek(), about: aboutOf(record) };
}

/** Null when the bytes are no record of this version. Values are copies. */
export function decodeRecord(bytes: Uint8Array): BroadcastRecord | null {
  const reader = new Reader(bytes);
  if (reader.u8() !== RECORD_VERSION) return null;
  const kind = RECORD_KINDS[reader.u8()];
  if (kind === undefined || reader.failed) return null;
  const record = readBody(kind, reader);
  return reader.complete() ? record : null;
}

function readBody(kind: BroadcastRecord["kind"], reader: Reader): BroadcastRecord {
  switch (kind) {
    case "promised":
    case "began":
    case "damaged":
    case "decided":
      return { kind, slot: readSlot(reader), ballot: readBallot(reader) };
    case "accepted":
      return {
        kind,
        slot: readSlot(reader),
        ballot: readBallot(reader),
        value: readValue(reader),
      };
    case "learned":
      return { kind, slot: readSlot(reader), value: readValue(reader) };
    case "lost":
    case "stopped":
      return { kind, slot: readSlot(reader) };
    case "impaired":
      return { kind };
    case "compacted":
      return { kind, compactedUpTo: reader.u53() };
    default:
      return assertNever(kind);
  }
}

function readSlot(reader: Reader): Slot {
  const slot = reader.u53();
  if (slot < 1) reader.fail();
  return slot;
}

function readValue(reader: Reader): Uint8Array {
  return reader.bytes(VALUE_BYTES_MAX).slice();
}

function aboutOf(record: BroadcastRecord): About {
  switch (record.kind) {
    case "accepted":
    case "damaged":
      return inSlot(LOGS.accepted, record.slot, record.ballot);
    case "promised":
    case "began":
      return inSlot(LOGS.promised, record.slot, record.ballot);
    case "decided":
      return inSlot(LOGS.decided, record.slot, BALLOT_NONE);
    case "learned":
    case "lost":
      return inSlot(LOGS.learned, record.slot, BALLOT_NONE);
    case "compacted": {
      const last = record.compactedUpTo;
      return { kind: "meta", log: 0, first: 0, last, ballot: BALLOT_NONE };
    }
    case "stopped":
    case "impaired":
      return ABOUT_META;
    default:
      return assertNever(record);
  }
}

function inSlot(log: number, slot: Slot, ballot: Ballot): About {
  return { kind: "slots", log, first: slot, last: slot, ballot };
}
