import type { Disk, PortError } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import {
  BAD_SECTOR,
  type BlockHead,
  type ReadBlock,
  readBlock,
  readHead,
  readStamp,
  readTwin,
  type SectorSource,
  ZERO_SECTOR,
} from "./block-reader.ts";
import {
  FIRST_SECTOR,
  readSegmentHeader,
  SECTOR_BYTES,
  STAMP_NUMBERS,
  segmentName,
  segmentSalt,
  TWIN_SECTOR,
  twinSectors,
} from "./layout.ts";
import { readSectors } from "./read-sectors.ts";

/** Sectors that do not belong to a block with a good header or twin, up to the next such block. */
export interface StrayRun {
  readonly kind: "stray";
  readonly segment: number;
  /** Index of the first and behind the last sector that is not zero. */
  readonly start: number;
  readonly end: number;
  /** Sectors that verify as nothing. */
  readonly bad: number;
  /** Lowest and highest number of a block that the good sectors belong to; 0 without one. */
  readonly lowest: number;
  readonly highest: number;
}

export interface FoundBlock {
  readonly kind: "block";
  readonly segment: number;
  readonly start: number;
  readonly end: number;
  readonly block: ReadBlock;
}

export type Finding = FoundBlock | StrayRun;

export interface WalkOptions {
  readonly disk: Disk;
  readonly checksum: Checksum;
  readonly identity: string;
  /** Sequence of the segment. */
  readonly segment: number;
}

export interface WalkListener {
  /** In the order of the segment. True stops the walk. */
  found(finding: Finding): boolean;
  /** A slice is done: a good moment to hand over what was found. */
  paused(): void;
  /**
   * All is said. `sectors`: in the file. `insteadOf`: the segment that its header says it stands
   * for; 0: none.
   */
  ended(error: PortError | null, sectors: number, insteadOf: number): void;
}

/** Sectors read at once. */
const SLICE_SECTORS = 2048;

interface Stray {
  start: number;
  end: number;
  bad: number;
  lowest: number;
  highest: number;
}

/**
 * Reads one segment from beginning to end, slice by slice, and says what is there; judges nothing.
 */
export function walkSegment(options: WalkOptions, listener: WalkListener): void {
  const { disk, segment } = options;
  disk.size(segmentName(segment), (error, bytes) => {
    if (error !== null) return listener.ended(error, 0, 0);
    const walk = new Walk(options, listener, Math.ceil(bytes / SECTOR_BYTES));
    walk.readFrom(0);
  });
}

class Walk {
  readonly #options: WalkOptions;
  readonly #listener: WalkListener;
  readonly #sectors: number;
  readonly #salt: number;
  #stray: Stray | null = null;
  #insteadOf = 0;

  constructor(options: WalkOptions, listener: WalkListener, sectors: number) {
    this.#options = options;
    this.#listener = listener;
    this.#sectors = sectors;
    this.#salt = segmentSalt(options.checksum, options.identity, options.segment);
  }

