import type { NodeId, Slot } from "../../ids.ts";
import { nextBelow } from "../../prng.ts";
import { begin } from "./instances.ts";
import type { Out } from "./messages.ts";
import { offer, settle, takeBatch } from "./pending.ts";
import { type BroadcastState, isDecided, mayPropose, NO_OP } from "./state.ts";
import { letOthers, stopWaiting } from "./turns.ts";

/**
 * Sees to it that what waits here gets into the order, and that no slot below one in which
 * something is accepted stays open. After every step.
 */
export function drive(state: BroadcastState, out: Out): void {
  if (state.stoppedAt > 0 || !hasWork(state)) return stopWaiting(state, out);
  // What is left then waits for a free slot of the window.
  if (state.turn === null && isFree(state)) return beginAll(state, out);
  letOthers(state, out);
  const to = state.atWork?.proposer ?? anyProposer(state);
  if (to !== null) offer(state, out, to);
}

/** Others have had their time. */
export function onTurnTimeout(state: BroadcastState, out: Out): void {
  const { turn } = state;
  if (turn === null) return;
  state.turn = null;
  if (!turn.busy) state.atWork = null;
  const isStuck = state.decidedUpTo === turn.since;
  let wasPassedOver = false;
  for (const pending of state.pending) {
    if (pending.slot > 0) continue;
    wasPassedOver ||= pending.own && pending.passedOver;
    pending.passedOver = true;
    pending.offeredTo = null;
  }
  const isDue = state.atWork === null || isStuck || wasPassedOver;
  if (isDue && mayPropose(state)) beginAll(state, out);
}

/** In every slot of the window that needs a proposer, as long as there is anything to propose. */
function beginAll(state: BroadcastState, out: Out): void {
  const { decidedUpTo, tuning, known, catchUp, others } = state;
  // What others are said to know is asked of all of them before it is found out by ballots.
  const knownElsewhere = (catchUp?.tries ?? 0) < others.length ? known.decidedUpTo : 0;
  for (let slot = decidedUpTo + 1; slot <= decidedUpTo + tuning.window; slot += 1) {
    if (isTakenCareOf(state, slot) || state.lost.has(slot) || slot <= knownElsewhere) continue;
    const value = valueFor(state, slot);
    if (value === null) return;
    begin(state, out, slot, value);
  }
}

/**
 * What is accepted here is most likely to be what the slot will hold, and leaves the own batch to
 * another slot.
 */
function valueFor(state: BroadcastState, slot: Slot): Uint8Array | null {
  const accepted = state.instances.get(slot)?.acceptor.accepted ?? null;
  if (accepted === null) return takeBatch(state, slot) ?? (slot <= state.openUpTo ? NO_OP : null);
  settle(state, slot, accepted.value);
  return accepted.value;
}

/** It may propose, and nobody else seems to. */
function isFree(state: BroadcastState): boolean {
  return mayPropose(state) && state.atWork === null && !hasGap(state);
}

function hasWork(state: BroadcastState): boolean {
  return state.pending.some(({ slot }) => slot === 0) || hasGap(state);
}

/** A slot that something is accepted in, or above it, and that no ballot from here is about. */
function hasGap(state: BroadcastState): boolean {
  for (let slot = state.decidedUpTo + 1; slot <= state.openUpTo; slot += 1)
    if (!isTakenCareOf(state, slot)) return true;
  return false;
}

function isTakenCareOf(state: BroadcastState, slot: Slot): boolean {
  return isDecided(state, slot) || (state.instances.get(slot)?.proposer?.attempt ?? null) !== null;
}

/** Whoever may not propose asks somebody who may. */
function anyProposer(state: BroadcastState): NodeId | null {
  if (mayPropose(state)) return null;
  const { roles, settings, random } = state;
  const proposers = roles.proposers.filter((member) => member !== settings.self);
  return proposers[nextBelow(random, proposers.length)] ?? null;
}
