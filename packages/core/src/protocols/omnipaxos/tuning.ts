import { PRIORITIES } from "./priority.ts";

/** Numbers that an operator may change. Times in ms, sizes in bytes. */
export interface OmniPaxosTuning {
  /** A round of ballot leader election: the election time-out. Longer than any round trip. */
  readonly electionMs: number;
  /**
   * If not 0, the time-out follows the measured round trips, and is never shorter than this;
   * `electionMs` is where it begins.
   */
  readonly electionMinMs: number;
  /** Nor longer than this. */
  readonly electionMaxMs: number;
  /** Of two ballots of one number the one of higher priority leads: a whole number below 100. */
  readonly priority: number;
  /**
   * Whoever has a higher priority than the leader takes over after so many rounds in which both it
   * and the leader had a quorum; 0: priority alone moves nothing.
   */
  readonly takeOverRounds: number;
  /** What was not answered is sent again after this. */
  readonly resendMs: number;
  /** How long a replica that knows itself behind waits for messages under way before it asks. */
  readonly catchUpMs: number;
  /** A state transfer that brought nothing is asked for again after this. */
  readonly stateRetryMs: number;
  /** Reads without an answer are asked for again after this. */
  readonly readRetryMs: number;
  /** Slots that a leader may have open above its decided prefix. */
  readonly window: number;
  /** Bytes that a leader may have open there; one value is always allowed. */
  readonly windowBytes: number;
  /** Queued commands join one value up to this. */
  readonly batchBytesMax: number;
  /** Resent accepts, catch-up and decided values in a sync are cut to about this. */
  readonly chunkBytes: number;
  /** Decided values that a promise repeats; older ones the candidate fetches by catch-up. */
  readonly promiseBytes: number;
  /** Decided values kept below a snapshot for members that lag. */
  readonly retainBytes: number;
  /** Commands queued here for want of a leader or of a free slot. */
  readonly queueBytesMax: number;
  /** Most bytes of values delivered in one step. */
  readonly deliverBytes: number;
}

export const OMNIPAXOS_TUNING: OmniPaxosTuning = Object.freeze({
  electionMs: 500,
  electionMinMs: 0,
  electionMaxMs: 5000,
  priority: 0,
  takeOverRounds: 0,
  resendMs: 200,
  catchUpMs: 25,
  stateRetryMs: 2000,
  readRetryMs: 250,
  window: 8,
  windowBytes: 2_000_000,
  batchBytesMax: 262_144,
  chunkBytes: 524_288,
  promiseBytes: 1_048_576,
  retainBytes: 4_194_304,
  queueBytesMax: 16_777_216,
  deliverBytes: 1_048_576,
});

/** A follower keeps no value further than this above its log; the widest window. */
export const SLOTS_AHEAD_MAX = 4096;

/** Most of what may stand above a decided prefix: a sync with all of it fits one record. */
const WINDOW_BYTES_LIMIT = 2_000_000;

/** Values join up to this at most, so that one value and its frame stay below the limits. */
const BATCH_BYTES_LIMIT = 786_432;

/** Chunks and open values together fit one frame. */
const CHUNK_BYTES_LIMIT = 1_500_000;

const MAY_BE_ZERO: readonly string[] = [
  "electionMinMs",
  "priority",
  "takeOverRounds",
  "retainBytes",
];

/** Defaults, with the given numbers in their place as far as they make sense. */
export function tuningOf(given: Readonly<Record<string, number>>): OmniPaxosTuning {
  const tuning: Record<string, number> = { ...OMNIPAXOS_TUNING };
  for (const name of Object.keys(OMNIPAXOS_TUNING)) {
    const value = given[name];
    const least = MAY_BE_ZERO.includes(name) ? 0 : 1;
    if (value !== undefined && Number.isFinite(value) && value >= least) tuning[name] = value;
  }
  const result = tuning as unknown as OmniPaxosTuning;
  return {
    ...result,
    electionMaxMs: Math.max(result.electionMaxMs, result.electionMinMs),
    takeOverRounds: Math.floor(result.takeOverRounds),
    priority: Math.min(Math.floor(result.priority), PRIORITIES - 1),
    window: Math.min(Math.floor(result.window), SLOTS_AHEAD_MAX),
    windowBytes: Math.min(result.windowBytes, WINDOW_BYTES_LIMIT),
    batchBytesMax: Math.min(result.batchBytesMax, BATCH_BYTES_LIMIT),
    chunkBytes: Math.min(result.chunkBytes, CHUNK_BYTES_LIMIT),
    promiseBytes: Math.min(result.promiseBytes, CHUNK_BYTES_LIMIT),
  };
}
