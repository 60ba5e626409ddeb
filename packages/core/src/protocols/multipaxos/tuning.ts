/** Numbers that an operator may change. Times in ms, sizes in bytes. */
export interface MultipaxosTuning {
  /** Between two heartbeats of a leader. */
  readonly heartbeatMs: number;
  /** Followers wait between this and twice this; a leader must reach a phase-2 quorum within it. */
  readonly electionMs: number;
  /** Unanswered prepares and accepts are sent again after this. */
  readonly resendMs: number;
  /** How long a follower that knows itself behind waits for messages under way before it asks. */
  readonly catchUpMs: number;
  /** A state transfer that brought nothing is asked for again after this. */
  readonly stateRetryMs: number;
  /** Reads without an answer are asked for again after this. */
  readonly readRetryMs: number;
  /** Slots that a leader may have open above its chosen prefix. */
  readonly window: number;
  /** Queued commands join one value up to this. */
  readonly batchBytesMax: number;
  /** Promises, resent accepts and catch-up are cut into messages of about this. */
  readonly chunkBytes: number;
  /** Chosen values that a promise repeats; what is older the new leader fetches by catch-up. */
  readonly promiseBytes: number;
  /** Chosen values kept below a snapshot for members that lag. */
  readonly retainBytes: number;
  /** Commands queued here for want of a leader or of a free slot. */
  readonly queueBytesMax: number;
  /** Most bytes of values delivered in one step. */
  readonly deliverBytes: number;
  /**
   * 0 elects without asking first whether anybody misses the leader; for experiments and models.
   */
  readonly preVote: number;
}

export const MULTIPAXOS_TUNING: MultipaxosTuning = Object.freeze({
  heartbeatMs: 100,
  electionMs: 500,
  resendMs: 200,
  catchUpMs: 25,
  stateRetryMs: 2000,
  readRetryMs: 250,
  window: 8,
  batchBytesMax: 262_144,
  chunkBytes: 524_288,
  promiseBytes: 4_194_304,
  retainBytes: 4_194_304,
  queueBytesMax: 16_777_216,
  deliverBytes: 1_048_576,
  preVote: 1,
});

/**
 * An acceptor takes no slot further than this above the leader's chosen prefix; the widest window.
 */
export const SLOTS_AHEAD_MAX = 4096;

/**
 * Values join up to this at most, so that one value and its frame stay below the limits of the
 * formats.
 */
const BATCH_BYTES_LIMIT = 786_432;

/** Whole chunks travel in one frame, and are written as one record. */
const CHUNK_BYTES_LIMIT = 2_000_000;

/**
 * Defaults, with the given numbers in their place as far as they make sense; other names are
 * ignored.
 */
export function tuningOf(given: Readonly<Record<string, number>>): MultipaxosTuning {
  const tuning: Record<string, number> = { ...MULTIPAXOS_TUNING };
  for (const name of Object.keys(MULTIPAXOS_TUNING)) {
    const value = given[name];
    const least = name === "preVote" || name === "retainBytes" ? 0 : 1;
    if (value !== undefined && Number.isFinite(value) && value >= least) tuning[name] = value;
  }
  const result = tuning as unknown as MultipaxosTuning;
  return {
    ...result,
    window: Math.min(Math.floor(result.window), SLOTS_AHEAD_MAX),
    batchBytesMax: Math.min(result.batchBytesMax, BATCH_BYTES_LIMIT),
    chunkBytes: Math.min(result.chunkBytes, CHUNK_BYTES_LIMIT),
  };
}
