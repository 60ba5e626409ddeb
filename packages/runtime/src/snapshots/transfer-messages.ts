import { assertNever, type Position, type Reader, type Writer } from "@synod/core";
import { CHUNK_BYTES_MAX, CHUNKS_MAX, MANIFEST_BYTES_MAX } from "./manifest.ts";

/**
 * How a member that fell too far behind gets the state from others. A snapshot is named by the
 * digest of its manifest, so chunks of the same snapshot can come from several members.
 */
export type TransferMessage =
  /** To any member: I need a state of at least this position. */
  | { readonly kind: "stateRequest"; readonly position: Position }
  /** I have this one, and keep it for you for a while. */
  | { readonly kind: "stateOffer"; readonly manifest: Uint8Array }
  /** I have nothing as new as that yet; ask again. */
  | { readonly kind: "stateNone"; readonly position: Position }
  | { readonly kind: "chunkRequest"; readonly digest: string; readonly index: number }
  | {
      readonly kind: "chunk";
      readonly digest: string;
      readonly index: number;
      readonly bytes: Uint8Array;
    }
  /** I do not have that snapshot, or not any more. */
  | { readonly kind: "stateGone"; readonly digest: string }
  /** I need it no longer. */
  | { readonly kind: "stateDone"; readonly digest: string };

/** The places in this list are the numbers on the wire. */
export const TRANSFER_KINDS = [
  "stateRequest",
  "stateOffer",
  "stateNone",
  "chunkRequest",
  "chunk",
  "stateGone",
  "stateDone",
] as const satisfies readonly TransferMessage["kind"][];

export function encodeTransferMessage(writer: Writer, message: TransferMessage): void {
  writer.u8(TRANSFER_KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "stateRequest":
    case "stateNone":
      writer.u32(message.position.log);
      writer.u53(message.position.index);
      return;
    case "stateOffer":
      writer.bytes(message.manifest);
      return;
    case "chunkRequest":
      writeDigest(writer, message.digest);
      writer.u32(message.index);
      return;
    case "chunk":
      writeDigest(writer, message.digest);
      writer.u32(message.index);
      writer.bytes(message.bytes);
      return;
    case "stateGone":
    case "stateDone":
      writeDigest(writer, message.digest);
      return;
    default:
      assertNever(message);
  }
}

/** Null unless the rest of `reader` is exactly one message. Bytes are views on what it reads. */
export function decodeTransferMessage(reader: Reader): TransferMessage | null {
  const message = readMessage(reader);
  return reader.complete() ? message : null;
}

function readMessage(reader: Reader): TransferMessage | null {
  const kind = TRANSFER_KINDS[reader.u8()];
  switch (kind) {
    case undefined:
      reader.fail();
      return null;
    case "stateRequest":
    case "stateNone":
      return { kind, position: { log: reader.u32(), index: reader.u53() } };
    case "stateOffer":
      return { kind, manifest: reader.bytes(MANIFEST_BYTES_MAX) };
    case "chunkRequest":
      return { kind, digest: readDigest(reader), index: readIndex(reader) };
    case "chunk": {
      const digest = readDigest(reader);
      const index = readIndex(reader);
      return { kind, digest, index, bytes: reader.bytes(CHUNK_BYTES_MAX) };
    }
    case "stateGone":
    case "stateDone":
      return { kind, digest: readDigest(reader) };
    default:
      return assertNever(kind);
  }
}

function readIndex(reader: Reader): number {
  const index = reader.u32();
  if (index >= CHUNKS_MAX) reader.fail();
  return index;
}

function writeDigest(writer: Writer, digest: string): void {
  writer.u32(Number.parseInt(digest.slice(0, 8), 16));
  writer.u32(Number.parseInt(digest.slice(8), 16));
}

function readDigest(reader: Reader): string {
  const half = (): string => reader.u32().toString(16).padStart(8, "0");
  return half() + half();
}
