import type { Ballot } from "../../ballot.ts";
import { Reader, Writer } from "../../codec.ts";
import { ABOUT_META, type About, type JournalRecord } from "../../effect.ts";
import { assertNever } from "../../invariant.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import { readBallot, writeBallot } from "./codec.ts";

/** What has to outlive a crash. Read back in the order in which it was written. */
export type PaxosRecord =
  /** An acceptor's promise. */
  | { readonly kind: "promised"; readonly ballot: Ballot }
  /** An acceptor's acceptance; to accept is also to promise. */
  | { readonly kind: "accepted"; readonly ballot: Ballot; readonly value: Uint8Array }
  /** A proposer used this ballot, and will use none up to it again. */
  | { readonly kind: "began"; readonly ballot: Ballot }
  /** The outcome. Whoever loses this asks again. */
  | { readonly kind: "chosen"; readonly value: Uint8Array }
  /** An acceptance is damaged; it was in no higher ballot than this. */
  | { readonly kind: "damaged"; readonly ballot: Ballot }
  /** Something is lost, and nobody knows what: this replica never votes or proposes again. */
  | { readonly kind: "impaired" };

const RECORD_KINDS: readonly PaxosRecord["kind"][] = [
  "promised",
  "accepted",
  "began",
  "chosen",
  "damaged",
  "impaired",
];

/** Raised with every change of layout; records of another version are unreadable. */
const RECORD_VERSION = 1;

/** Version, kind, ballot, length. */
const RECORD_BYTES = 1 + 1 + 12 + 4;

/**
 * A record as the journal takes it. Its name says all that must be known of it when it rots: the
 * ballot that was promised, used or accepted in. Acceptances are named by slot 1, ballots alone by
 * `meta`.
 */
export function journalRecord(record: PaxosRecord): JournalRecord {
  const writer = new Writer(RECORD_BYTES + ("value" in record ? record.value.length : 0));
  writer.u8(RECORD_VERSION);
  writer.u8(RECORD_KINDS.indexOf(record.kind));
  if ("ballot" in record) writeBallot(writer, record.ballot);
  if ("value" in record) writer.bytes(record.value);
  return { record: writer.peek(), about: aboutOf(record) };
}

/** Null when the bytes are no record of this version. Values are copies. */
export function decodeRecord(bytes: Uint8Array): PaxosRecord | null {
  const reader = new Reader(bytes);
  if (reader.u8() !== RECORD_VERSION) return null;
  const kind = RECORD_KINDS[reader.u8()];
  if (kind === undefined || reader.failed) return null;
  const record = readBody(kind, reader);
  return reader.complete() ? record : null;
}

function readBody(kind: PaxosRecord["kind"], reader: Reader): PaxosRecord {
  switch (kind) {
    case "promised":
    case "began":
    case "damaged":
      return { kind, ballot: readBallot(reader) };
    case "accepted":
      return { kind, ballot: readBallot(reader), value: readValue(reader) };
    case "chosen":
      return { kind, value: readValue(reader) };
    case "impaired":
      return { kind };
    default:
      return assertNever(kind);
  }
}

function readValue(reader: Reader): Uint8Array {
  return reader.bytes(VALUE_BYTES_MAX).slice();
}

function aboutOf(record: PaxosRecord): About {
  switch (record.kind) {
    case "promised":
    case "began":
      return { ...ABOUT_META, ballot: record.ballot };
    case "accepted":
    case "damaged":
      return { kind: "slots", log: 0, first: 1, last: 1, ballot: record.ballot };
    case "chosen":
      // Of no ballot: to lose it breaks no word.
      return { kind: "slots", log: 1, first: 1, last: 1 };
    case "impaired":
      return ABOUT_META;
    default:
      return assertNever(record);
  }
}
