import type { NodeId, Slot } from "../../ids.ts";
import { nextBelow } from "../../prng.ts";
import type { Behind, Learn, Out, ProgressMessage } from "./messages.ts";
import { decide, hearOfDecided, hearOfOpen } from "./order.ts";
import { setTimer, tellNow } from "./send.ts";
import { type BroadcastState, isDecided } from "./state.ts";

/**
 * Members tell each other how far they are, now and then and whenever one knows that it is behind.
 * Whoever holds more answers with it, in chunks, or that a snapshot is needed.
 */

/** Starts, goes on with or ends catching up, after every step. */
export function pursue(state: BroadcastState, out: Out): void {
  const { catchUp, decidedUpTo, tuning } = state;
  const missing = state.known.decidedUpTo - decidedUpTo;
  if (missing <= 0) {
    if (catchUp !== null) setTimer(out, "catchUp", null);
    state.catchUp = null;
  } else if (catchUp === null || (catchUp.asked !== null && decidedUpTo > catchUp.asked)) {
    // Of a few slots the outcome is likely to be under way.
    state.catchUp = { tries: 0, asked: null, transferring: false };
    if (missing > tuning.window) ask(state, out);
    else setTimer(out, "catchUp", tuning.catchUpMs);
  }
}

export function onCatchUpTimeout(state: BroadcastState, out: Out): void {
  const { catchUp } = state;
  if (catchUp === null) return;
  if (catchUp.asked !== null) catchUp.tries += 1;
  catchUp.transferring = false;
  ask(state, out);
}

/** Whoever told of the longest prefix, then all in turn. */
function ask(state: BroadcastState, out: Out): void {
  const { catchUp, known, others, settings, decidedUpTo } = state;
  const likely = known.from === settings.self ? [] : [known.from];
  const order = [...new Set([...likely, ...others])];
  if (catchUp === null || order.length === 0) return;
  catchUp.asked = decidedUpTo;
  setTimer(out, "catchUp", state.tuning.resendMs);
  tellProgress(state, out, order[catchUp.tries % order.length] as NodeId);
}

export function tellProgress(state: BroadcastState, out: Out, to: NodeId): void {
  const { decidedUpTo, openUpTo } = state;
  tellNow(state, out, [to], { kind: "progress", decidedUpTo, openUpTo });
}

/** To some other member, whichever: what one has missed, it hears of in the end. */
export function onGossipTimeout(state: BroadcastState, out: Out): void {
  const { others, random, tuning } = state;
  if (others.length === 0) return;
  tellProgress(state, out, others[nextBelow(random, others.length)] as NodeId);
  setTimer(out, "gossip", tuning.gossipMs);
}

export function onProgress(
  state: BroadcastState,
  out: Out,
  from: NodeId,
  message: ProgressMessage,
): void {
  hearOfDecided(state, from, message.decidedUpTo);
  hearOfOpen(state, message.openUpTo);
  tellDecided(state, out, from, message.decidedUpTo + 1);
}

/** One chunk of what is decided from `first` on, if anything is; whoever wants more asks again. */
export function tellDecided(state: BroadcastState, out: Out, to: NodeId, first: Slot): void {
  const { compactedUpTo, decidedUpTo, tuning } = state;
  if (first <= compactedUpTo)
    return tellNow(state, out, [to], { kind: "behind", compactedUpTo, decidedUpTo });
  if (!isDecided(state, first)) return;
  const values: Uint8Array[] = [];
  let bytes = 0;
  for (let slot = first; ; slot += 1) {
    const value = state.decided.get(slot);
    if (value === undefined) break;
    if (values.length > 0 && bytes + value.length > tuning.chunkBytes) break;
    values.push(value);
    bytes += value.length + 8;
  }
  tellNow(state, out, [to], { kind: "learn", first, values, decidedUpTo });
}

export function onLearn(state: BroadcastState, out: Out, from: NodeId, message: Learn): void {
  const { first, values, decidedUpTo } = message;
  for (const [index, value] of values.entries()) decide(state, out, first + index, value);
  hearOfDecided(state, from, decidedUpTo);
}

/**
 * Messages cannot help any more: the host fetches a snapshot, from the one who said so if it can.
 * Not again before the transfer had its time.
 */
export function onBehind(state: BroadcastState, out: Out, from: NodeId, message: Behind): void {
  const { compactedUpTo } = message;
  hearOfDecided(state, from, message.decidedUpTo);
  if (compactedUpTo <= state.decidedUpTo || state.catchUp?.transferring === true) return;
  state.catchUp = { tries: 0, asked: state.decidedUpTo, transferring: true };
  setTimer(out, "catchUp", state.tuning.stateRetryMs);
  const others = state.others.filter((member) => member !== from);
  const position = { log: 0, index: compactedUpTo };
  out.push({ kind: "requestState", position, from: [from, ...others] });
}
