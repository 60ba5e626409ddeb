import type { Command } from "../../command.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { Position, RequestId } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import type { Out } from "./messages.ts";
import { journalRecord } from "./records.ts";
import { setTimer } from "./send.ts";
import type { PaxosState } from "./state.ts";

/** Where a decree has no outcome yet, and where it has. */
export const UNDECIDED: Position = Object.freeze({ log: 0, index: 0 });
export const DECIDED: Position = Object.freeze({ log: 0, index: 1 });

/**
 * The learner has just learned what is chosen. Nothing is left to do but to say so: the commands in
 * it are executed, and all others that this host has asked for never will be.
 */
export function conclude(state: PaxosState, out: Out, value: Uint8Array): void {
  state.journalLength += 1;
  out.push({ kind: "note", ...journalRecord({ kind: "chosen", value }) });
  deliver(state, out, value);
  const commands = new Set(decodeValue(value).map((command) => keyOf(idOf(command))));
  const lost = state.requests.filter((id) => !commands.has(keyOf(id)));
  release(out, lost, "closed");
  state.requests = [];
  state.proposer.value = null;
  state.proposer.attempt = null;
  const { covered, waiting } = state.reads;
  state.reads = { covered: [], waiting: [] };
  answerReads(out, [...covered, ...waiting], DECIDED);
  for (const timer of ["retry", "resend", "ask"] as const) setTimer(out, timer, null);
  state.retrying = false;
}

/** Executes what is chosen, once in this incarnation; its bytes go into every snapshot. */
export function deliver(state: PaxosState, out: Out, value: Uint8Array): void {
  if (state.delivered) return;
  state.delivered = true;
  const commands = decodeValue(value);
  out.push({ kind: "deliver", position: DECIDED, commands, image: value });
}

export function answerReads(out: Out, reads: readonly number[], position: Position): void {
  if (reads.length > 0) out.push({ kind: "readable", reads, position });
}

/**
 * `never`: not now, for want of room; it may be proposed again. `closed`: something else has been
 * chosen, and nothing ever will be again.
 */
export function release(
  out: Out,
  requests: readonly RequestId[],
  outcome: "never" | "closed",
): void {
  if (requests.length > 0) out.push({ kind: "release", requests, outcome });
}

export function idOf({ client, sequence }: Command): RequestId {
  return { client, sequence };
}

/** Unlike any other request's. */
export function keyOf({ client, sequence }: RequestId): string {
  return `${sequence} ${client}`;
}

function decodeValue(value: Uint8Array): Command[] {
  const commands = decodeCommands(value);
  invariant(commands !== null, "what is chosen is no batch of commands");
  return commands;
}
