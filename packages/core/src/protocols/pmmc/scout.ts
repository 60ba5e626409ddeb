import { type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { acceptorsOf, epochsBetween, isPhase1 } from "./epochs.ts";
import { type Out, type P1b, type Pvalue, SLOT_MAX } from "./messages.ts";
import { tellDurably } from "./send.ts";
import type { Accepted, PmmcState, Scout } from "./state.ts";

/** What a scout has come to (section 2.2). */
export type ScoutOutcome = "waiting" | "adopted";

/**
 * Asks the acceptors of these epochs to adopt `ballot`, which is on its way to the disk: nobody
 * hears of a ballot that this member might forget.
 */
export function spawnScout(
  state: PmmcState,
  out: Out,
  task: { readonly ballot: Ballot; readonly from: number; readonly upTo: number; first: Slot },
): Scout {
  const scout: Scout = {
    ...task,
    next: new Map(),
    done: new Set(),
    pvalues: new Map(),
    age: 0,
  };
  askSilent(state, out, scout);
  return scout;
}

/** One part of what an acceptor in this scout's ballot holds. Parts are asked for in order. */
export function onPart(
  state: PmmcState,
  out: Out,
  scout: Scout,
  from: NodeId,
  message: P1b,
): ScoutOutcome {
  if (scout.done.has(from) || message.first !== nextOf(scout, from)) return "waiting";
  for (const pvalue of message.pvalues) mergeHighest(scout.pvalues, pvalue);
  if (message.last === SLOT_MAX) scout.done.add(from);
  else {
    scout.next.set(from, message.last + 1);
    ask(out, scout, from);
  }
  const epochs = epochsBetween(state, scout.from, scout.upTo);
  return epochs.every((epoch) => isPhase1(state, epoch, scout.done)) ? "adopted" : "waiting";
}

/** Whoever has not told everything is asked again. */
export function askSilent(state: PmmcState, out: Out, scout: Scout): void {
  for (const acceptor of acceptorsOf(epochsBetween(state, scout.from, scout.upTo)))
    if (!scout.done.has(acceptor)) ask(out, scout, acceptor);
}

/** `pmax`: of each slot the pvalue with the highest ballot that was seen so far. */
export function mergeHighest(pvalues: Map<Slot, Accepted>, pvalue: Pvalue): void {
  const { ballot, slot, epoch, value } = pvalue;
  const highest = pvalues.get(slot);
  if (highest === undefined || compareBallots(ballot, highest.ballot) > 0)
    pvalues.set(slot, { ballot, epoch, value });
}

/** Whether an answer speaks of this scout's ballot; of another one it speaks of a preemption. */
export function concernsScout(scout: Scout | null, message: P1b): scout is Scout {
  return scout !== null && sameBallot(scout.ballot, message.ballot);
}

function nextOf(scout: Scout, acceptor: NodeId): Slot {
  return scout.next.get(acceptor) ?? scout.first;
}

function ask(out: Out, scout: Scout, acceptor: NodeId): void {
  const first = nextOf(scout, acceptor);
  tellDurably(out, [acceptor], { kind: "p1a", ballot: scout.ballot, first });
}
