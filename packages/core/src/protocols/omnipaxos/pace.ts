import type { NodeId } from "../../ids.ts";
import type { OmniPaxosTuning } from "./tuning.ts";

/**
 * How long a round of the election lasts. Fixed; or, if a least time is given, as long as the links
 * need: the smoothed round trip of the slowest member and four times its deviation (Jacobson,
 * "Congestion Avoidance and Control", 1988), for each part of a round, between the least and the
 * longest time. Whole microseconds throughout.
 */
export interface Pace {
  /** When the latest rounds began, oldest first, by this replica's clock, µs. */
  readonly began: Map<number, number>;
  /** Of each member that has answered lately. */
  readonly trips: Map<NodeId, Trip>;
}

interface Trip {
  /** Eight times the smoothed round trip, µs. */
  smoothed: number;
  /** Four times its smoothed deviation, µs. */
  deviation: number;
  /** The round whose answer was measured last. */
  round: number;
}

/** A round is asked in so many parts: whoever is silent in one is asked again in the next. */
export const PARTS = 3;

/**
 * Answers to so many rounds are measured, though only those to the present one count: whoever needs
 * longer than a round is noticed by that. A member that is silent for as long is forgotten.
 */
const ROUNDS_REMEMBERED = 64;

export function createPace(): Pace {
  return { began: new Map(), trips: new Map() };
}

/** A round begins at `now`, in ms. */
export function paceRound(pace: Pace, round: number, now: number): void {
  pace.began.set(round, microseconds(now));
  pace.began.delete(round - ROUNDS_REMEMBERED);
  for (const [member, trip] of pace.trips)
    if (trip.round <= round - ROUNDS_REMEMBERED) pace.trips.delete(member);
}

/**
 * An answer of `member` to `round` comes in at `now`, in ms. Only the first one is measured: what
 * comes later tells of a change of mind. Measured from the first question, though that may have
 * been repeated: too long a time is the safe side.
 */
export function paceReply(pace: Pace, member: NodeId, round: number, now: number, mostMs: number) {
  const began = pace.began.get(round);
  const trip = pace.trips.get(member);
  if (began === undefined || (trip !== undefined && trip.round >= round)) return;
  const tookUs = Math.min(Math.max(microseconds(now) - began, 0), mostMs * 1000);
  pace.trips.set(member, smooth(trip, tookUs, round));
}

function smooth(trip: Trip | undefined, took: number, round: number): Trip {
  if (trip === undefined) return { smoothed: 8 * took, deviation: 2 * took, round };
  const error = took - Math.floor(trip.smoothed / 8);
  return {
    smoothed: trip.smoothed + error,
    deviation: trip.deviation + Math.abs(error) - Math.floor(trip.deviation / 4),
    round,
  };
}

/** How long a round lasts now, whole ms. */
export function roundMs(pace: Pace, tuning: OmniPaxosTuning): number {
  const { electionMs, electionMinMs, electionMaxMs } = tuning;
  if (electionMinMs === 0) return electionMs;
  const waits = [...pace.trips.values()].map(
    (trip) => Math.floor(trip.smoothed / 8) + trip.deviation,
  );
  const measured = waits.length === 0 ? electionMs : PARTS * Math.ceil(Math.max(...waits) / 1000);
  return Math.max(electionMinMs, Math.min(measured, electionMaxMs));
}

function microseconds(ms: number): number {
  return Math.floor(ms * 1000);
}
