import { Writer } from "../../codec.ts";
import type { Command } from "../../command.ts";
import { writeCommand } from "../../command-codec.ts";
import type { NodeId, RequestId } from "../../ids.ts";
import { pursue } from "./ballots.ts";
import type { Forward, Out } from "./messages.ts";
import { idOf, keyOf, release } from "./outcome.ts";
import { tellNow } from "./send.ts";
import { mayPropose, type PaxosState } from "./state.ts";

/**
 * Commands join the value that this member wants chosen, as long as there is room. They stay in it
 * until something is chosen: then they are executed with it, or never.
 */
export function onPropose(state: PaxosState, out: Out, commands: readonly Command[]): void {
  if (state.learner.chosen !== null) return release(out, commands.map(idOf), "closed");
  // A barrier serves to cut a log short, and here is none.
  const [barriers, wanted] = [
    commands.filter((command) => command.kind === "barrier"),
    commands.filter((command) => command.kind !== "barrier"),
  ];
  release(out, barriers.map(idOf), "closed");
  release(out, join(state, wanted), "never");
  if (state.requests.length > 0) pursue(state, out);
}

/** Joins what is new and fits into one value; returns what does not fit. */
function join(state: PaxosState, commands: readonly Command[]): RequestId[] {
  const { proposer, requests, tuning } = state;
  const known = new Set(requests.map(keyOf));
  const late: RequestId[] = [];
  const value = new Writer((proposer.value?.length ?? 0) + sizeOf(commands));
  if (proposer.value !== null) value.raw(proposer.value);
  for (const command of commands) {
    const id = idOf(command);
    // The host proposes again what it has not heard of for long.
    if (known.has(keyOf(id))) continue;
    const piece = new Writer(sizeOf([command]));
    writeCommand(piece, command);
    if (value.length > 0 && value.length + piece.length > tuning.valueBytesMax) late.push(id);
    else {
      value.raw(piece.peek());
      known.add(keyOf(id));
      requests.push(id);
    }
  }
  if (requests.length > 0) proposer.value = value.take();
  return late;
}

/** About as much as they take. */
function sizeOf(commands: readonly Command[]): number {
  return commands.reduce((sum, command) => sum + command.payload.length + 128, 0);
}

/** From a member that may not propose. One value is enough: another one would lose anyway. */
export function onForward(state: PaxosState, out: Out, from: NodeId, { value }: Forward): void {
  const { chosen } = state.learner;
  if (chosen !== null) return tellNow(state, out, [from], { kind: "chosen", value: chosen });
  if (!mayPropose(state)) return;
  state.proposer.value ??= value;
  pursue(state, out);
}
