import type { Command } from "../../command.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import { sameBytes } from "../../same-bytes.ts";
import type { Out } from "./messages.ts";
import { forget, forgetAll, settle } from "./pending.ts";
import { note, persist, setTimer } from "./send.ts";
import type { BroadcastState } from "./state.ts";

const NO_IMAGE: Uint8Array = new Uint8Array(0);

/** Anybody may tell how far everything is decided: it is true for ever. */
export function hearOfDecided(state: BroadcastState, from: NodeId, decidedUpTo: Slot): void {
  if (decidedUpTo > state.known.decidedUpTo) state.known = { decidedUpTo, from };
  hearOfOpen(state, decidedUpTo);
}

/** Something is accepted in `slot`, and everything below must be decided for it to be delivered. */
export function hearOfOpen(state: BroadcastState, slot: Slot): void {
  state.openUpTo = Math.max(state.openUpTo, slot);
}

/**
 * The instance has its outcome. A slot may be decided before those below it; it is delivered after
 * them.
 */
export function decide(state: BroadcastState, out: Out, slot: Slot, value: Uint8Array): void {
  const before = state.decided.get(slot);
  invariant(before === undefined || sameBytes(before, value), `slot ${slot} is decided twice`);
  if (before !== undefined || slot <= state.decidedUpTo) return;
  const accepted = state.instances.get(slot)?.acceptor.accepted ?? null;
  if (accepted !== null && (accepted.value === value || sameBytes(accepted.value, value)))
    note(out, { kind: "decided", slot, ballot: accepted.ballot });
  else note(out, { kind: "learned", slot, value });
  state.instances.delete(slot);
  state.lost.delete(slot);
  state.decided.set(slot, value);
  hearOfOpen(state, slot);
  settle(state, slot, value);
  if (state.atWork !== null && state.atWork.slot <= slot) state.atWork = null;
}

/** Extends the decided prefix as far as it reaches, and delivers it. Constant work per slot. */
export function advance(state: BroadcastState, out: Out): void {
  while (state.decided.has(state.decidedUpTo + 1)) state.decidedUpTo += 1;
  hearOfDecided(state, state.settings.self, state.decidedUpTo);
  let budget = state.tuning.deliverBytes;
  while (state.deliveredUpTo < endOf(state)) {
    if (budget <= 0) return setTimer(out, "deliver", 0);
    const slot = state.deliveredUpTo + 1;
    const value = state.decided.get(slot);
    invariant(value !== undefined, `slot ${slot} is to be delivered but not held`);
    budget -= value.length + 64;
    deliver(state, out, slot, value);
  }
}

/** What may be delivered: all that is decided, but nothing after a stop. */
function endOf({ decidedUpTo, stoppedAt }: BroadcastState): Slot {
  return stoppedAt > 0 ? Math.min(stoppedAt, decidedUpTo) : decidedUpTo;
}

/** In order, without gaps. */
function deliver(state: BroadcastState, out: Out, slot: Slot, value: Uint8Array): void {
  const commands = commandsOf(out, slot, value);
  const stop = commands.findIndex((command) => command.kind === "stop");
  state.deliveredUpTo = slot;
  // After a restart it is known already.
  if (stop >= 0 && state.stoppedAt === 0) {
    state.stoppedAt = slot;
    persist(out, { kind: "stopped", slot });
  }
  const delivered = stop < 0 ? commands : commands.slice(0, stop + 1);
  const position = { log: 0, index: slot };
  out.push({ kind: "deliver", position, commands: delivered, image: NO_IMAGE });
  forget(state, delivered);
  if (stop >= 0) end(state, out, slot);
}

/** Bytes that are no batch execute nothing, on every replica alike. */
function commandsOf(out: Out, slot: Slot, value: Uint8Array): readonly Command[] {
  const commands = decodeCommands(value);
  if (commands !== null) return commands;
  out.push({ kind: "observe", event: "undecodable", detail: { slot } });
  return [];
}

/** Whatever is decided above the stop is not part of this configuration. */
function end(state: BroadcastState, out: Out, slot: Slot): void {
  forgetAll(state);
  for (const { proposer } of state.instances.values())
    if (proposer !== null) proposer.attempt = null;
  out.push({ kind: "release", requests: "all", outcome: "never" });
  out.push({ kind: "observe", event: "stopped", detail: { slot } });
}
