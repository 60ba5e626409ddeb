import {
  type About,
  type Disk,
  type Done,
  invariant,
  type JournalRecord,
  type PortError,
  RECORD_BYTES_MAX,
} from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { BlockAppender } from "./block-appender.ts";
import { cutBlock } from "./block-writer.ts";
import { inOrder } from "./in-order.ts";
import type { JournalStore } from "./journal-store.ts";
import { PLAIN_BLOCK, SECTOR_BYTES, segmentName } from "./layout.ts";
import { type Recovered, recoverJournal } from "./recovery.ts";
import { type Segment, SegmentMaker } from "./segment-maker.ts";

export interface JournalOptions {
  readonly disk: Disk;
  /** The data id, 32 hex digits: blocks of another journal are never taken for ours. */
  readonly identity: string;
  /** Size at which a segment ends. */
  readonly segmentBytes: number;
  readonly checksum: Checksum;
  readonly defer: (callback: () => void) => void;
  /** Fill the next segment with zeros ahead of need. */
  readonly preallocate: boolean;
}

/** What a flush has taken out of the staged records, and not made durable yet. */
interface Work {
  checkpoint: readonly JournalRecord[] | null;
  records: readonly JournalRecord[];
  /** Records before this one are durable. */
  at: number;
}

const NOT_READY: PortError = Object.freeze({ code: "closed", message: "the journal is closed" });

/**
 * The write-ahead log of one replica: records, each with its `about`, in segments of checksummed
 * blocks (see docs/formats/journal.md). Staging is free; a flush makes everything staged durable,
 * block by block, each with one write and one sync. After a failed write or sync it refuses
 * everything: what the disk holds is not known then. Only a lack of space is survived: nothing is
 * lost, and a later flush goes on.
 */
export class Journal implements JournalStore {
  readonly #options: JournalOptions;
  readonly #appender: BlockAppender;
  #maker: SegmentMaker | null = null;
  #staged: JournalRecord[] = [];
  #stagedCheckpoint: readonly JournalRecord[] | null = null;
  #work: Work | null = null;
  #flushing = false;
  #failed: PortError | null = null;
  #spaceError: PortError | null = null;
  #live: number[] = [];
  #obsolete: number[] = [];
  /** Of no use, but only to be removed once another segment is there. */
  #leftovers: readonly number[] = [];
  #cleaning = false;
  #whenClean: (() => void)[] = [];

  constructor(options: JournalOptions) {
    const sectors = Math.max(4, Math.floor(options.segmentBytes / SECTOR_BYTES));
    this.#options = { ...options, segmentBytes: sectors * SECTOR_BYTES };
    this.#appender = new BlockAppender({ ...options, segmentSectors: sectors });
  }

  /** Bytes written since the last checkpoint. */
  get bytes(): number {
    return this.#appender.sectorsSinceCheckpoint * SECTOR_BYTES;
  }

  /** Files that hold the journal, without one prepared ahead. */
  get segments(): number {
    return this.#live.length;
  }

  /** A segment could not be made ahead for lack of space; null again once one was. */
  get spaceError(): PortError | null {
    return this.#maker?.ready ? null : this.#spaceError;
  }

  /**
   * Reads everything back, in slices, and hands over the records in the order of `append`. They are
   * views on the slices. `missing` names what is damaged. A journal without any segment has lost
   * everything.
   */
  recover(
    onRecords: (records: readonly JournalRecord[]) => void,
    done: (
      error: PortError | null,
      found: { readonly missing: readonly About[] | "unnamed" },
    ) => void,
  ): void {
    invariant(this.#maker === null, "a journal is recovered once");
    recoverJournal(this.#options, onRecords, (error, recovered) => {
      if (error !== null || recovered === null) return done(error, { missing: "unnamed" });
      this.#resume(recovered, (failed) => done(failed, { missing: recovered.missing }));
    });
  }

  /** Stages a record behind all before it; nothing is written yet. */
  append(record: JournalRecord): void {
    invariant(record.record.length <= RECORD_BYTES_MAX, "a record larger than a journal takes");
    this.#staged.push(record);
  }

