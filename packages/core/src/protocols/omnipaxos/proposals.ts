import { Writer } from "../../codec.ts";
import type { Command } from "../../command.ts";
import { writeCommand } from "../../command-codec.ts";
import type { NodeId, RequestId } from "../../ids.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import { sameBytes } from "../../same-bytes.ts";
import type { Forward, Out } from "./messages.ts";
import { forwardQueue, nextHop } from "./roles.ts";
import { tellNow } from "./send.ts";
import type { SequenceState } from "./state.ts";

/** Waiting proposals that a new one is compared with. */
const LOOKED_AT_MAX = 256;

/**
 * Commands are encoded once, where they come in; from there to their delivery they are bytes. What
 * is handed to a leader is not kept: when that leader is lost, the host is told and proposes again,
 * and so it does with what was lost on the way.
 */
export function onPropose(state: SequenceState, out: Out, commands: readonly Command[]): void {
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
    if (!enqueue(state, bytes.subarray(start, end))) release(out, commands.slice(from, index + 1));
    start = end;
    from = index + 1;
  }
  forwardQueue(state, out);
}

/** From a member that takes this replica for the leader, or for its way to the leader. */
export function onForward(state: SequenceState, out: Out, from: NodeId, message: Forward): void {
  const { value, relayed } = message;
  // Lost when it cannot be handed on: the host that took the commands proposes them again.
  if (state.stoppedAt > 0 || value.length === 0) return;
  const hop = nextHop(state);
  if (state.role.kind === "leader" || hop === null) enqueue(state, value);
  else if (!relayed && hop !== from)
    tellNow(state, out, hop, { kind: "forward", relayed: true, value });
}

/**
 * A host that waits too long proposes again, also when its first proposal still waits here: without
 * this the copies would keep each other waiting.
 */
function enqueue(state: SequenceState, value: Uint8Array): boolean {
  if (isWaiting(state, value)) return true;
  const tooMuch = state.queueBytes + value.length > state.tuning.queueBytesMax;
  if (tooMuch || value.length > VALUE_BYTES_MAX) return false;
  state.queue.push(value);
  state.queueBytes += value.length;
  return true;
}

/** Looks at the latest only: where more wait, all of them wait for the leader's disk and links. */
function isWaiting({ queue }: SequenceState, value: Uint8Array): boolean {
  const from = Math.max(0, queue.length - LOOKED_AT_MAX);
  for (let at = queue.length - 1; at >= from; at -= 1)
    if (sameBytes(queue[at] as Uint8Array, value)) return true;
  return false;
}

/** They never left this replica and never will. */
function release(out: Out, commands: readonly Command[]): void {
  if (commands.length === 0) return;
  const requests = commands.map(({ client, sequence }): RequestId => ({ client, sequence }));
  out.push({ kind: "release", requests, outcome: "never" });
}
