import { Writer } from "../../codec.ts";
import type { Command } from "../../command.ts";
import { writeCommand } from "../../command-codec.ts";
import type { NodeId, RequestId } from "../../ids.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import type { Forward, Out } from "./messages.ts";
import { forwardQueue } from "./roles.ts";
import { tellNow } from "./send.ts";
import type { MultipaxosState } from "./state.ts";

/**
 * Commands are encoded once, where they come in; from there to their delivery they are bytes. What
 * is handed to a leader is not kept: when that leader is lost, the host is told and proposes again.
 */
export function onPropose(state: MultipaxosState, out: Out, commands: readonly Command[]): void {
  if (state.stoppedAt > 0) return release(out, commands);
  const writer = new Writer(commands.reduce((sum, c) => sum + c.payload.length + 128, 16));
  const ends: number[] = [];
  for (const command of commands) {
    writeCommand(writer, command);
    ends.push(writer.length);
  }
  const bytes = writer.peek();
  let start = 0;
  let from = 0;
  for (const [index, end] of ends.entries()) {
    const next = ends[index + 1];
    if (next !== undefined && next - start <= state.tuning.batchBytesMax) continue;
    const batch = commands.slice(from, index + 1);
    if (!enqueue(state, bytes.subarray(start, end))) release(out, batch);
    start = end;
    from = index + 1;
  }
  forwardQueue(state, out);
}

/**
 * From a member that takes this replica for the leader. Passed on once when it is wrong; never to
 * itself.
 */
export function onForward(state: MultipaxosState, out: Out, from: NodeId, message: Forward): void {
  const { leader } = state;
  const { value } = message;
  // Lost in both other cases: the host that took the commands from the client proposes them again.
  if (state.stoppedAt > 0 || value.length === 0) return;
  if (leader === null || leader === state.settings.self) enqueue(state, value);
  else if (!message.passedOn && leader !== from)
    tellNow(state, out, leader, { kind: "forward", passedOn: true, value });
}

function enqueue(state: MultipaxosState, value: Uint8Array): boolean {
  const tooMuch = state.queueBytes + value.length > state.tuning.queueBytesMax;
  if (tooMuch || value.length > VALUE_BYTES_MAX) return false;
  state.queue.push(value);
  state.queueBytes += value.length;
  return true;
}

/** They never left this replica and never will. */
function release(out: Out, commands: readonly Command[]): void {
  if (commands.length === 0) return;
  const requests = commands.map(({ client, sequence }): RequestId => ({ client, sequence }));
  out.push({ kind: "release", requests, outcome: "never" });
}