  /** Stages the replacement of everything before it, staged or durable. */
  checkpoint(records: readonly JournalRecord[]): void {
    for (const { record } of records)
      invariant(record.length <= RECORD_BYTES_MAX, "a record larger than a journal takes");
    this.#staged = [];
    this.#stagedCheckpoint = records;
  }

  /**
   * Makes everything staged so far durable. One at a time. `no-space` leaves all of it staged for
   * another flush, unless a checkpoint replaces it meanwhile; after any other error the journal is
   * dead.
   */
  flush(done: Done): void {
    invariant(!this.#flushing, "two flushes at once");
    const problem = this.#maker === null ? NOT_READY : this.#failed;
    if (problem !== null) return this.#options.defer(() => done(problem));
    this.#flushing = true;
    this.#takeStaged();
    let turned = false;
    const end: Done = (error) => {
      if (!turned) return this.#options.defer(() => end(error));
      this.#flushing = false;
      if (error === null) this.#work = null;
      else if (error.code !== "no-space") this.#failed = error;
      else this.#spaceError = error;
      done(error);
    };
    this.#advance(end);
    turned = true;
  }

  /** Tries to make a segment ahead again, after some space may have been freed. */
  retrySpace(): void {
    if (this.spaceError !== null) this.#prepare();
  }

  /**
   * Ends what is under way in the background. Not while flushing; what is staged and not flushed is
   * lost.
   */
  close(done: Done): void {
    invariant(!this.#flushing, "closed while flushing");
    const maker = this.#maker;
    this.#failed ??= NOT_READY;
    const cleaned = (): void => {
      if (this.#cleaning) this.#whenClean.push(() => done(null));
      else done(null);
    };
    this.#options.defer(() => (maker === null ? cleaned() : maker.stop(cleaned)));
  }

  #resume(recovered: Recovered, done: Done): void {
    const { disk, checksum, identity, segmentBytes, defer } = this.#options;
    this.#maker = new SegmentMaker(
      { disk, checksum, identity, segmentBytes, defer, failed: (error) => this.#notMade(error) },
      recovered.highest,
    );
    this.#live = [...recovered.live];
    this.#appender.resume(recovered);
    if (recovered.end.tail !== null) this.#removeAll(recovered.leftovers, done);
    else {
      this.#leftovers = recovered.leftovers;
      done(null);
    }
  }

  #takeStaged(): void {
    const staged = this.#staged;
    this.#staged = [];
    const checkpoint = this.#stagedCheckpoint;
    this.#stagedCheckpoint = null;
    const kept = this.#work;
    if (checkpoint !== null) {
      // What a lack of space held up is superseded; a block half written for it must not be
      // continued.
      this.#appender.abandonBlock();
      this.#work = { checkpoint, records: staged, at: 0 };
    } else if (kept === null) this.#work = { checkpoint: null, records: staged, at: 0 };
    else {
      const records = [...kept.records.slice(kept.at), ...staged];
      this.#work = { checkpoint: kept.checkpoint, records, at: 0 };
    }
  }

  #advance(done: Done): void {
    const work = this.#work as Work;
    if (work.checkpoint !== null) return this.#writeCheckpoint(work, done);
    if (work.at === work.records.length) return done(null);
    const block = this.#appender.pending ?? cutBlock(work.records, work.at);
    if (!this.#appender.fits(block, this.#maker?.ready ?? false))
      return this.#roll((error) =>
        error === null ? this.#writeRecords(block, done) : done(error),
      );
    this.#writeRecords(block, done);
  }

