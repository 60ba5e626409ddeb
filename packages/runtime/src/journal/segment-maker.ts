import { type Disk, type Done, invariant, type PortError } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { inOrder, type Step } from "./in-order.ts";
import { encodeSegmentHeader, SECTOR_BYTES, segmentName, segmentSalt } from "./layout.ts";

/** A segment whose name and header are durable, and which is zero up to its capacity. */
export interface Segment {
  readonly sequence: number;
  readonly name: string;
  readonly salt: number;
  /** Sectors that lie ready; writing beyond them makes the file grow. */
  readonly capacity: number;
}

export interface SegmentMakerOptions {
  readonly disk: Disk;
  readonly checksum: Checksum;
  readonly identity: string;
  readonly segmentBytes: number;
  readonly defer: (callback: () => void) => void;
  /** A segment that nobody waits for could not be made. */
  readonly failed: (error: PortError) => void;
}

type Taker = (error: PortError | null, segment: Segment | null) => void;

/** Zeros are written in slices of this many bytes, and synced after each {@link SYNC_SLICES}. */
const SLICE_BYTES: number = 256 * 1024;
const SYNC_SLICES = 4;

/**
 * Makes segments, the next one ahead of need: writing into a file that has its blocks already saves
 * a third of the time of a sync. Zeros are written in slices in the background; whoever needs the
 * segment before it has its full size gets it as it is.
 */
export class SegmentMaker {
  readonly #options: SegmentMakerOptions;
  readonly #zeros: Uint8Array;
  #sequence: number;
  #ready: Segment | null = null;
  #working = false;
  #hurry = false;
  #taker: Taker | null = null;
  #idle: (() => void)[] = [];

  /** `sequence`: the highest one ever used. */
  constructor(options: SegmentMakerOptions, sequence: number) {
    this.#options = options;
    this.#sequence = sequence;
    this.#zeros = new Uint8Array(Math.min(SLICE_BYTES, options.segmentBytes));
  }

  get ready(): boolean {
    return this.#ready !== null;
  }

  get working(): boolean {
    return this.#working;
  }

  /** Begins to make one ahead, if there is none. */
  prepare(): void {
    if (!this.#working && this.#ready === null) this.#make(this.#options.segmentBytes);
  }

  /** The next segment; made at once and without zeros if none is ready. */
  take(taker: Taker): void {
    invariant(this.#taker === null, "two takers of one segment");
    const ready = this.#ready;
    this.#ready = null;
    if (ready !== null) return taker(null, ready);
    this.#taker = taker;
    if (this.#working) this.#hurry = true;
    else this.#make(0);
  }

  /**
   * Has an unused segment say, durably, that it stands in the place of another one that was never
   * used either, and that can go then.
   */
  replace(segment: Segment, insteadOf: number, done: Done): void {
    const { disk, checksum, identity } = this.#options;
    const { name, sequence } = segment;
    const header = encodeSegmentHeader(checksum, identity, sequence, insteadOf);
    inOrder([(next) => disk.write(name, 0, header, next), (next) => disk.sync(name, next)], done);
  }

  /** Ends the work in hand; `done` once nothing is under way. */
  stop(done: () => void): void {
    if (!this.#working) return done();
    this.#hurry = true;
    this.#idle.push(done);
  }

  #make(bytes: number): void {
    const { disk, checksum, identity } = this.#options;
    this.#working = true;
    this.#hurry = false;
    this.#sequence += 1;
    const sequence = this.#sequence;
    const name = segmentName(sequence);
    let zeroed = 0;
    const steps: Step[] = [
      (next) => disk.create(name, next),
      (next) =>
        this.#zero(name, bytes, (error, reached) => {
          zeroed = reached;
          next(error);
        }),
      (next) => disk.write(name, 0, encodeSegmentHeader(checksum, identity, sequence, 0), next),
      (next) => disk.sync(name, next),
      (next) => disk.syncDirectory(next),
    ];
    inOrder(steps, (error) => {
      if (error !== null) return this.#giveUp(name, bytes, error);
      const salt = segmentSalt(checksum, identity, sequence);
      const capacity = Math.max(1, Math.floor(zeroed / SECTOR_BYTES));
      this.#made({ sequence, name, salt, capacity });
    });
  }

  #zero(
    name: string,
    bytes: number,
    done: (error: PortError | null, reached: number) => void,
  ): void {
    const { disk, defer } = this.#options;
    let at = 0;
    let slices = 0;
    const more = (): void => {
      if (at >= bytes || this.#hurry) return done(null, at);
      const slice = this.#zeros.subarray(0, Math.min(this.#zeros.length, bytes - at));
      disk.write(name, at, slice, (error) => {
        if (error !== null) return done(error, at);
        at += slice.length;
        slices += 1;
        if (slices % SYNC_SLICES !== 0) return defer(more);
        disk.sync(name, (failed) => (failed === null ? defer(more) : done(failed, at)));
      });
    };
    more();
  }

  #made(segment: Segment): void {
    const taker = this.#rest();
    if (taker === null) this.#ready = segment;
    else taker(null, segment);
  }

  /**
   * No space for a segment of full size: the file goes, and whoever waits gets a small one, if that
   * fits.
   */
  #giveUp(name: string, bytes: number, error: PortError): void {
    if (error.code !== "no-space") return this.#failed(error);
    this.#options.disk.remove(name, () => {
      if (bytes > 0 && this.#taker !== null) return this.#make(0);
      this.#failed(error);
    });
  }

  #failed(error: PortError): void {
    const taker = this.#rest();
    if (taker === null) this.#options.failed(error);
    else taker(error, null);
  }

  #rest(): Taker | null {
    this.#working = false;
    const taker = this.#taker;
    this.#taker = null;
    const idle = this.#idle;
    this.#idle = [];
    for (const tell of idle) tell();
    return taker;
  }
}

/** Zeroes nothing and waits for nothing: one segment, durable with its name. For `format`. */
export function makeFirstSegment(
  options: Pick<SegmentMakerOptions, "disk" | "checksum" | "identity">,
  content: (segment: Segment) => Uint8Array,
  done: Done,
): void {
  const { disk, checksum, identity } = options;
  const sequence = 1;
  const name = segmentName(sequence);
  const salt = segmentSalt(checksum, identity, sequence);
  inOrder(
    [
      (next) => disk.create(name, next),
      (next) => disk.write(name, 0, encodeSegmentHeader(checksum, identity, sequence, 0), next),
      (next) => {
        disk.write(name, SECTOR_BYTES, content({ sequence, name, salt, capacity: 1 }), next);
      },
      (next) => disk.sync(name, next),
      (next) => disk.syncDirectory(next),
    ],
    done,
  );
}
