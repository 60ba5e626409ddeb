import { VALUE_BYTES_MAX } from "../../limits.ts";

/** Numbers that an operator may change. Times in ms, sizes in bytes. */
export interface PaxosTuning {
  /** An outbid proposer waits for a random part of this before its next ballot. */
  readonly retryMs: number;
  /** That doubles with each ballot that is outbid in a row, up to this. */
  readonly retryMaxMs: number;
  /** Unanswered prepares, accepts and forwards are sent again after this. */
  readonly resendMs: number;
  /** A learner without an outcome asks for it after this, or a little more. */
  readonly askMs: number;
  /** That doubles each time it was asked in vain, up to this. */
  readonly askMaxMs: number;
  /** Commands join one value up to this. */
  readonly valueBytesMax: number;
  /** After so many records the journal is written anew. */
  readonly recordsMax: number;
}

export const PAXOS_TUNING: PaxosTuning = Object.freeze({
  retryMs: 100,
  retryMaxMs: 5_000,
  resendMs: 200,
  askMs: 250,
  askMaxMs: 5_000,
  valueBytesMax: 262_144,
  recordsMax: 64,
});

/**
 * Defaults, with the given numbers in their place as far as they make sense; other names are
 * ignored.
 */
export function tuningOf(given: Readonly<Record<string, number>>): PaxosTuning {
  const tuning: Record<string, number> = { ...PAXOS_TUNING };
  for (const name of Object.keys(PAXOS_TUNING)) {
    const value = given[name];
    if (value !== undefined && Number.isFinite(value) && value >= 1) tuning[name] = value;
  }
  const result = tuning as unknown as PaxosTuning;
  return { ...result, valueBytesMax: Math.min(result.valueBytesMax, VALUE_BYTES_MAX) };
}