  #writeRecords(block: readonly JournalRecord[], done: Done): void {
    const work = this.#work as Work;
    this.#appender.write(PLAIN_BLOCK, block, (error) => {
      if (error !== null) return done(error);
      work.at += block.length;
      this.#prepareAhead();
      this.#advance(done);
    });
  }

  /** New segment, all records, last block; only when that is durable do the old segments go. */
  #writeCheckpoint(work: Work, done: Done): void {
    const records = work.checkpoint as readonly JournalRecord[];
    this.#roll((error) => {
      if (error !== null) return done(error);
      const undo = this.#appender.beginCheckpoint();
      this.#writePart(records, 0, (failed) => {
        if (failed !== null) return this.#undoCheckpoint(undo, failed, done);
        work.checkpoint = null;
        this.#appender.endCheckpoint();
        this.#obsolete.push(...this.#live.splice(0, this.#live.length - 1));
        this.#clean();
        this.#prepareAhead();
        this.#advance(done);
      });
    });
  }

  #writePart(records: readonly JournalRecord[], at: number, done: Done): void {
    const block = cutBlock(records, at);
    const next = at + block.length;
    const closes = next === records.length;
    const flags = { ...PLAIN_BLOCK, opens: at === 0, checkpoint: true, closes };
    this.#appender.write(flags, block, (error) => {
      if (error !== null || closes) return done(error);
      this.#writePart(records, next, done);
    });
  }

  /**
   * No space for all of it: as if it had never begun. The old segment is sealed, so some later one
   * must be there until another has been made; a checkpoint without an end is a good enough
   * witness.
   */
  #undoCheckpoint(undo: () => void, error: PortError, done: Done): void {
    if (error.code === "no-space") {
      undo();
      this.#leftovers = [...this.#leftovers, this.#live.pop() as number];
    }
    done(error);
  }

  #roll(done: Done): void {
    const maker = this.#maker as SegmentMaker;
    maker.take((error, segment) => {
      if (error !== null || segment === null) return done(error);
      const leftovers = this.#leftovers;
      inOrder(
        [
          (next) => this.#appender.seal(segment.sequence, next),
          (next) => this.#claimPlace(segment, next),
          (next) => this.#removeAll(leftovers, next),
        ],
        (failed) => {
          if (failed !== null) return this.#returnSegment(segment.sequence, failed, done);
          this.#leftovers = [];
          this.#live.push(segment.sequence);
          this.#appender.enter(segment);
          this.#spaceError = null;
          done(null);
        },
      );
    });
  }

  /** A seal may name another segment, which is among the leftovers or has gone with them. */
  #claimPlace(segment: Segment, done: Done): void {
    const { sealedTo } = this.#appender;
    if (sealedTo === 0 || sealedTo === segment.sequence) return done(null);
    (this.#maker as SegmentMaker).replace(segment, sealedTo, done);
  }

  /** The old segment could not be sealed for lack of space: the new one is not needed yet. */
  #returnSegment(sequence: number, error: PortError, done: Done): void {
    if (error.code !== "no-space") return done(error);
    this.#options.disk.remove(segmentName(sequence), (failed) => done(failed ?? error));
  }

  /** Not again after a lack of space: every attempt would fill what is left of the disk. */
  #prepareAhead(): void {
    if (this.#appender.halfFull && this.#spaceError === null) this.#prepare();
  }

  #prepare(): void {
    if (this.#options.preallocate && this.#failed === null) this.#maker?.prepare();
  }

  #notMade(error: PortError): void {
    if (error.code === "no-space") this.#spaceError = error;
    else this.#failed ??= error;
  }

  /** Removes superseded segments behind the scenes. */
  #clean(): void {
    if (this.#cleaning || this.#obsolete.length === 0) return;
    this.#cleaning = true;
    const obsolete = this.#obsolete;
    this.#obsolete = [];
    this.#removeAll(obsolete, (error) => {
      this.#cleaning = false;
      if (error !== null) this.#failed ??= error;
      else this.retrySpace();
      if (error === null && this.#obsolete.length > 0) return this.#clean();
      const waiting = this.#whenClean;
      this.#whenClean = [];
      for (const tell of waiting) tell();
    });
  }

  #removeAll(segments: readonly number[], done: Done): void {
    if (segments.length === 0) return done(null);
    const { disk } = this.#options;
    inOrder(
      [
        ...segments.map((segment) => (next: Done) => disk.remove(segmentName(segment), next)),
        (next) => disk.syncDirectory(next),
      ],
      done,
    );
  }
}
