import type { Ballot } from "../../ballot.ts";
import { Reader, Writer } from "../../codec.ts";
import { ABOUT_META, type About, type JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import { readBallot, readPvalue, writeBallot, writePvalue } from "./codec.ts";
import type { Pvalue } from "./messages.ts";

/** What the journal of a member holds, read back in the order in which it was written. */
export type PmmcRecord =
  /** A leader's own ballot: it scouts in no lower one and in this one only once. */
  | { readonly kind: "ballot"; readonly ballot: Ballot }
  /** An acceptor has adopted this ballot. */
  | { readonly kind: "adopted"; readonly ballot: Ballot }
  /** An acceptor has accepted this, and so has adopted its ballot. */
  | ({ readonly kind: "accepted" } & Pvalue)
  /** A replica has learned this command, which was not accepted here. */
  | { readonly kind: "learned"; readonly slot: Slot; readonly value: Uint8Array }
  /** Decided is what was accepted here in this slot, in this ballot or a higher one. */
  | { readonly kind: "decided"; readonly slot: Slot; readonly ballot: Ballot }
  | { readonly kind: "impaired" }
  /** First of a checkpoint. */
  | {
      readonly kind: "meta";
      readonly adopted: Ballot;
      readonly own: Ballot;
      readonly gcSlot: Slot;
      readonly highest: Slot;
      readonly impaired: boolean;
    };

const RECORD_KINDS: readonly PmmcRecord["kind"][] = [
  "ballot",
  "adopted",
  "accepted",
  "learned",
  "decided",
  "impaired",
  "meta",
];

/** Raised with every change of layout; records of another version are unreadable. */
const RECORD_VERSION = 1;

/** A record as the journal takes it, named by what it speaks of. */
export function journalRecord(record: PmmcRecord): JournalRecord {
  const size = "value" in record ? record.value.length : 0;
  const writer = new Writer(64 + size);
  writer.u8(RECORD_VERSION);
  writer.u8(RECORD_KINDS.indexOf(record.kind));
  switch (record.kind) {
    case "ballot":
    case "adopted":
      writeBallot(writer, record.ballot);
      return { record: writer.peek(), about: ABOUT_META };
    case "accepted":
      writePvalue(writer, record);
      return { record: writer.peek(), about: { ...slotOf(record), ballot: record.ballot } };
    case "learned":
      writer.u53(record.slot);
      writer.bytes(record.value);
      return { record: writer.peek(), about: slotOf(record) };
    case "decided":
      writer.u53(record.slot);
      writeBallot(writer, record.ballot);
      return { record: writer.peek(), about: slotOf(record) };
    case "impaired":
      return { record: writer.peek(), about: ABOUT_META };
    case "meta":
      writeBallot(writer, record.adopted);
      writeBallot(writer, record.own);
      writer.u53(record.gcSlot);
      writer.u53(record.highest);
      writer.bool(record.impaired);
      return { record: writer.peek(), about: ABOUT_META };
  }
}

/** Null when the bytes are no record of this version. Values are copies. */
export function decodeRecord(bytes: Uint8Array): PmmcRecord | null {
  const reader = new Reader(bytes);
  if (reader.u8() !== RECORD_VERSION) return null;
  const kind = RECORD_KINDS[reader.u8()];
  const record = kind === undefined ? null : readBody(kind, reader);
  return record !== null && reader.complete() ? record : null;
}

function readBody(kind: PmmcRecord["kind"], reader: Reader): PmmcRecord {
  switch (kind) {
    case "ballot":
    case "adopted":
      return { kind, ballot: readBallot(reader) };
    case "accepted":
      return { kind, ...readPvalue(reader) };
    case "learned":
      return { kind, slot: readSlot(reader), value: reader.bytes(VALUE_BYTES_MAX).slice() };
    case "decided":
      return { kind, slot: readSlot(reader), ballot: readBallot(reader) };
    case "impaired":
      return { kind };
    case "meta":
      return {
        kind,
        adopted: readBallot(reader),
        own: readBallot(reader),
        gcSlot: reader.u53(),
        highest: reader.u53(),
        impaired: reader.bool(),
      };
  }
}

function readSlot(reader: Reader): Slot {
  const slot = reader.u53();
  if (slot < 1) reader.fail();
  return slot;
}

function slotOf({ slot }: { readonly slot: Slot }): About {
  return { kind: "slots", log: 0, first: slot, last: slot };
}
