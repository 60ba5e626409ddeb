import type { NodeId, Slot } from "../../ids.ts";
import { hearOfChosen, learn } from "./learner.ts";
import type { Behind, CatchUp, Learn, Out } from "./messages.ts";
import { setTimer, tellNow } from "./send.ts";
import { chosenUpTo, type SequenceState } from "./state.ts";

/**
 * A replica that knows of decided slots which it cannot mark asks for them, whoever it hears: first
 * whoever is most likely to hold them, then one member after the other. So the log also reaches
 * those that are not linked to the leader.
 */

/** Starts, goes on with or ends catching up, after every step. */
export function pursue(state: SequenceState, out: Out): void {
  const { catchUp } = state;
  const missing = state.known.chosenUpTo - state.decidedUpTo;
  if (catchUp === null) {
    if (missing > 0) wait(state, out);
    if (missing > state.tuning.window) ask(state, out);
  } else if (catchUp.answered) {
    // The chunk has come: more of it from the same member, or the rest may be under way anyhow.
    if (missing > state.tuning.window) ask(state, out);
    else if (missing > 0) wait(state, out);
    else endCatchUp(state, out);
  }
}

export function onCatchUpTimeout(state: SequenceState, out: Out): void {
  const { catchUp } = state;
  if (catchUp === null) return;
  if (state.known.chosenUpTo <= state.decidedUpTo) return endCatchUp(state, out);
  if (state.decidedUpTo > catchUp.since) return wait(state, out);
  if (catchUp.asked > 0) catchUp.tries += 1;
  ask(state, out);
}

/** Accepts and the word that they are decided overtake each other: no reason to ask yet. */
function wait(state: SequenceState, out: Out): void {
  state.catchUp = { tries: 0, asked: 0, answered: false, since: state.decidedUpTo };
  setTimer(out, "catchUp", state.tuning.catchUpMs);
}

function ask(state: SequenceState, out: Out): void {
  const { catchUp } = state;
  if (catchUp === null || state.others.length === 0) return;
  const first = state.decidedUpTo + 1;
  catchUp.asked = first;
  catchUp.answered = false;
  catchUp.since = state.decidedUpTo;
  setTimer(out, "catchUp", state.tuning.resendMs);
  const last = state.known.chosenUpTo;
  tellNow(state, out, whomToAsk(state, catchUp.tries), { kind: "catchUp", first, last });
}

/** Whoever told of the longest prefix, then the leader, then all in turn. */
function whomToAsk(state: SequenceState, tries: number): NodeId {
  const { self } = state.settings;
  const likely = [state.known.from, state.via, state.leader].filter(
    (member): member is NodeId => member !== null && member !== self,
  );
  const order = [...new Set([...likely, ...state.others])];
  return order[tries % order.length] as NodeId;
}

function endCatchUp(state: SequenceState, out: Out): void {
  state.catchUp = null;
  setTimer(out, "catchUp", null);
}

/** Answers from the log, whoever leads: decided is decided. One chunk; the asker asks again. */
export function onCatchUp(state: SequenceState, out: Out, from: NodeId, message: CatchUp): void {
  const { decidedUpTo, compactedUpTo } = state;
  const upTo = chosenUpTo(state);
  if (message.first <= compactedUpTo) {
    tellNow(state, out, from, { kind: "behind", compactedUpTo, chosenUpTo: upTo });
    return;
  }
  const values: Uint8Array[] = [];
  const last = Math.min(message.last, decidedUpTo);
  let bytes = 0;
  for (let slot: Slot = message.first; slot <= last; slot += 1) {
    const value = state.log.get(slot);
    if (value === undefined) break;
    if (values.length > 0 && bytes + value.length > state.tuning.chunkBytes) break;
    values.push(value);
    bytes += value.length + 8;
  }
  if (values.length === 0) return;
  tellNow(state, out, from, { kind: "learn", first: message.first, values, chosenUpTo: upTo });
}

/** Decided values from anybody. */
export function onLearn(state: SequenceState, out: Out, from: NodeId, message: Learn): void {
  hearOfChosen(state, from, message.chosenUpTo);
  if (state.catchUp?.asked === message.first) state.catchUp.answered = true;
  learn(state, out, message.first, message.values);
}

/**
 * Messages cannot help any more: the host fetches a snapshot, from the one who said so if it can.
 */
export function onBehind(state: SequenceState, out: Out, from: NodeId, message: Behind): void {
  hearOfChosen(state, from, message.chosenUpTo);
  if (message.compactedUpTo <= state.decidedUpTo) return;
  const { catchUp } = state;
  if (catchUp === null || catchUp.asked === 0) return;
  // Not again before the transfer had its time; then the question shows whether it is still needed.
  catchUp.asked = 0;
  catchUp.answered = false;
  catchUp.since = state.decidedUpTo;
  setTimer(out, "catchUp", state.tuning.stateRetryMs);
  const others = state.others.filter((member) => member !== from);
  const position = { log: 0, index: message.compactedUpTo };
  out.push({ kind: "requestState", position, from: [from, ...others] });
}
