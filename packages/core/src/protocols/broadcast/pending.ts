import { Writer } from "../../codec.ts";
import type { Command } from "../../command.ts";
import { decodeCommands, writeCommand } from "../../command-codec.ts";
import type { NodeId, RequestId, Slot } from "../../ids.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import type { Offer, Out } from "./messages.ts";
import { tellNow } from "./send.ts";
import { type BroadcastState, mayPropose, type Pending } from "./state.ts";

/**
 * Messages on their way into the order. Each is known by its sender and sequence, never by its
 * bytes, and stays with its holder until it is delivered, however many instances it loses.
 */

/** From this replica's host. What is here already is not proposed a second time. */
export function onPropose(state: BroadcastState, out: Out, commands: readonly Command[]): void {
  if (state.stoppedAt > 0) return release(out, commands.map(idOf));
  const refused = commands.filter((command) => !hold(state, command, true)).map(idOf);
  release(out, refused);
}

/** From a member that lets this one go first: it goes on holding them, too. */
export function onOffer(state: BroadcastState, { value }: Offer): void {
  if (state.stoppedAt > 0 || !mayPropose(state)) return;
  for (const command of decodeCommands(value) ?? []) hold(state, command, false);
}

/** False: there is no room. */
function hold(state: BroadcastState, command: Command, own: boolean): boolean {
  const id = idOf(command);
  const key = keyOf(id);
  if (state.keys.has(key)) return true;
  const writer = new Writer(command.payload.length + 128);
  writeCommand(writer, command);
  const bytes = writer.take();
  if (bytes.length > VALUE_BYTES_MAX) return false;
  if (state.pendingBytes + bytes.length > state.tuning.queueBytesMax) return false;
  state.keys.add(key);
  state.pendingBytes += bytes.length;
  const fate = { slot: 0, offeredTo: null, passedOver: false };
  state.pending.push({ id, key, bytes, own, ...fate });
  return true;
}

/** The oldest that are proposed nowhere, as one value for this slot; null: there are none. */
export function takeBatch(state: BroadcastState, slot: Slot): Uint8Array | null {
  const batch = gather(state, (pending) => pending.slot === 0);
  for (const pending of batch) pending.slot = slot;
  return batch.length === 0 ? null : joined(batch);
}

/** To another proposer, what it has not been asked for yet. */
export function offer(state: BroadcastState, out: Out, to: NodeId): void {
  const batch = gather(state, ({ own, slot, offeredTo }) => own && slot === 0 && offeredTo !== to);
  if (batch.length === 0) return;
  for (const pending of batch) pending.offeredTo = to;
  tellNow(state, out, [to], { kind: "offer", value: joined(batch) });
}

/** In order, as many as one value may hold, and at least one. */
function gather(state: BroadcastState, isMeant: (pending: Pending) => boolean): Pending[] {
  const batch: Pending[] = [];
  let bytes = 0;
  for (const pending of state.pending) {
    if (!isMeant(pending)) continue;
    bytes += pending.bytes.length;
    if (batch.length > 0 && bytes > state.tuning.batchBytesMax) break;
    batch.push(pending);
  }
  return batch;
}

function joined(batch: readonly Pending[]): Uint8Array {
  const writer = new Writer(batch.reduce((sum, { bytes }) => sum + bytes.length, 0));
  for (const { bytes } of batch) writer.raw(bytes);
  return writer.peek();
}

/** Nobody proposes them in these slots any more: they may be proposed anywhere. */
export function free(state: BroadcastState, first: Slot, last: Slot): void {
  for (const pending of state.pending)
    if (pending.slot >= first && pending.slot <= last) pending.slot = 0;
}

/**
 * `value` takes the slot. What is in it waits there for its delivery; what was to take the slot and
 * is not in it has lost, and is proposed again elsewhere.
 */
export function settle(state: BroadcastState, slot: Slot, value: Uint8Array): void {
  if (state.pending.length === 0) return;
  const winners = new Set((decodeCommands(value) ?? []).map((command) => keyOf(idOf(command))));
  for (const pending of state.pending) {
    const wins = winners.has(pending.key);
    if (wins && pending.slot === 0) pending.slot = slot;
    else if (!wins && pending.slot === slot) pending.slot = 0;
  }
}

/** Delivered: nobody has to see to them any more. */
export function forget(state: BroadcastState, commands: readonly Command[]): void {
  if (state.pending.length === 0) return;
  const gone = new Set(commands.map((command) => keyOf(idOf(command))));
  const isKept = ({ key }: Pending): boolean => !gone.has(key);
  if (!state.pending.every(isKept)) keep(state, state.pending.filter(isKept));
}

/** The configuration has ended: nothing that is here ever will be part of it. */
export function forgetAll(state: BroadcastState): void {
  keep(state, []);
}

function keep(state: BroadcastState, pending: Pending[]): void {
  state.pending = pending;
  state.keys = new Set(pending.map(({ key }) => key));
  state.pendingBytes = pending.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** They never left this replica and never will. */
function release(out: Out, requests: readonly RequestId[]): void {
  if (requests.length > 0) out.push({ kind: "release", requests, outcome: "never" });
}

export function idOf({ client, sequence }: Command): RequestId {
  return { client, sequence };
}

/** Unlike any other request's. */
export function keyOf({ client, sequence }: RequestId): string {
  return `${sequence} ${client}`;
}
