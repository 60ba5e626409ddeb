import type { ToyOutcome } from "./toy-event.ts";

/** What all rounds so far came to. */
export interface ToyTally {
  rounds: number;
  agreed: number;
  /** Rounds in which two values were chosen. Paxos is that there is none. */
  conflicts: number;
}

export function count(tally: ToyTally, outcome: ToyOutcome): void {
  tally.rounds += 1;
  if (outcome === "agreed") tally.agreed += 1;
  if (outcome === "conflict") tally.conflicts += 1;
}

/** Of all rounds, those that agreed; 0 before the first. */
export function rateOf({ rounds, agreed }: ToyTally): number {
  return rounds === 0 ? 0 : agreed / rounds;
}

export function tallyLine(tally: ToyTally, computed: number | null): string {
  const { rounds, agreed } = tally;
  const expected =
    computed === null ? "no formula with several proposers" : `computed: ${percent(computed)}`;
  const unit = rounds === 1 ? "round" : "rounds";
  return `${rounds} ${unit}, ${agreed} agreed: ${percent(rateOf(tally))} (${expected})`;
}

export function tallyJson(tally: ToyTally, computed: number | null): string {
  const { rounds, agreed, conflicts } = tally;
  return JSON.stringify({ rounds, agreed, rate: rateOf(tally), computed, conflicts });
}

function percent(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}
