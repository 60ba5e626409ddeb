import { PAYLOAD_BYTES_MAX, Reader, Writer } from "@synod/core";

/**
 * Payloads and results of the log machine as bytes. The first byte of a payload names operation and
 * layout at once; a changed layout takes a new number, and old ones are understood for ever,
 * because they stay in journals. Layout: docs/formats/log.md.
 */
const OPERATION_APPEND = 0x01;
const OPERATION_TRIM = 0x02;
const OPERATION_SNAPSHOT_PART = 0x03;
const OPERATION_SNAPSHOT = 0x04;
const OPERATION_BOUNDS = 0x10;

const RESULT_APPENDED = 0x00;
const RESULT_BOUNDS = 0x01;
const RESULT_REFUSED = 0xff;

/** Of an application's snapshot: it travels and lies in parts. */
export interface LogLimits {
  readonly entryBytesMax: number;
  readonly partBytesMax: number;
  readonly partsMax: number;
  /** Snapshots of which some parts have come: a further one takes the place of the oldest. */
  readonly uploadsMax: number;
}

export const LOG_LIMITS: LogLimits = Object.freeze({
  entryBytesMax: PAYLOAD_BYTES_MAX - 1,
  partBytesMax: 1_048_576,
  partsMax: 1_024,
  uploadsMax: 2,
});

/** Why the machine did nothing; the numbers on the wire are the places in this list. */
export const LOG_REFUSALS = [
  "unknown-operation",
  "malformed",
  "beyond-end",
  "compacted",
  "upload-lost",
  "part-too-large",
  "too-many-parts",
] as const;

export type LogRefusal = (typeof LOG_REFUSALS)[number];

export type LogOperation =
  /** The entry is what is left of the payload. */
  | { readonly kind: "append"; readonly entry: Uint8Array }
  | { readonly kind: "trim"; readonly upTo: number }
  /** Part `part`, from 0, of the snapshot that its maker has given the number `upload`. */
  | {
      readonly kind: "snapshotPart";
      readonly upload: number;
      readonly part: number;
      readonly bytes: Uint8Array;
    }
  /** All `parts` of it have come: they stand for the entries through `upTo` from now on. */
  | {
      readonly kind: "snapshot";
      readonly upload: number;
      readonly parts: number;
      readonly upTo: number;
    }
  | { readonly kind: "bounds" }
  | { readonly kind: "refused"; readonly reason: LogRefusal };

/** Indexes are 1, 2, 3, …; 0 stands for none. */
export interface LogBounds {
  /** Entries through this one (inclusive) are gone. */
  readonly compactedUpTo: number;
  /** Of the latest entry. */
  readonly last: number;
  /** Whether an application's snapshot stands for what is gone. */
  readonly hasSnapshot: boolean;
}

export type LogResult =
  | { readonly kind: "appended"; readonly index: number }
  | ({ readonly kind: "bounds" } & LogBounds)
  | { readonly kind: "refused"; readonly reason: LogRefusal };

function appendPayload(entry: Uint8Array): Uint8Array {
  const writer = new Writer(1 + entry.length);
  writer.u8(OPERATION_APPEND);
  writer.raw(entry);
  return writer.peek();
}

function trimPayload(upTo: number): Uint8Array {
  const writer = new Writer(9);
  writer.u8(OPERATION_TRIM);
  writer.u53(upTo);
  return writer.peek();
}

function snapshotPartPayload(upload: number, part: number, bytes: Uint8Array): Uint8Array {
  const writer = new Writer(13 + bytes.length);
  writer.u8(OPERATION_SNAPSHOT_PART);
  writer.u53(upload);
  writer.u32(part);
  writer.raw(bytes);
  return writer.peek();
}

function snapshotPayload(upload: number, parts: number, upTo: number): Uint8Array {
  const writer = new Writer(21);
  writer.u8(OPERATION_SNAPSHOT);
  writer.u53(upload);
  writer.u32(parts);
  writer.u53(upTo);
  return writer.peek();
}

/** Never throws: what makes no sense is `refused`, for the same reason on every replica. */
export function decodeLogOperation(payload: Uint8Array): LogOperation {
  const reader = new Reader(payload);
  const operation = readOperation(reader);
  if (operation === null) return { kind: "refused", reason: "unknown-operation" };
  return reader.complete() ? operation : { kind: "refused", reason: "malformed" };
}

function readOperation(reader: Reader): LogOperation | null {
  switch (reader.u8()) {
    case OPERATION_APPEND:
      return { kind: "append", entry: reader.raw(reader.remaining) };
    case OPERATION_TRIM:
      return { kind: "trim", upTo: reader.u53() };
    case OPERATION_SNAPSHOT_PART: {
      const upload = reader.u53();
      const part = reader.u32();
      return { kind: "snapshotPart", upload, part, bytes: reader.raw(reader.remaining) };
    }
    case OPERATION_SNAPSHOT: {
      const upload = reader.u53();
      const parts = reader.u32();
      return { kind: "snapshot", upload, parts, upTo: reader.u53() };
    }
    case OPERATION_BOUNDS:
      return { kind: "bounds" };
    default:
      return null;
  }
}

export function encodeLogResult(result: LogResult): Uint8Array {
  if (result.kind === "refused")
    return Uint8Array.of(RESULT_REFUSED, LOG_REFUSALS.indexOf(result.reason));
  const writer = new Writer(18);
  if (result.kind === "appended") {
    writer.u8(RESULT_APPENDED);
    writer.u53(result.index);
  } else {
    writer.u8(RESULT_BOUNDS);
    writer.u53(result.compactedUpTo);
    writer.u53(result.last);
    writer.bool(result.hasSnapshot);
  }
  return writer.take();
}

/** Null when the bytes are no result of this machine. */
export function decodeLogResult(bytes: Uint8Array): LogResult | null {
  const reader = new Reader(bytes);
  const result = readResult(reader);
  return reader.complete() ? result : null;
}

function readResult(reader: Reader): LogResult | null {
  switch (reader.u8()) {
    case RESULT_APPENDED:
      return { kind: "appended", index: reader.u53() };
    case RESULT_BOUNDS: {
      const compactedUpTo = reader.u53();
      const last = reader.u53();
      return { kind: "bounds", compactedUpTo, last, hasSnapshot: reader.bool() };
    }
    case RESULT_REFUSED: {
      const reason = LOG_REFUSALS[reader.u8()];
      return reason === undefined ? null : { kind: "refused", reason };
    }
    default:
      return null;
  }
}

/** The codec by the words in which users think. */
export const log: {
  /** Payload that appends `entry`; the result is `appended`. */
  readonly append: (entry: Uint8Array) => Uint8Array;
  /** Payload that gives up the entries through `upTo`; the result is `bounds`. */
  readonly trim: (upTo: number) => Uint8Array;
  /** Payload that brings one part of a snapshot; the result is `bounds`. */
  readonly snapshotPart: (upload: number, part: number, bytes: Uint8Array) => Uint8Array;
  /** Payload that puts a snapshot in the place of the entries through `upTo`; `bounds`. */
  readonly snapshot: (upload: number, parts: number, upTo: number) => Uint8Array;
  /** Query for the bounds; a command of this payload reads too. */
  readonly bounds: Uint8Array;
  readonly operation: typeof decodeLogOperation;
  readonly result: typeof decodeLogResult;
} = Object.freeze({
  append: appendPayload,
  trim: trimPayload,
  snapshotPart: snapshotPartPayload,
  snapshot: snapshotPayload,
  bounds: Uint8Array.of(OPERATION_BOUNDS),
  operation: decodeLogOperation,
  result: decodeLogResult,
});
