import type { About, Disk, JournalRecord, PortError } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { inOrder } from "./in-order.ts";
import { SECTOR_BYTES, segmentName, segmentSequence } from "./layout.ts";
import { type JournalEnd, Reconstruction } from "./reconstruction.ts";
import { type Finding, walkSegment } from "./segment-walk.ts";

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly checksum: Checksum;
  readonly identity: string;
  readonly defer: (callback: () => void) => void;
}

/** What a journal goes on from. */
export interface Recovered {
  readonly missing: readonly About[] | "unnamed";
  readonly end: JournalEnd;
  readonly base: Base;
  /** Sectors in the file of the tail. */
  readonly tailSectors: number;
  /** Segments that belong to the journal, ascending. */
  readonly live: readonly number[];
  /** Segments of no more use; some may have to stay until another segment has been made. */
  readonly leftovers: readonly number[];
  /** Of all segments seen; 0 without one. */
  readonly highest: number;
}

/** Where the newest complete checkpoint begins. */
export interface Base {
  /** Sequence of its segment. */
  readonly segment: number;
  /** Number of its first block. */
  readonly number: number;
}

interface Candidate extends Base {
  /** A later block says that it is complete. */
  readonly certain: boolean;
}

type RecoveryDone = (error: PortError | null, recovered: Recovered | null) => void;

/**
 * Reads a journal back. The newest segment with a block tells which checkpoint counts; if that
 * checkpoint itself was under way when the power went, the one before it counts, and it is as if it
 * had never begun.
 */
