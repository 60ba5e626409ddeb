import { hash64, type Position, Reader, Writer } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import type { Tenure } from "../configuration.ts";
import { CONFIGURATION_BYTES_MAX, readTenure, writeTenure } from "../configuration-codec.ts";

/** "SYNS", little-endian. */
const MAGIC = 0x534e5953;
const VERSION = 1;
/** Of the manifest of a later configuration than the first, which it names. */
const VERSION_LATER = 2;

/**
 * Most chunks of a snapshot: with usual chunks, a state of 16 GiB. A manifest fits in one frame.
 */
export const CHUNKS_MAX: number = 65_536;
/** Largest chunk: about the size asked for, or one entry that is larger; fits in one frame. */
export const CHUNK_BYTES_MAX: number = 2_500_000;
/** Largest image of a protocol. */
export const PROTOCOL_IMAGE_BYTES_MAX: number = 1_048_576;
/** Largest manifest that the above allow. */
export const MANIFEST_BYTES_MAX: number =
  96 + CONFIGURATION_BYTES_MAX + PROTOCOL_IMAGE_BYTES_MAX + CHUNKS_MAX * 16;

export interface Chunk {
  /** Where it begins in the data. */
  readonly offset: number;
  readonly length: number;
  /** `hash64` of its bytes: the same on every replica, and what a fetched chunk is held against. */
  readonly hash: string;
  /** CRC-32 of its bytes: a second opinion, independent of the first. */
  readonly crc: number;
}

/**
 * What a snapshot consists of; the same bytes on every replica that took it at the same barrier.
 */
export interface Manifest {
  readonly position: Position;
  /** The protocol's own image, handed back to it when it starts from this snapshot. */
  readonly image: Uint8Array;
  /** The configuration that goes on from this state; null while that is the first one. */
  readonly tenure: Tenure | null;
  readonly chunks: readonly Chunk[];
  /** Bytes of all chunks. */
  readonly totalBytes: number;
  /** `hash64` of the encoded manifest: names the snapshot by its content. */
  readonly digest: string;
}

/** Sums up a chunk that begins at `offset`. */
export function describeChunk(bytes: Uint8Array, offset: number, checksum: Checksum): Chunk {
  return { offset, length: bytes.length, hash: hash64(bytes), crc: checksum(bytes) };
}

/** Whether these are the bytes of the chunk. */
export function isChunk(chunk: Chunk, bytes: Uint8Array, checksum: Checksum): boolean {
  return (
    bytes.length === chunk.length && checksum(bytes) === chunk.crc && hash64(bytes) === chunk.hash
  );
}

export function encodeManifest(
  manifest: Pick<Manifest, "position" | "image" | "tenure" | "chunks">,
  checksum: Checksum,
): Uint8Array {
  const { position, image, tenure, chunks } = manifest;
  const writer = new Writer(64 + image.length + chunks.length * 16);
  writer.u32(MAGIC);
  writer.u16(tenure === null ? VERSION : VERSION_LATER);
  writer.u32(position.log);
  writer.u53(position.index);
  writer.bytes(image);
  if (tenure !== null) writeTenure(writer, tenure);
  writer.u32(chunks.length);
  for (const chunk of chunks) {
    writer.u32(chunk.length);
    writer.u32(Number.parseInt(chunk.hash.slice(0, 8), 16));
    writer.u32(Number.parseInt(chunk.hash.slice(8), 16));
    writer.u32(chunk.crc);
  }
  writer.u32(checksum(writer.peek()));
  return writer.take();
}

/** Null when the bytes are not a whole, undamaged manifest within bounds. */
export function decodeManifest(bytes: Uint8Array, checksum: Checksum): Manifest | null {
  const end = bytes.length - 4;
  if (end < 0 || bytes.length > MANIFEST_BYTES_MAX) return null;
  if (new Reader(bytes, end).u32() !== checksum(bytes.subarray(0, end))) return null;
  const reader = new Reader(bytes, 0, end);
  if (reader.u32() !== MAGIC) return null;
  const version = reader.u16();
  if (version !== VERSION && version !== VERSION_LATER) return null;
  const position = { log: reader.u32(), index: reader.u53() };
  const image = reader.bytes(PROTOCOL_IMAGE_BYTES_MAX).slice();
  const tenure = version === VERSION_LATER ? readTenure(reader) : null;
  if (version === VERSION_LATER && tenure === null) return null;
  const count = reader.count(16);
  if (count === 0 || count > CHUNKS_MAX || position.index === 0) return null;
  const chunks: Chunk[] = [];
  let totalBytes = 0;
  for (let index = 0; index < count; index += 1) {
    const length = reader.u32();
    const hash = hex(reader.u32()) + hex(reader.u32());
    if (length === 0 || length > CHUNK_BYTES_MAX) return null;
    chunks.push({ offset: totalBytes, length, hash, crc: reader.u32() });
    totalBytes += length;
  }
  if (!reader.complete()) return null;
  return { position, image, tenure, chunks, totalBytes, digest: hash64(bytes) };
}

function hex(half: number): string {
  return half.toString(16).padStart(8, "0");
}
