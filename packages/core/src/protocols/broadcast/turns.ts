import type { NodeId, Slot } from "../../ids.ts";
import { nextFraction } from "../../prng.ts";
import { doubled } from "../paxos/index.ts";
import type { Out } from "./messages.ts";
import { setTimer } from "./send.ts";
import type { BroadcastState } from "./state.ts";

/**
 * Nobody leads, but two that propose in one instance at the same time only keep each other from
 * it. So a member that hears another proposer lets it go first for a while, and gives it what waits
 * here to take along. What that one passes over is proposed here after all.
 */

/** `proposer` is at work in a slot that is not decided here. */
export function hearAtWork(state: BroadcastState, proposer: NodeId, slot: Slot): void {
  if (state.atWork === null || slot >= state.atWork.slot) state.atWork = { proposer, slot };
  if (state.turn !== null) state.turn.busy = true;
}

/**
 * Lets others go first, unless it does so already: between one and two `yieldMs`, and for a random
 * time more that doubles with each turn of its own that was cut short.
 */
export function letOthers(state: BroadcastState, out: Out): void {
  if (state.turn !== null) return;
  state.turn = { since: state.decidedUpTo, busy: false };
  const ms = state.tuning.yieldMs * (1 + nextFraction(state.random));
  setTimer(out, "turn", Math.ceil(ms + longerMs(state)));
}

function longerMs({ outbid, random, tuning }: BroadcastState): number {
  if (outbid === 0) return 0;
  return nextFraction(random) * doubled(tuning.yieldMs, outbid, tuning.yieldMaxMs);
}

/** Others are in the way of what is proposed here: a sign that there are many at work. */
export function cutShort(state: BroadcastState, out: Out): void {
  const { turn, outbid, tuning } = state;
  const isLongest = doubled(tuning.yieldMs, outbid, tuning.yieldMaxMs) === tuning.yieldMaxMs;
  if (turn === null && !isLongest) state.outbid += 1;
  letOthers(state, out);
}

/** A slot was decided by a ballot from here: there is room for another one. */
export function hadItsWay(state: BroadcastState): void {
  state.outbid = Math.max(0, state.outbid - 1);
}

/** Nothing is left to wait for. */
export function stopWaiting(state: BroadcastState, out: Out): void {
  if (state.turn === null) return;
  state.turn = null;
  setTimer(out, "turn", null);
}
