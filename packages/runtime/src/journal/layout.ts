import { type About, Reader, Writer } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { hexToBytes } from "../hex.ts";

/** A disk writes a sector whole or not at all; everything in a segment is made of them. */
export const SECTOR_BYTES = 512;

/** Every sector of a block begins with its checksum and with the number of its block. */
export const STAMP_BYTES = 8;

/** What a sector of a block carries of the block's own bytes. */
export const SECTOR_PAYLOAD_BYTES: number = SECTOR_BYTES - STAMP_BYTES;

/** Set in the stamp of the first sector of a block. */
export const FIRST_SECTOR = 0x8000_0000;

/** Set in the stamp of the sector with which the twin of a block's header begins. */
export const TWIN_SECTOR = 0x4000_0000;

/** The rest of a stamp is the number of the block modulo this. */
export const STAMP_NUMBERS = 0x4000_0000;

/** Format of the segments. Readers refuse others. */
export const JOURNAL_VERSION = 3;

const SEGMENT_MAGIC = 0x4a_6e_79_53;

/** `journal-` and the sequence of the segment in 12 digits. */
export function segmentName(sequence: number): string {
  return `journal-${String(sequence).padStart(12, "0")}`;
}

/** The sequence that a file name carries; null if it is no segment. */
export function segmentSequence(name: string): number | null {
  const match = /^journal-(\d{12})$/.exec(name);
  return match === null ? null : Number(match[1]);
}

/**
 * Where the checksums of a segment's sectors start from: a sector of another journal or of another
 * segment does not verify here. Each sector adds its own index, so that it verifies nowhere else
 * either.
 */
export function segmentSalt(checksum: Checksum, identity: string, sequence: number): number {
  const writer = new Writer(32);
  writer.raw(hexToBytes(identity));
  writer.u53(sequence);
  return checksum(writer.peek());
}

/** Checksum of the sector at `offset` of `bytes`, the `index`-th of its segment. */
export function sectorChecksum(
  checksum: Checksum,
  salt: number,
  index: number,
  bytes: Uint8Array,
  offset: number,
): number {
  // The CRC is a bijection of its start value: equal bytes at another index never have the same
  // one.
  const start = (salt ^ index) >>> 0;
  return checksum(bytes.subarray(offset + 4, offset + SECTOR_BYTES), start);
}

/**
 * The first sector of a segment. Its blocks verify without it; it tells versions and strangers
 * apart. `insteadOf`: sequence of the segment that a seal names, and in whose place this one
 * stands; 0: of none.
 */
export function encodeSegmentHeader(
  checksum: Checksum,
  identity: string,
  sequence: number,
  insteadOf: number,
): Uint8Array {
  const writer = new Writer(SECTOR_BYTES);
  writer.u32(SEGMENT_MAGIC);
  writer.u16(JOURNAL_VERSION);
  writer.raw(hexToBytes(identity));
  writer.u53(sequence);
  writer.u53(insteadOf);
  writer.raw(new Uint8Array(SECTOR_BYTES - 4 - writer.length));
  writer.u32(checksum(writer.peek()));
  return writer.take();
}

/**
 * What the header of one of this journal's segments says; `newer`: whole, of an unknown version;
 * `bad`: anything else.
 */
export function readSegmentHeader(
  checksum: Checksum,
  identity: string,
  sequence: number,
  sector: Uint8Array,
): { readonly insteadOf: number } | "newer" | "bad" {
  if (sector.length < SECTOR_BYTES) return "bad";
  const sum = new Reader(sector, SECTOR_BYTES - 4, SECTOR_BYTES).u32();
  if (sum !== checksum(sector.subarray(0, SECTOR_BYTES - 4))) return "bad";
  const reader = new Reader(sector);
  if (reader.u32() !== SEGMENT_MAGIC) return "bad";
  if (reader.u16() !== JOURNAL_VERSION) return "newer";
  const insteadOf = new Reader(sector, 30).u53();
  const own = encodeSegmentHeader(checksum, identity, sequence, insteadOf);
  return own.every((byte, at) => byte === sector[at]) ? { insteadOf } : "bad";
}

/** What a block is besides a carrier of records. */
export interface BlockFlags {
  /** First block of a checkpoint: all before it is superseded once the last one is there, too. */
  readonly opens: boolean;
  /** Part of a checkpoint. */
  readonly checkpoint: boolean;
  /** Last block of a checkpoint. */
  readonly closes: boolean;
  /** Last block of its segment: the next one exists durably. */
  readonly seals: boolean;
  /** Nobody knows what the block before held: the damage outlives this restart. */
  readonly afterUnknown: boolean;
}

export const PLAIN_BLOCK: BlockFlags = Object.freeze({
  opens: false,
  checkpoint: false,
  closes: false,
  seals: false,
  afterUnknown: false,
});

/** The fixed part of a block. */
export interface BlockHeader {
  readonly flags: BlockFlags;
  /** One count over the journal, from 1, without gaps. */
  readonly number: number;
  /**
   * Sequence of the segment that begins with the newest complete checkpoint (this one's, within
   * it).
   */
  readonly baseSegment: number;
  /** Number of the first block of that checkpoint. */
  readonly baseNumber: number;
  /** The chain value of the block before. */
  readonly chain: number;
  readonly sectors: number;
  readonly records: number;
  /** Of a seal: sequence of the segment that comes next. */
  readonly successor: number;
  /** What the block before spoke of, once more: names it should all of it rot. */
  readonly echo: readonly About[];
}

/** One line of the table of a block: what a record is about, and its length. */
export interface TableEntry {
  readonly about: About;
  readonly length: number;
}

export const HEADER_BYTES = 64;
export const ABOUT_BYTES = 37;
export const ENTRY_BYTES: number = ABOUT_BYTES + 4;

/** Records in one block at most: keeps table and echo small. */
export const BLOCK_RECORDS_MAX = 4096;

/** A block takes records until it is this large; a single record may be larger. */
export const BLOCK_BYTES_TARGET: number = 1024 * 1024;

/** Sectors that `bytes` of a block's own bytes take. */
export function sectorsFor(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / SECTOR_PAYLOAD_BYTES));
}

/** Sectors of the twin of a block's header, with the names of all that the block speaks of. */
export function twinSectors(names: number): number {
  return sectorsFor(HEADER_BYTES + names * ABOUT_BYTES);
}

/** The chain of a block: its sectors' checksums, folded onto the chain before. */
export function foldChain(chain: number, sectorCrc: number): number {
  return (Math.imul(chain ^ sectorCrc, 0x0100_0193) + 0x9e37_79b9) >>> 0;
}
