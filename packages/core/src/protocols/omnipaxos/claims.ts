import { BALLOT_NONE, compareBallots } from "../../ballot.ts";
import type { Slot } from "../../ids.ts";
import type { Claim, Out } from "./messages.ts";
import type { SequenceState } from "./state.ts";

/** Negative, zero or positive as log `a` is worse than, as good as or better than log `b`. */
export function compareClaims(a: Claim, b: Claim): number {
  const order = compareBallots(a.acceptedIn, b.acceptedIn);
  return order !== 0 ? order : a.length - b.length;
}

/** What this replica can show. */
export function claimOf(state: SequenceState): Claim {
  return { acceptedIn: state.acceptedIn, length: state.length };
}

/**
 * What a candidate's own log is worth in its phase 1. What is left of a log whose end is lost is
 * worth no more than what is decided of it: its ballot would outrank whole logs.
 */
export function worthOf(state: SequenceState): Claim {
  if (state.lost === null) return claimOf(state);
  return { acceptedIn: BALLOT_NONE, length: state.decidedUpTo };
}

/**
 * Damage took the end of the log from `from` on. The replica shows what is left, and says of the
 * rest that it was at most `lost`: a candidate may neither take it for a shorter log, as decided
 * values could be forgotten that way, nor wait for it where a log at least as good is shown.
 * Alagappan et al., *Protocol-Aware Recovery for Consensus-Based Storage* (2018).
 */
export function loseFrom(state: SequenceState, from: Slot, lost: Claim): void {
  for (const slot of [...state.log.keys()]) if (slot >= from) state.log.delete(slot);
  state.length = Math.min(state.length, from - 1);
  if (state.lost === null || compareClaims(lost, state.lost) > 0) state.lost = lost;
}

/**
 * Two things repair: a log at least as good as the lost one, as that is what a promise would have
 * had to show anyhow; and a decided prefix past all that was lost, as values that are decided need
 * no vote any more. A candidate never adopts against what a promise tells as decided.
 */
export function repair(state: SequenceState, out: Out): void {
  const { lost } = state;
  if (lost === null) return;
  if (state.decidedUpTo < lost.length && compareClaims(claimOf(state), lost) < 0) return;
  state.lost = null;
  out.push({ kind: "observe", event: "log repaired", detail: { length: lost.length } });
}
