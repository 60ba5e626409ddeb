import { VALUE_BYTES_MAX } from "../../limits.ts";

/** Numbers that an operator may change. Times in ms, sizes in bytes. */
export interface BroadcastTuning {
  /**
   * How long a member lets another proposer go first before it tries itself; at least this, at most
   * twice this.
   */
  readonly yieldMs: number;
  /** That much longer, and doubled with each turn of its own that others cut short, up to this. */
  readonly yieldMaxMs: number;
  /** Unanswered prepares and accepts are sent again after this. */
  readonly resendMs: number;
  /** How long a member that knows itself behind waits for messages under way before it asks. */
  readonly catchUpMs: number;
  /** A state transfer that brought nothing is asked for again after this. */
  readonly stateRetryMs: number;
  /** Reads without an answer are asked for again after this. */
  readonly readRetryMs: number;
  /** Each member tells another one how far it is, this often. */
  readonly gossipMs: number;
  /** Instances that one member may have begun above all that it knows as decided. */
  readonly window: number;
  /** Queued commands join one value up to this. */
  readonly batchBytesMax: number;
  /** Decided values are told in messages of about this. */
  readonly chunkBytes: number;
  /** Decided values kept below a snapshot for members that lag. */
  readonly retainBytes: number;
  /** Commands that wait here to be decided, those of others included. */
  readonly queueBytesMax: number;
  /** Most bytes of values delivered in one step. */
  readonly deliverBytes: number;
}

export const BROADCAST_TUNING: BroadcastTuning = Object.freeze({
  yieldMs: 100,
  yieldMaxMs: 2_000,
  resendMs: 200,
  catchUpMs: 25,
  stateRetryMs: 2_000,
  readRetryMs: 250,
  gossipMs: 500,
  window: 4,
  batchBytesMax: 262_144,
  chunkBytes: 524_288,
  retainBytes: 4_194_304,
  queueBytesMax: 16_777_216,
  deliverBytes: 1_048_576,
});

/**
 * The widest window. Whoever is at work in a slot has decided everything that lies further below.
 */
export const WINDOW_MAX = 64;

/** An acceptor takes no slot further than this above what it knows as decided. */
export const SLOTS_AHEAD_MAX = 1024;

/** A value and a chunk each travel in one frame, and are written as one record. */
const BYTES_LIMIT: number = VALUE_BYTES_MAX;

/**
 * Defaults, with the given numbers in their place as far as they make sense; other names are
 * ignored.
 */
export function tuningOf(given: Readonly<Record<string, number>>): BroadcastTuning {
  const tuning: Record<string, number> = { ...BROADCAST_TUNING };
  for (const name of Object.keys(BROADCAST_TUNING)) {
    const value = given[name];
    const least = name === "retainBytes" ? 0 : 1;
    if (value !== undefined && Number.isFinite(value) && value >= least) tuning[name] = value;
  }
  const result = tuning as unknown as BroadcastTuning;
  return {
    ...result,
    window: Math.min(Math.floor(result.window), WINDOW_MAX),
    batchBytesMax: Math.min(result.batchBytesMax, BYTES_LIMIT),
    chunkBytes: Math.min(result.chunkBytes, BYTES_LIMIT),
  };
}
