import { type About, invariant, type JournalRecord } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { writeAbout, writeU53 } from "./about-codec.ts";
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

/** Everything that a block says; see docs/formats/journal.md. */
export interface BlockContent {
  readonly flags: BlockFlags;
  readonly number: number;
  readonly baseSegment: number;
  readonly baseNumber: number;
  /** Chain value of the block before. */
  readonly chain: number;
  /** Of a seal: sequence of the next segment; 0 of any other block. */
  readonly successor: number;
  /** Abouts of the block before, merged. */
  readonly echo: readonly About[];
  readonly records: readonly JournalRecord[];
  /** Abouts of these records, merged. */
  readonly names: readonly About[];
}

/** Where a block goes; all of it is in its checksums. */
export interface BlockPlace {
  readonly salt: number;
  /** Index of its first sector in the segment. */
  readonly sector: number;
}

export const BLOCK_MAGIC = 0x6b_6c_62_53;

/** Bits of the flags, from the lowest. */
export const FLAG_BITS: readonly (keyof BlockFlags)[] = Object.freeze([
  "opens",
  "checkpoint",
  "closes",
  "seals",
  "afterUnknown",
]);

/** Sectors that a block of these records takes, which go by so many names. */
export function blockSectors(
  records: readonly JournalRecord[],
  echoes: number,
  names: number,
): number {
  let bytes = HEADER_BYTES + records.length * ENTRY_BYTES + echoes * ABOUT_BYTES;
  for (const { record } of records) bytes += record.length;
  return sectorsFor(bytes) + twinSectors(names);
}

/** The next records, from `start`, that go into one block: at least one, if there is one. */
export function cutBlock(records: readonly JournalRecord[], start: number): JournalRecord[] {
  let bytes = 0;
  let end = start;
  const most = Math.min(records.length, start + BLOCK_RECORDS_MAX);
  while (end < most) {
    bytes += ENTRY_BYTES + (records[end] as JournalRecord).record.length;
    if (end > start && bytes > BLOCK_BYTES_TARGET) break;
    end += 1;
  }
  return records.slice(start, end);
}

/**
 * Builds blocks in one buffer that is used again and again: what it returns is valid until the next
 * build.
 */
export class BlockWriter {
  readonly #checksum: Checksum;
  #buffer: Uint8Array = new Uint8Array(64 * 1024);
  #view: DataView = new DataView(this.#buffer.buffer);

  constructor(checksum: Checksum) {
    this.#checksum = checksum;
  }

  /** The bytes to write at the place, and the chain value that the next block carries. */
  build(content: BlockContent, place: BlockPlace): { bytes: Uint8Array; chain: number } {
    const sectors = blockSectors(content.records, content.echo.length, content.names.length);
    const twin = sectors - twinSectors(content.names.length);
    this.#room(sectors * SECTOR_BYTES);
    const used = this.#fill(content, sectors);
    this.#buffer.fill(0, used, twin * SECTOR_PAYLOAD_BYTES);
    const end = this.#fillTwin(content.names, twin * SECTOR_PAYLOAD_BYTES);
    this.#buffer.fill(0, end, sectors * SECTOR_PAYLOAD_BYTES);
    const chain = this.#stamp(content, place, { sectors, twin });
    return { bytes: this.#buffer.subarray(0, sectors * SECTOR_BYTES), chain };
  }

  #room(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    this.#buffer = new Uint8Array(Math.max(bytes, this.#buffer.length * 2));
    this.#view = new DataView(this.#buffer.buffer);
  }

  /**
   * The block's own bytes in one piece from the beginning of the buffer; returns where they end.
   */
  #fill(content: BlockContent, sectors: number): number {
    const { echo, records } = content;
    const view = this.#view;
    let at = HEADER_BYTES;
    for (const { about, record } of records) {
      writeAbout(view, at, about);
      view.setUint32(at + ABOUT_BYTES, record.length, true);
      at += ENTRY_BYTES;
    }
    for (const about of echo) {
      writeAbout(view, at, about);
      at += ABOUT_BYTES;
    }
    for (const { record } of records) {
      this.#buffer.set(record, at);
      at += record.length;
    }
    view.setUint32(0, BLOCK_MAGIC, true);
    view.setUint32(4, flagBits(content.flags) + (JOURNAL_VERSION << 16), true);
    writeU53(view, 8, content.number);
    writeU53(view, 16, content.baseSegment);
    writeU53(view, 24, content.baseNumber);
    view.setUint32(32, content.chain, true);
    view.setUint32(36, sectors, true);
    view.setUint32(40, records.length, true);
    view.setUint32(44, echo.length, true);
    view.setUint32(48, at, true);
    writeU53(view, 52, content.successor);
    view.setUint32(60, content.names.length, true);
    const twin = twinSectors(content.names.length);
    invariant(sectorsFor(at) + twin === sectors, "a block of another size than was planned");
    return at;
  }

  /** The header once more, and the names; returns where they end. */
  #fillTwin(names: readonly About[], start: number): number {
    this.#buffer.copyWithin(start, 0, HEADER_BYTES);
    let at = start + HEADER_BYTES;
    for (const about of names) {
      writeAbout(this.#view, at, about);
      at += ABOUT_BYTES;
    }
    return at;
  }

  /** Moves the bytes apart to make room for the stamps, from the end, and signs every sector. */
  #stamp(
    content: BlockContent,
    place: BlockPlace,
    { sectors, twin }: { readonly sectors: number; readonly twin: number },
  ): number {
    const buffer = this.#buffer;
    const view = this.#view;
    const number = content.number % STAMP_NUMBERS;
    const marks = new Map([
      [0, FIRST_SECTOR],
      [twin, TWIN_SECTOR],
    ]);
    for (let sector = sectors - 1; sector >= 0; sector -= 1) {
      const from = sector * SECTOR_PAYLOAD_BYTES;
      const to = sector * SECTOR_BYTES;
      buffer.copyWithin(to + STAMP_BYTES, from, from + SECTOR_PAYLOAD_BYTES);
      view.setUint32(to + 4, number + (marks.get(sector) ?? 0), true);
    }
    let chain = content.chain;
    for (let sector = 0; sector < sectors; sector += 1) {
      const at = sector * SECTOR_BYTES;
      const sum = sectorChecksum(this.#checksum, place.salt, place.sector + sector, buffer, at);
      view.setUint32(at, sum, true);
      chain = foldChain(chain, sum);
    }
    return chain;
  }
}

function flagBits(flags: BlockFlags): number {
  let bits = 0;
  for (const [bit, flag] of FLAG_BITS.entries()) if (flags[flag]) bits += 1 << bit;
  return bits;
}
