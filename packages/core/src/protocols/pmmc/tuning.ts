/** Numbers that an operator may change. Times in ms, sizes in bytes. */
export interface PmmcTuning {
  /**
   * WINDOW of the paper: how many slots a replica may propose ahead of what it has executed, and
   * after how many slots a reconfiguration takes effect. The same on all members: others are
   * refused.
   */
  readonly window: number;
  /** Between two pings of a leader that waits for another one. */
  readonly pingMs: number;
  /** Where the wait for a silent leader begins, and what it never falls below. */
  readonly timeoutMs: number;
  /** Per cent that the wait grows to with every preemption (multiplicative increase). */
  readonly timeoutGrowth: number;
  /** What the wait shrinks by with every decision (additive decrease). */
  readonly timeoutStepMs: number;
  /** What the wait never rises above. */
  readonly timeoutMaxMs: number;
  /** Scouts and commanders ask again whoever has not answered after this. */
  readonly resendMs: number;
  /** Replicas propose again what was not decided after this, and fill gaps. */
  readonly retryMs: number;
  /** Between two reports of a replica on how far it is. */
  readonly reportMs: number;
  /** A state transfer that brought nothing is asked for again after this. */
  readonly stateRetryMs: number;
  /**
   * Acceptors grant the leader a lease of this length for local reads; 0: reads ask a quorum. The
   * same on all members, too.
   */
  readonly leaseMs: number;
  /** By how many thousandths clocks may drift apart during a lease. */
  readonly driftPerMille: number;
  /** Commanders that recover old slots at the same time. */
  readonly commandersMax: number;
  /** Queued commands join one value up to this. */
  readonly batchBytesMax: number;
  /** Answers to scouts and to replicas that lag are cut into messages of about this. */
  readonly chunkBytes: number;
  /** Decided values kept below a snapshot for replicas that lag. */
  readonly retainBytes: number;
  /** Requests queued at a replica. */
  readonly queueBytesMax: number;
  /** Most bytes of values delivered in one step. */
  readonly deliverBytes: number;
  /** What a member without a state machine may write before it cuts its journal by itself. */
  readonly checkpointBytes: number;
}

export const PMMC_TUNING: PmmcTuning = Object.freeze({
  window: 16,
  pingMs: 100,
  timeoutMs: 500,
  timeoutGrowth: 120,
  timeoutStepMs: 10,
  timeoutMaxMs: 5000,
  resendMs: 200,
  retryMs: 200,
  reportMs: 100,
  stateRetryMs: 2000,
  leaseMs: 0,
  driftPerMille: 50,
  commandersMax: 256,
  batchBytesMax: 262_144,
  chunkBytes: 524_288,
  retainBytes: 4_194_304,
  queueBytesMax: 16_777_216,
  deliverBytes: 1_048_576,
  checkpointBytes: 4_194_304,
});

/** The widest window that makes sense: what is decided in it is held in memory. */
const WINDOW_MAX = 4096;

/** One value and its frame stay below the limits of the formats. */
const BATCH_BYTES_LIMIT = 786_432;
const CHUNK_BYTES_LIMIT = 2_000_000;

/** Numbers that may be zero. */
const MAY_BE_ZERO: readonly string[] = ["leaseMs", "retainBytes", "driftPerMille"];

/** Defaults, with the given numbers in their place as far as they make sense. */
export function tuningOf(given: Readonly<Record<string, number>>): PmmcTuning {
  const tuning: Record<string, number> = { ...PMMC_TUNING };
  for (const name of Object.keys(PMMC_TUNING)) {
    const value = given[name];
    const least = MAY_BE_ZERO.includes(name) ? 0 : 1;
    if (value !== undefined && Number.isFinite(value) && value >= least) tuning[name] = value;
  }
  const result = tuning as unknown as PmmcTuning;
  return {
    ...result,
    window: Math.min(Math.floor(result.window), WINDOW_MAX),
    timeoutGrowth: Math.max(100, result.timeoutGrowth),
    timeoutMaxMs: Math.max(result.timeoutMs, result.timeoutMaxMs),
    driftPerMille: Math.min(result.driftPerMille, 999),
    batchBytesMax: Math.min(result.batchBytesMax, BATCH_BYTES_LIMIT),
    chunkBytes: Math.min(result.chunkBytes, CHUNK_BYTES_LIMIT),
  };
}

/**
 * With another WINDOW a member would propose where it cannot know the epoch, and with other leases
 * an acceptor would take back what a leader still counts on.
 */
export function agreedTuning(given: Readonly<Record<string, number>>): string {
  const { window, leaseMs } = tuningOf(given);
  return `window=${window} lease=${leaseMs}`;
}
