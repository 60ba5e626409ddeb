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
  /** The latest round that each member has answered. */
  readonly answered: Map<NodeId, number>;
  readonly trips: Map<NodeId, Trip>;
}

/** Of one member, in µs. */
interface Trip {
  /** Eight times the smoothed round trip. */
  readonly smoothed: number;
  /** Four times its smoothed deviation. */
  readonly deviation: number;
}

/** A round is asked in so many parts: whoever is silent in one is asked again in the next. */
export const PARTS = 3;

/**
 * Answers to so many rounds are measured, though only those to the present one count: whoever needs
 * longer than a round is noticed by that. A member that is silent for as long is forgotten.
 */
const ROUNDS_REMEMBERED = 64;

/** No measurement counts for more than so many rounds as they are: one late answer says little. */
const ROUNDS_AT_ONCE = 2;

export function createPace(): Pace {
  return { began: new Map(), answered: new Map(), trips: new Map() };
}

/** A round begins at `now`, in ms. */
export function paceRound(pace: Pace, round: number, now: number): void {
  pace.began.set(round, microseconds(now));
  pace.began.delete(round - ROUNDS_REMEMBERED);
  for (const [member, last] of pace.answered)
    if (last <= round - ROUNDS_REMEMBERED) {
      pace.answered.delete(member);
      pace.trips.delete(member);
    }
}

/** An answer has come in. */
export interface Answer {
  readonly from: NodeId;
  readonly round: number;
  /** The question was repeated in its round: nobody knows which of them is answered. */
  readonly isAmbiguous: boolean;
  /** In ms. */
  readonly now: number;
}

/**
 * Measures the first answer to a round; what comes later tells of a change of mind. Ambiguous ones
 * tell nothing (Karn), but those that come after their round do: it was too short.
 */
export function paceAnswer(pace: Pace, answer: Answer, tuning: OmniPaxosTuning): void {
  const { from, round, isAmbiguous, now } = answer;
  const began = pace.began.get(round);
  if (began === undefined || (pace.answered.get(from) ?? -1) >= round) return;
  pace.answered.set(from, round);
  if (isAmbiguous) return;
  const most = microseconds(ROUNDS_AT_ONCE * roundMs(pace, tuning));
  const took = Math.min(Math.max(microseconds(now) - began, 0), most);
  pace.trips.set(from, smooth(pace.trips.get(from), took));
}

function smooth(trip: Trip | undefined, took: number): Trip {
  if (trip === undefined) return { smoothed: 8 * took, deviation: 2 * took };
  const error = took - Math.floor(trip.smoothed / 8);
  return {
    smoothed: trip.smoothed + error,
    deviation: trip.deviation + Math.abs(error) - Math.floor(trip.deviation / 4),
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
