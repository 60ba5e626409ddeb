import type { Ballot } from "../../../ballot.ts";

/** `round.proposer` in short. */
export function b(round: number, proposer: number): Ballot {
  return { round, proposer };
}

/** A text as the value of a decree. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text back, for expectations that can be read. */
export function textOf(value: Uint8Array | null | undefined): string | null {
  return value === null || value === undefined ? null : new TextDecoder().decode(value);
}
