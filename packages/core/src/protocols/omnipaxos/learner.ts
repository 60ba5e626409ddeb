import { BALLOT_NONE, type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { Command } from "../../command.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import { sameBytes } from "../../same-bytes.ts";
import type { Out } from "./messages.ts";
import { overtaken } from "./roles.ts";
import { note, persist, setTimer } from "./send.ts";
import type { SequenceState } from "./state.ts";

const NO_IMAGE: Uint8Array = new Uint8Array(0);

/** Anybody may tell how far the decided prefix reaches: it is true for ever. */
export function hearOfChosen(state: SequenceState, from: NodeId, upTo: Slot): void {
  if (upTo > state.known.chosenUpTo) state.known = { chosenUpTo: upTo, from };
}

/**
 * The leader of `ballot` says that its log is decided up to there. Believed only of a log that was
 * accepted in exactly that ballot: any other may hold values that lost.
 */
export function hearDecision(state: SequenceState, ballot: Ballot, upTo: Slot): void {
  const order = compareBallots(ballot, state.decision.ballot);
  if (order > 0 || (order === 0 && upTo > state.decision.chosenUpTo))
    state.decision = { ballot, chosenUpTo: upTo };
  hearOfChosen(state, ballot.proposer, upTo);
}

/** Extends the decided prefix as far as it is known, and delivers it. */
export function advance(state: SequenceState, out: Out, before: Slot): void {
  const { ballot, chosenUpTo: upTo } = state.decision;
  if (sameBallot(state.acceptedIn, ballot)) decide(state, upTo);
  if (state.decidedUpTo > before) {
    note(out, { kind: "chosen", chosenUpTo: state.decidedUpTo });
    hearOfChosen(state, state.settings.self, state.decidedUpTo);
  }
  deliverDecided(state, out);
}

export function decide(state: SequenceState, upTo: Slot): void {
  state.decidedUpTo = Math.max(state.decidedUpTo, Math.min(upTo, state.length));
}

/**
 * In order, without gaps, nothing after a stop; at most `deliverBytes` per step, then a timer goes
 * on.
 */
function deliverDecided(state: SequenceState, out: Out): void {
  let budget = state.tuning.deliverBytes;
  while (state.deliveredUpTo < endOf(state)) {
    if (budget <= 0) return setTimer(out, "deliver", 0);
    const slot = state.deliveredUpTo + 1;
    const value = state.log.get(slot);
    invariant(value !== undefined, `slot ${slot} is to be delivered but not held`);
    budget -= value.length + 64;
    deliverSlot(state, out, slot, value);
  }
}

/** After a restart from an older snapshot the stop is known already, and still to be delivered. */
function endOf({ decidedUpTo, stoppedAt }: SequenceState): Slot {
  return stoppedAt === 0 ? decidedUpTo : Math.min(decidedUpTo, stoppedAt);
}

function deliverSlot(state: SequenceState, out: Out, slot: Slot, value: Uint8Array): void {
  const commands = commandsOf(out, slot, value);
  const stop = commands.findIndex((command) => command.kind === "stop");
  state.deliveredUpTo = slot;
  if (stop >= 0) {
    state.stoppedAt = slot;
    persist(out, { kind: "stopped", slot });
  }
  const position = { log: 0, index: slot };
  const delivered = stop < 0 ? commands : commands.slice(0, stop + 1);
  out.push({ kind: "deliver", position, commands: delivered, image: NO_IMAGE });
  if (stop < 0) return;
  state.queue = [];
  state.queueBytes = 0;
  state.forwarded = false;
  out.push({ kind: "release", requests: "all", outcome: "never" });
  out.push({ kind: "observe", event: "stopped", detail: { slot } });
}

/** Bytes that are no batch execute nothing, on every replica alike. */
function commandsOf(out: Out, slot: Slot, value: Uint8Array): readonly Command[] {
  const commands = decodeCommands(value);
  if (commands !== null) return commands;
  out.push({ kind: "observe", event: "undecodable", detail: { slot } });
  return [];
}

/**
 * These values are decided. They replace what the log holds in their slots. Where they contradict
 * it, the ballot of that log lost there: nothing from there on was or will be decided through it,
 * so what is left of the log stands for no acceptance any more.
 */
export function learn(
  state: SequenceState,
  out: Out,
  first: Slot,
  values: readonly Uint8Array[],
): void {
  const from = state.decidedUpTo + 1;
  // What is compacted needs no value, but a snapshot.
  if (from <= state.compactedUpTo || first > from) return;
  const fresh = values.slice(from - first);
  if (fresh.length === 0) return;
  const last = from + fresh.length - 1;
  const contradicts = fresh.some((value, index) => {
    const held = state.log.get(from + index);
    return held !== undefined && !sameBytes(held, value);
  });
  if (contradicts || last > state.length) overtaken(state, out, contradicts);
  if (contradicts) {
    for (let slot = last + 1; slot <= state.length; slot += 1) state.log.delete(slot);
    state.length = last;
    state.acceptedIn = BALLOT_NONE;
  }
  const grows = last > state.length;
  for (const [index, value] of fresh.entries()) state.log.set(from + index, value);
  state.length = Math.max(state.length, last);
  state.decidedUpTo = last;
  if (!contradicts && !grows) return;
  // A voter's log is what it claims, so what it claims next waits for this.
  const record = { kind: "learned", first: from, values: fresh, contradicts } as const;
  if (state.voter) persist(out, record);
  else note(out, record);
}