  /**
   * Reads and walks a slice of at least `least` sectors; behind the end of the file they are zero.
   */
  readFrom(first: number, least = 1): void {
    if (first >= this.#sectors) return this.#end();
    const sectors = Math.max(least, Math.min(SLICE_SECTORS, this.#sectors - first));
    const { disk, checksum, segment } = this.#options;
    readSectors(disk, segmentName(segment), first, sectors, (error, bytes) => {
      if (error !== null) return this.#finish(error);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#walk({ bytes, view, checksum, salt: this.#salt, first }, sectors);
    });
  }

  #end(): void {
    if (!this.#endStray()) this.#listener.paused();
    this.#finish(null);
  }

  #finish(error: PortError | null): void {
    this.#listener.ended(error, this.#sectors, this.#insteadOf);
  }

  #walk(source: SectorSource, sectors: number): void {
    const end = Math.min(sectors, this.#sectors - source.first);
    let at = 0;
    if (source.first === 0) {
      if (this.#isNewer(source)) return this.#finish(NEWER);
      at = 1;
    }
    while (at < end) {
      const stamp = readStamp(source, at);
      const head = stamp >= TWIN_SECTOR ? readHead(source, at, stamp) : null;
      if (head === null) {
        this.#note(source.first + at, stamp);
        at += 1;
        continue;
      }
      const length = stamp >= FIRST_SECTOR ? head.sectors : twinSectors(head.names);
      if (at + length > sectors) return this.#readAgain(source.first + at, length);
      const stopped =
        stamp >= FIRST_SECTOR ? this.#block(source, at, head) : this.#twin(source, at, head);
      if (stopped) return this.#finish(null);
      at += length;
    }
    this.#listener.paused();
    this.readFrom(source.first + at);
  }

  /** A block, or a twin, that the slice cuts begins the next slice. */
  #readAgain(first: number, length: number): void {
    this.#listener.paused();
    this.readFrom(first, length);
  }

  #block(source: SectorSource, at: number, head: BlockHead): boolean {
    if (this.#endStray()) return true;
    const block = readBlock(source, at, head);
    const start = source.first + at;
    const end = start + head.sectors;
    return this.#found({ kind: "block", segment: this.#segment, start, end, block });
  }

  /**
   * The twin of a header that is not there: what was just taken for stray sectors is the rest of
   * its block. All of it torn away, or rotten.
   */
  #twin(source: SectorSource, at: number, head: BlockHead): boolean {
    const length = twinSectors(head.names);
    const names = readTwin(source, at, head);
    const end = source.first + at + length;
    const start = Math.max(1, end - head.sectors);
    const stray = this.#stray;
    const isOwn = stray === null || (stray.start >= start && isOf(stray, head.number));
    if (isOwn) this.#stray = null;
    else if (this.#endStray()) return true;
    const badSectors = isOwn && names !== null ? (stray?.bad ?? 0) : 1;
    const block: ReadBlock = {
      head,
      whole: false,
      // The first one is missing, and whatever is missing without being bad is zero.
      zeroSectors: badSectors === 0 ? 1 : 0,
      badSectors,
      chain: null,
      echo: null,
      abouts: names,
      records: [],
      damaged: names,
    };
    return this.#found({ kind: "block", segment: this.#segment, start, end, block });
  }

  get #segment(): number {
    return this.#options.segment;
  }

  #isNewer(source: SectorSource): boolean {
    const { checksum, identity, segment } = this.#options;
    const sector = source.bytes.subarray(0, SECTOR_BYTES);
    const header = readSegmentHeader(checksum, identity, segment, sector);
    if (typeof header === "object") this.#insteadOf = header.insteadOf;
    return header === "newer";
  }

  #found(finding: Finding): boolean {
    return this.#listener.found(finding);
  }

  #note(sector: number, stamp: number): void {
    if (stamp === ZERO_SECTOR) return;
    this.#stray ??= { start: sector, end: sector, bad: 0, lowest: 0, highest: 0 };
    const stray = this.#stray;
    stray.end = sector + 1;
    // A header that verifies and makes no sense is as bad as one that does not verify.
    if (stamp === BAD_SECTOR || stamp >= TWIN_SECTOR) stray.bad += 1;
    else {
      stray.lowest = stray.lowest === 0 ? stamp : Math.min(stray.lowest, stamp);
      stray.highest = Math.max(stray.highest, stamp);
    }
  }

  #endStray(): boolean {
    const stray = this.#stray;
    this.#stray = null;
    return stray !== null && this.#found({ kind: "stray", segment: this.#segment, ...stray });
  }
}

/** Whether all good sectors among these belong to this block. */
function isOf({ lowest, highest }: Stray, number: number): boolean {
  const stamp = number % STAMP_NUMBERS;
  return highest === 0 || (lowest === stamp && highest === stamp);
}

const NEWER: PortError = Object.freeze({
  code: "denied",
  message: "the journal was written by a newer version of this program",
});
