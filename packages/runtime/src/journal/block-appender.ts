import {
  type About,
  type Disk,
  type Done,
  invariant,
  type JournalRecord,
  type PortError,
} from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { mergeAbouts } from "./about-codec.ts";
import { BlockWriter, blockSectors } from "./block-writer.ts";
import { type BlockFlags, PLAIN_BLOCK, SECTOR_BYTES, segmentName, segmentSalt } from "./layout.ts";
import type { Base, Recovered } from "./recovery.ts";
import type { Segment } from "./segment-maker.ts";

export interface AppenderOptions {
  readonly disk: Disk;
  readonly checksum: Checksum;
  readonly identity: string;
  readonly segmentSectors: number;
}

/** What the next block carries of those before it. */
interface Thread {
  readonly number: number;
  readonly chain: number;
  readonly echo: readonly About[];
  readonly afterUnknown: boolean;
}

/**
 * Knows where the journal ends and puts one block after the other there: one write, one sync, and
 * the next one only after that, so that no more than the last block can ever be torn.
 */
export class BlockAppender {
  readonly #options: AppenderOptions;
  readonly #writer: BlockWriter;
  #thread: Thread = { number: 1, chain: 0, echo: [], afterUnknown: true };
  #base: Base = { segment: 0, number: 1 };
  #segment: Segment | null = null;
  /** The segment that the newest block of all names as the next one; 0: it names none. */
  #sealedTo = 0;
  /** Where in the segment the next block goes. */
  #at = 0;
  /**
   * A block that was refused for lack of space: part of it may be there, so it is written again as
   * it is.
   */
  #pending: readonly JournalRecord[] | null = null;
  #sectors = 0;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#writer = new BlockWriter(options.checksum);
  }

  get sectorsSinceCheckpoint(): number {
    return this.#sectors;
  }

  /** The segment that a seal names, while there is nothing in it that counts; 0: none. */
  get sealedTo(): number {
    return this.#sealedTo;
  }

  get pending(): readonly JournalRecord[] | null {
    return this.#pending;
  }

  /** Time to make another segment ready. */
  get halfFull(): boolean {
    return this.#segment === null || this.#at * 2 >= this.#segment.capacity;
  }

  resume(recovered: Recovered): void {
    const { end, base } = recovered;
    const { number, chain, echo, afterUnknown } = end;
    this.#thread = { number, chain, echo, afterUnknown };
    this.#base = base;
    this.#sectors = end.sectors;
    this.#sealedTo = end.sealedTo;
    if (end.tail === null) return;
    const { checksum, identity } = this.#options;
    const sequence = end.tail.segment;
    const salt = segmentSalt(checksum, identity, sequence);
    const capacity = recovered.tailSectors;
    this.#segment = { sequence, name: segmentName(sequence), salt, capacity };
    this.#at = end.tail.sector;
  }

  /**
   * Whether a block of these records, and a seal behind it, still go into the segment. It may grow,
   * up to the usual size, only while no other segment is ready.
   */
  fits(records: readonly JournalRecord[], otherReady: boolean): boolean {
    const segment = this.#segment;
    if (segment === null) return false;
    if (this.#pending !== null || this.#at === 1) return true;
    const limit = otherReady
      ? segment.capacity
      : Math.max(segment.capacity, this.#options.segmentSectors);
    const names = mergeAbouts(records.map((record) => record.about)).length;
    const block = blockSectors(records, this.#thread.echo.length, names);
    return this.#at + block + blockSectors([], names, 0) <= limit;
  }

  /**
   * The block is durable when `done` says so. `no-space`: write the very same again, or abandon it.
   */
  write(flags: BlockFlags, records: readonly JournalRecord[], done: Done): void {
    this.#pending = records;
    this.#put(flags, records, 0, (error) => {
      if (error === null) this.#pending = null;
      done(error);
    });
  }

  /** The block that was refused is not wanted any more. Nothing is put behind its remains. */
  abandonBlock(): void {
    if (this.#pending === null) return;
    this.#pending = null;
    this.#segment = null;
    this.#sealedTo = 0;
    const { number, chain } = this.#thread;
    this.#thread = { number: number + 1, chain, echo: [], afterUnknown: false };
  }

  /** Ends the segment and names the next one, which is durable already. */
  seal(successor: number, done: Done): void {
    if (this.#segment === null) return done(null);
    this.#put({ ...PLAIN_BLOCK, seals: true }, [], successor, (error) => {
      if (error === null) this.#segment = null;
      done(error);
    });
  }

  enter(segment: Segment): void {
    invariant(this.#segment === null, "two segments at once");
    this.#segment = segment;
    this.#at = 1;
  }

  /** What is written from now on belongs to a checkpoint. The result undoes that. */
  beginCheckpoint(): () => void {
    const thread = this.#thread;
    const base = this.#base;
    const sealedTo = this.#sealedTo;
    this.#base = { segment: (this.#segment as Segment).sequence, number: thread.number };
    return () => {
      this.#thread = thread;
      this.#base = base;
      this.#sealedTo = sealedTo;
      this.#segment = null;
      this.#pending = null;
    };
  }

  endCheckpoint(): void {
    this.#sectors = 0;
  }

  #put(flags: BlockFlags, records: readonly JournalRecord[], successor: number, done: Done): void {
    const segment = this.#segment as Segment;
    const { disk } = this.#options;
    const { number, afterUnknown, echo } = this.#thread;
    const names = mergeAbouts(records.map((record) => record.about));
    const { bytes, chain } = this.#writer.build(
      {
        ...this.#thread,
        flags: { ...flags, afterUnknown },
        baseSegment: this.#base.segment,
        baseNumber: this.#base.number,
        successor,
        records,
        echo,
        names,
      },
      { salt: segment.salt, sector: this.#at },
    );
    const sectors = bytes.length / SECTOR_BYTES;
    disk.write(segment.name, this.#at * SECTOR_BYTES, bytes, (error) => {
      if (error !== null) return done(error);
      disk.sync(segment.name, (failed) => {
        if (failed !== null) return done(neverAgain(failed));
        this.#thread = { number: number + 1, chain, echo: names, afterUnknown: false };
        this.#sealedTo = successor;
        this.#at += sectors;
        this.#sectors += sectors;
        done(null);
      });
    });
  }
}

/**
 * Whatever a sync fails with, its bytes are in doubt: not even a lack of space is survived here.
 */
function neverAgain(error: PortError): PortError {
  return error.code === "no-space" ? { code: "io", message: error.message } : error;
}
