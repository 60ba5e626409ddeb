import { BALLOT_NONE, type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { Command } from "../../command.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import { sameBytes } from "../../same-bytes.ts";
import { repair } from "./faulty.ts";
import type { Out, Run } from "./messages.ts";
import { note, persist, setTimer } from "./send.ts";
import type { MultipaxosState } from "./state.ts";

const NO_IMAGE: Uint8Array = new Uint8Array(0);

/** Anybody may tell how far the chosen prefix reaches: it is true for ever. */
export function hearOfChosen(state: MultipaxosState, from: NodeId, chosenUpTo: Slot): void {
  if (chosenUpTo > state.known.chosenUpTo) state.known = { chosenUpTo, from };
}

/**
 * The leader of `ballot` says that all its slots up to `chosenUpTo` are chosen. Believed only of
 * slots that were accepted here in exactly that ballot: an entry of an older one may hold a value
 * that lost.
 */
export function hearClaim(state: MultipaxosState, ballot: Ballot, chosenUpTo: Slot): void {
  const order = compareBallots(ballot, state.claim.ballot);
  if (order > 0 || (order === 0 && chosenUpTo > state.claim.chosenUpTo))
    state.claim = { ballot, chosenUpTo };
  hearOfChosen(state, ballot.proposer, chosenUpTo);
}

/** Extends the chosen prefix as far as it is known, and delivers it. Constant work per slot. */
export function advance(state: MultipaxosState, out: Out): void {
  const before = state.chosenUpTo;
  for (;;) {
    const slot = state.chosenUpTo + 1;
    const entry = state.log.get(slot);
    if (entry === undefined) break;
    if (!entry.chosen) {
      const claimed = slot <= state.claim.chosenUpTo;
      if (!claimed || !sameBallot(entry.ballot, state.claim.ballot)) break;
      entry.chosen = true;
    }
    state.chosenUpTo = slot;
  }
  if (state.chosenUpTo > before) {
    note(out, { kind: "chosen", chosenUpTo: state.chosenUpTo });
    hearOfChosen(state, state.settings.self, state.chosenUpTo);
  }
  deliverChosen(state, out);
}

/**
 * In order, without gaps, nothing after a stop; at most `deliverBytes` per step, then a timer goes
 * on.
 */
function deliverChosen(state: MultipaxosState, out: Out): void {
  let budget = state.tuning.deliverBytes;
  while (state.deliveredUpTo < endOf(state)) {
    if (budget <= 0) return setTimer(out, "deliver", 0);
    const slot = state.deliveredUpTo + 1;
    const entry = state.log.get(slot);
    invariant(entry?.chosen === true, `slot ${slot} is to be delivered but not chosen here`);
    budget -= entry.value.length + 64;
    deliverSlot(state, out, slot, entry.value);
  }
}

/** After a restart from an older snapshot the stop is known already, and still to be delivered. */
function endOf({ chosenUpTo, stoppedAt }: MultipaxosState): Slot {
  return stoppedAt === 0 ? chosenUpTo : Math.min(chosenUpTo, stoppedAt);
}

function deliverSlot(state: MultipaxosState, out: Out, slot: Slot, value: Uint8Array): void {
  const commands = commandsOf(out, slot, value);
  const stop = commands.findIndex((command) => command.kind === "stop");
  state.deliveredUpTo = slot;
  if (stop >= 0) {
    state.stoppedAt = slot;
    persist(out, { kind: "stopped", slot });
  }
  const delivered = stop < 0 ? commands : commands.slice(0, stop + 1);
  out.push({
    kind: "deliver",
    position: { log: 0, index: slot },
    commands: delivered,
    image: NO_IMAGE,
  });
  if (stop < 0) return;
  state.queue = [];
  state.queueBytes = 0;
  state.forwarded = false;
  out.push({ kind: "release", requests: "all", outcome: "never" });
  out.push({ kind: "observe", event: "stopped", detail: { slot } });
}

/** Bytes that are no batch execute nothing, on every replica alike. */
function commandsOf(out: Out, slot: Slot, value: Uint8Array): readonly Command[] {
  if (value.length === 0) return [];
  const commands = decodeCommands(value);
  if (commands !== null) return commands;
  out.push({ kind: "observe", event: "undecodable", detail: { slot } });
  return [];
}

/**
 * These values are known as chosen. Returns false when one of them shows that a higher ballot than
 * this leader's was at work: then it must step down before it says anything more.
 */
export function learn(
  state: MultipaxosState,
  out: Out,
  first: Slot,
  values: readonly Uint8Array[],
): boolean {
  let consistent = true;
  const fresh: Slot[] = [];
  for (const [index, value] of values.entries()) {
    const slot = first + index;
    if (slot <= state.compactedUpTo) continue;
    const entry = state.log.get(slot);
    if (entry?.chosen === true) {
      invariant(sameBytes(entry.value, value), `two values chosen in slot ${slot}`);
      continue;
    }
    const same = entry !== undefined && sameBytes(entry.value, value);
    consistent = fitsOwnBallot(state, slot, same) && consistent;
    if (entry !== undefined && same) entry.chosen = true;
    else {
      state.log.set(slot, { ballot: BALLOT_NONE, value, chosen: true });
      repair(state, out, slot);
      fresh.push(slot);
    }
  }
  for (const run of runsOf(fresh)) {
    const values_ = values.slice(run.first - first, run.last - first + 1);
    note(out, { kind: "learned", first: run.first, values: values_ });
  }
  return consistent;
}

/**
 * Whether a leader may go on after `slot` was reported as chosen; closes the slot when it was open.
 */
function fitsOwnBallot(state: MultipaxosState, slot: Slot, same: boolean): boolean {
  const { role } = state;
  if (role.kind !== "leader") return true;
  if (role.open.has(slot)) {
    if (same) role.open.delete(slot);
    return same;
  }
  // Above what phase 1 found, only this ballot or a higher one can have chosen anything.
  return slot < role.nextSlot || slot <= role.recoverUpTo;
}

/** Ascending slots as runs of consecutive ones. */
export function runsOf(slots: readonly Slot[]): Run[] {
  const runs: { first: Slot; last: Slot }[] = [];
  for (const slot of slots) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === slot) run.last = slot;
    else runs.push({ first: slot, last: slot });
  }
  return runs;
}
