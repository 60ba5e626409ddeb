import { type About, type JournalRecord, RECORD_BYTES_MAX } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { readAbout, readU53 } from "./about-codec.ts";
import { BLOCK_MAGIC, FLAG_BITS } from "./block-writer.ts";
import {
  ABOUT_BYTES,
  BLOCK_BYTES_TARGET,
  BLOCK_RECORDS_MAX,
  type BlockFlags,
  ENTRY_BYTES,
  FIRST_SECTOR,
  foldChain,
  HEADER_BYTES,
  JOURNAL_VERSION,
  SECTOR_BYTES,
  SECTOR_PAYLOAD_BYTES,
  STAMP_BYTES,
  STAMP_NUMBERS,
  sectorChecksum,
  sectorsFor,
  TWIN_SECTOR,
  twinSectors,
} from "./layout.ts";

/** What a sector is when it is not a block's: never written, or not what was written there. */
export const ZERO_SECTOR = -1;
export const BAD_SECTOR = -2;

/** No block is larger. */
const BLOCK_SECTORS_MAX: number =
  twinSectors(BLOCK_RECORDS_MAX) +
  sectorsFor(
    HEADER_BYTES +
      BLOCK_RECORDS_MAX * (ENTRY_BYTES + ABOUT_BYTES) +
      Math.max(RECORD_BYTES_MAX, BLOCK_BYTES_TARGET),
  );

/** Sectors of one segment in memory. Blocks are read in place, which destroys their sectors. */
export interface SectorSource {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly checksum: Checksum;
  readonly salt: number;
  /** Index in the segment of the sector at offset 0. */
  readonly first: number;
}

/** The fixed fields of a block whose first sector is good. */
export interface BlockHead {
  readonly flags: BlockFlags;
  readonly number: number;
  readonly baseSegment: number;
  readonly baseNumber: number;
  readonly chain: number;
  readonly sectors: number;
  readonly records: number;
  readonly echoes: number;
  readonly bytes: number;
  /** Of a seal: sequence of the next segment. */
  readonly successor: number;
  /** Names in the twin. */
  readonly names: number;
}

/** A block whose first sector is good, or the beginning of its twin; all are if `whole`. */
export interface ReadBlock {
  readonly head: BlockHead;
  readonly whole: boolean;
  /** Sectors that are all zero, and ones that are neither zero nor this block's. */
  readonly zeroSectors: number;
  readonly badSectors: number;
  /** For the next block to carry; only known of whole blocks. */
  readonly chain: number | null;
  /** Null when the sectors that say it are damaged. */
  readonly echo: readonly About[] | null;
  /** What all its records are about; null when table and twin are damaged. */
  readonly abouts: readonly About[] | null;
  /** The undamaged records. */
  readonly records: readonly JournalRecord[];
  /** What the others are about; null when table and twin are damaged. */
  readonly damaged: readonly About[] | null;
}

/** The stamp of a good sector of some block of this segment, or one of the two constants above. */
export function readStamp(source: SectorSource, sector: number): number {
  const { bytes, view, checksum, salt, first } = source;
  const at = sector * SECTOR_BYTES;
  const sum = view.getUint32(at, true);
  const stamp = view.getUint32(at + 4, true);
  if (sum === 0 && stamp === 0 && isZero(view, at)) return ZERO_SECTOR;
  return sectorChecksum(checksum, salt, first + sector, bytes, at) === sum ? stamp : BAD_SECTOR;
}

function isZero(view: DataView, at: number): boolean {
  for (let word = at; word < at + SECTOR_BYTES; word += 4)
    if (view.getUint32(word, true) !== 0) return false;
  return true;
}

/**
 * The head of a block whose first sector is this good one, or whose twin begins with it; null if it
 * makes no sense.
 */
export function readHead(source: SectorSource, sector: number, stamp: number): BlockHead | null {
  const { view } = source;
  const at = sector * SECTOR_BYTES + STAMP_BYTES;
  const bits = view.getUint32(at + 4, true);
  const head: BlockHead = {
    flags: readFlags(bits & 0xffff),
    number: readU53(view, at + 8),
    baseSegment: readU53(view, at + 16),
    baseNumber: readU53(view, at + 24),
    chain: view.getUint32(at + 32, true),
    sectors: view.getUint32(at + 36, true),
    records: view.getUint32(at + 40, true),
    echoes: view.getUint32(at + 44, true),
    bytes: view.getUint32(at + 48, true),
    successor: readU53(view, at + 52),
    names: view.getUint32(at + 60, true),
  };
  if (view.getUint32(at, true) !== BLOCK_MAGIC || bits >>> 16 !== JOURNAL_VERSION) return null;
  if (head.number < 1 || head.baseSegment < 0 || head.baseNumber < 0) return null;
  if (head.successor < 0 || head.number % STAMP_NUMBERS !== stamp % STAMP_NUMBERS) return null;
  const most = Math.max(head.records, head.echoes, head.names);
  if (most > BLOCK_RECORDS_MAX || head.sectors > BLOCK_SECTORS_MAX) return null;
  if (head.sectors !== sectorsFor(head.bytes) + twinSectors(head.names)) return null;
  return bodiesStart(head) > head.bytes ? null : head;
}

