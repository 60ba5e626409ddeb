import type { Ballot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";

/**
 * Ballots here order by number, then priority, then member. A round holds both: `number * 100 +
 * priority`, so that ballots compare as everywhere else and read well: 307.2 is number 3 of member
 * 2 with priority 7.
 */
export const PRIORITIES = 100;

export function ballotOf(number: number, priority: number, proposer: NodeId): Ballot {
  return { round: number * PRIORITIES + priority, proposer };
}

export function numberOf(ballot: Ballot): number {
  return Math.floor(ballot.round / PRIORITIES);
}

export function priorityOf(ballot: Ballot): number {
  return ballot.round % PRIORITIES;
}