export function recoverJournal(
  options: RecoveryOptions,
  onRecords: (records: readonly JournalRecord[]) => void,
  done: RecoveryDone,
): void {
  options.disk.list((error, names) => {
    if (error !== null) return done(error, null);
    const sequences = names
      .map(segmentSequence)
      .filter((sequence) => sequence !== null)
      .sort((a, b) => a - b);
    const recovery = new Recovery(options, sequences, onRecords, done);
    recovery.run(sequences);
  });
}

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #sequences: readonly number[];
  readonly #onRecords: (records: readonly JournalRecord[]) => void;
  readonly #done: RecoveryDone;
  readonly #sizes = new Map<number, number>();
  /** Segments that say in whose place they stand. */
  readonly #standIns = new Map<number, number>();

  constructor(
    options: RecoveryOptions,
    sequences: readonly number[],
    onRecords: (records: readonly JournalRecord[]) => void,
    done: RecoveryDone,
  ) {
    this.#options = options;
    this.#sequences = sequences;
    this.#onRecords = onRecords;
    this.#done = done;
  }

  /** Tries with these segments; fewer each time a checkpoint turns out to have been under way. */
  run(sequences: readonly number[]): void {
    this.#findBase(sequences, (error, candidate) => {
      if (error !== null) return this.#done(error, null);
      const base = candidate ?? { segment: 0, number: 1, certain: true };
      const reconstruction = new Reconstruction(base.number, base.certain);
      const read = sequences.filter((sequence) => sequence >= base.segment);
      this.#readAll(read, reconstruction, (failed) => {
        if (failed !== null) return this.#done(failed, null);
        this.#judge(sequences, base, reconstruction);
      });
    });
  }

  #judge(sequences: readonly number[], base: Candidate, reconstruction: Reconstruction): void {
    const end = reconstruction.finish((segment) =>
      this.#sequences.includes(segment) ? segment : (this.#standIns.get(segment) ?? null),
    );
    if (!end.complete) return this.run(sequences.filter((sequence) => sequence < base.segment));
    const records = reconstruction.take();
    if (records.length > 0) this.#onRecords(records);
    inOrder(
      [(next) => this.#cutTorn(end, next), (next) => this.#makeDurable(end, next)],
      (error) => {
        if (error !== null) return this.#done(error, null);
        this.#done(null, this.#recovered(sequences, base, end));
      },
    );
  }

  #recovered(sequences: readonly number[], base: Candidate, end: JournalEnd): Recovered {
    const intact = end.missing !== "unnamed" && end.missing.length === 0;
    const keep = (sequence: number): boolean => {
      if (!sequences.includes(sequence)) return false;
      if (sequence === end.tail?.segment) return true;
      // Where there is damage nothing is thrown away that somebody may want to look at.
      return sequence < base.segment ? !intact : end.occupied.has(sequence);
    };
    const tail = end.tail === null ? 0 : (this.#sizes.get(end.tail.segment) ?? 0);
    return {
      missing: end.missing,
      end,
      base: { segment: base.segment, number: base.number },
      tailSectors: tail,
      live: this.#sequences.filter(keep),
      leftovers: this.#sequences.filter((sequence) => !keep(sequence)),
      highest: this.#sequences.at(-1) ?? 0,
    };
  }

  /** From the newest segment backwards: the first block found names the checkpoint. */
  #findBase(
    sequences: readonly number[],
    done: (error: PortError | null, base: Candidate | null) => void,
  ): void {
    const segment = sequences.at(-1);
    if (segment === undefined) return done(null, null);
    let base: Candidate | null = null;
    walkSegment(
      { ...this.#options, segment },
      {
        found: (finding) => {
          base ??= candidateOf(finding);
          return base !== null;
        },
        paused: () => {},
        ended: (error) => {
          if (error !== null || base !== null) return done(error, base);
          this.#options.defer(() => this.#findBase(sequences.slice(0, -1), done));
        },
      },
    );
  }

  #readAll(
    sequences: readonly number[],
    reconstruction: Reconstruction,
    done: (error: PortError | null) => void,
  ): void {
    inOrder(
      sequences.map((segment) => (next) => {
        walkSegment(
          { ...this.#options, segment },
          {
            found: (finding) => {
              reconstruction.feed(finding);
              return false;
            },
            paused: () => {
              const records = reconstruction.take();
              if (records.length > 0) this.#onRecords(records);
            },
            ended: (error, sectors, insteadOf) => {
              this.#sizes.set(segment, sectors);
              if (insteadOf > 0) this.#standIns.set(insteadOf, segment);
              this.#options.defer(() => next(error));
            },
          },
        );
      }),
      done,
    );
  }

  /**
   * What a killed process wrote and never synced is read back from the page cache. The protocol
   * takes a recovered record for durable, so it has to become that
   * (docs/decisions/0001-contract.md, R3). Only the last block can be in doubt. It is written
   * again, as a sync that failed may have left its pages clean, and no later sync would save them.
   */
  #makeDurable(end: JournalEnd, done: (error: PortError | null) => void): void {
    const { disk } = this.#options;
    const { last } = end;
    if (last === null) return disk.syncDirectory(done);
    const name = segmentName(last.segment);
    const offset = last.start * SECTOR_BYTES;
    disk.read(name, offset, (last.end - last.start) * SECTOR_BYTES, (error, bytes) => {
      if (error !== null) return done(error);
      inOrder(
        [
          (next) => disk.write(name, offset, bytes, next),
          (next) => disk.sync(name, next),
          (next) => disk.syncDirectory(next),
        ],
        done,
      );
    });
  }

  /**
   * Durable before anything is written behind it: old and new bytes must never meet in one block.
   */
  #cutTorn(end: JournalEnd, done: (error: PortError | null) => void): void {
    const { torn } = end;
    if (torn === null) return done(null);
    const name = segmentName(torn.segment);
    const sectors = Math.min(torn.end, this.#sizes.get(torn.segment) ?? 0) - torn.start;
    const zeros = new Uint8Array(Math.max(0, sectors) * SECTOR_BYTES);
    inOrder(
      [
        (next) => this.#options.disk.write(name, torn.start * SECTOR_BYTES, zeros, next),
        (next) => this.#options.disk.sync(name, next),
      ],
      done,
    );
  }
}

function candidateOf(finding: Finding): Candidate | null {
  if (finding.kind === "stray") return null;
  const { head } = finding.block;
  if (head.flags.checkpoint)
    return { segment: finding.segment, number: head.baseNumber, certain: false };
  return { segment: head.baseSegment, number: head.baseNumber, certain: true };
}