function readFlags(bits: number): BlockFlags {
  const flags: Record<string, boolean> = {};
  for (const [bit, flag] of FLAG_BITS.entries()) flags[flag] = (bits & (1 << bit)) !== 0;
  return flags as unknown as BlockFlags;
}

function bodiesStart(head: BlockHead): number {
  return HEADER_BYTES + head.records * ENTRY_BYTES + head.echoes * ABOUT_BYTES;
}

/**
 * Reads the block at `sector`, all of whose sectors are in the source. Its records are views on the
 * source's bytes, which are rearranged for that.
 */
export function readBlock(source: SectorSource, sector: number, head: BlockHead): ReadBlock {
  const { bytes, view } = source;
  const bad: number[] = [];
  let zeroSectors = 0;
  let chain = head.chain;
  const twin = head.sectors - twinSectors(head.names);
  for (let index = 0; index < head.sectors; index += 1) {
    const stamp = readStamp(source, sector + index);
    const mark = index === 0 ? FIRST_SECTOR : index === twin ? TWIN_SECTOR : 0;
    const good = stamp === (head.number % STAMP_NUMBERS) + mark;
    if (good) chain = foldChain(chain, view.getUint32((sector + index) * SECTOR_BYTES, true));
    else bad.push(index);
    if (stamp === ZERO_SECTOR) zeroSectors += 1;
  }
  const start = sector * SECTOR_BYTES + STAMP_BYTES;
  for (let index = 1; index < head.sectors; index += 1) {
    const from = start + index * SECTOR_BYTES;
    bytes.copyWithin(start + index * SECTOR_PAYLOAD_BYTES, from, from + SECTOR_PAYLOAD_BYTES);
  }
  const table = readRecords(bytes, view, start, head, bad);
  const names = bad.some((index) => index >= twin)
    ? null
    : readAbouts(view, start + twin * SECTOR_PAYLOAD_BYTES + HEADER_BYTES, head.names);
  const echo = readEcho(view, start, head, bad);
  const whole = bad.length === 0 && table !== null && echo !== null;
  return {
    head,
    whole,
    zeroSectors,
    badSectors: whole ? 0 : Math.max(bad.length - zeroSectors, bad.length === 0 ? 1 : 0),
    chain: whole ? chain : null,
    echo,
    abouts: table?.abouts ?? names,
    records: table?.records ?? [],
    damaged: table?.damaged ?? names,
  };
}

/**
 * The names in the twin that begins at `sector`, all of whose sectors are in the source; null when
 * one of these is damaged.
 */
export function readTwin(
  source: SectorSource,
  sector: number,
  head: BlockHead,
): readonly About[] | null {
  const { bytes, view } = source;
  const start = sector * SECTOR_BYTES + STAMP_BYTES;
  for (let index = 1; index < twinSectors(head.names); index += 1) {
    if (readStamp(source, sector + index) !== head.number % STAMP_NUMBERS) return null;
    const from = start + index * SECTOR_BYTES;
    bytes.copyWithin(start + index * SECTOR_PAYLOAD_BYTES, from, from + SECTOR_PAYLOAD_BYTES);
  }
  return readAbouts(view, start + HEADER_BYTES, head.names);
}

/** Whether some byte from `from` to `to` of the block's own bytes lies in a bad sector. */
function hit(bad: readonly number[], from: number, to: number): boolean {
  if (bad.length === 0) return false;
  const first = Math.floor(from / SECTOR_PAYLOAD_BYTES);
  const last = Math.floor((to - 1) / SECTOR_PAYLOAD_BYTES);
  return bad.some((index) => index >= first && index <= last);
}

function readRecords(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  head: BlockHead,
  bad: readonly number[],
): (Pick<ReadBlock, "records"> & { abouts: readonly About[]; damaged: readonly About[] }) | null {
  if (hit(bad, 0, HEADER_BYTES + head.records * ENTRY_BYTES)) return null;
  const records: JournalRecord[] = [];
  const abouts: About[] = [];
  const damaged: About[] = [];
  let body = bodiesStart(head);
  for (let index = 0; index < head.records; index += 1) {
    const entry = start + HEADER_BYTES + index * ENTRY_BYTES;
    const about = readAbout(view, entry);
    const length = view.getUint32(entry + ABOUT_BYTES, true);
    if (about === null || body + length > head.bytes) return null;
    abouts.push(about);
    if (length > 0 && hit(bad, body, body + length)) damaged.push(about);
    else records.push({ record: bytes.subarray(start + body, start + body + length), about });
    body += length;
  }
  return body === head.bytes ? { records, abouts, damaged } : null;
}

function readEcho(
  view: DataView,
  start: number,
  head: BlockHead,
  bad: readonly number[],
): About[] | null {
  const from = HEADER_BYTES + head.records * ENTRY_BYTES;
  const to = from + head.echoes * ABOUT_BYTES;
  if (to > from && hit(bad, from, to)) return null;
  return readAbouts(view, start + from, head.echoes);
}

function readAbouts(view: DataView, start: number, count: number): About[] | null {
  const abouts: About[] = [];
  for (let index = 0; index < count; index += 1) {
    const about = readAbout(view, start + index * ABOUT_BYTES);
    if (about === null) return null;
    abouts.push(about);
  }
  return abouts;
}
