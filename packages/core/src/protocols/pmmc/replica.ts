import { type Ballot, compareBallots } from "../../ballot.ts";
import { Writer } from "../../codec.ts";
import type { Command } from "../../command.ts";
import { decodeCommands, writeCommand } from "../../command-codec.ts";
import type { RequestId, Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import { VALUE_BYTES_MAX } from "../../limits.ts";
import { sameBytes } from "../../same-bytes.ts";
import { epochImage, epochOf, epochsToTell, lastEpoch, NO_IMAGE, reconfigure } from "./epochs.ts";
import { mayLead } from "./leader.ts";
import type { Decision, Out } from "./messages.ts";
import { note, observe, setTimer, tellNow } from "./send.ts";
import { NO_OP, type PmmcState, type ReplicaState, type Request } from "./state.ts";

/**
 * Puts requests into slots, executes what was decided in the order of slots, and proposes again
 * what lost its slot to another command (section 2.1).
 */

/** Requests of this member's host, encoded once. What is pending here already is not new. */
export function onRequests(state: PmmcState, out: Out, commands: readonly Command[]): void {
  const { replica, tuning } = state;
  if (replica === null || replica.stoppedAt > 0) return release(out, commands);
  const news = commands.filter((command) => !replica.pending.has(nameOf(command)));
  const writer = new Writer(news.reduce((sum, c) => sum + c.payload.length + 128, 16));
  let batch: Command[] = [];
  for (const [index, command] of news.entries()) {
    batch.push(command);
    writeCommand(writer, command);
    const more = news[index + 1]?.payload.length;
    if (more !== undefined && writer.length + more <= tuning.batchBytesMax) continue;
    const value = writer.take();
    const fits = replica.requestBytes + value.length <= tuning.queueBytesMax;
    if (!fits || value.length > VALUE_BYTES_MAX) release(out, batch);
    else addRequest(replica, { value, names: batch.map(nameOf) });
    writer.reset();
    batch = [];
  }
}

function addRequest(replica: ReplicaState, request: Request): void {
  replica.requests.push(request);
  replica.requestBytes += request.value.length;
  for (const name of request.names) replica.pending.add(name);
}

function nameOf({ client, sequence }: RequestId): string {
  return `${client}#${sequence}`;
}

/** A command is chosen for a slot; known to this replica, or held by its acceptor. */
export function onDecision(state: PmmcState, out: Out, message: Decision): void {
  const { slot, ballot } = message;
  const accepted = state.acceptor.accepted.get(slot);
  const holds = accepted !== undefined && compareBallots(accepted.ballot, ballot) >= 0;
  const value = message.value ?? (holds ? accepted.value : null);
  if (value !== null) decided(state, out, slot, value);
}

/** Records a decision, by a mark alone where the acceptor of this member holds the command. */
export function decided(state: PmmcState, out: Out, slot: Slot, value: Uint8Array): void {
  const { replica } = state;
  if (replica === null || slot < replica.slotOut || replica.decisions.has(slot)) return;
  replica.decisions.set(slot, value);
  const mark = markFor(state, slot, value);
  if (mark === null) note(state, out, { kind: "learned", slot, value });
  else note(state, out, { kind: "decided", slot, ballot: mark });
}

/** The ballot in which this very command was accepted here. */
export function markFor(state: PmmcState, slot: Slot, value: Uint8Array): Ballot | null {
  const accepted = state.acceptor.accepted.get(slot);
  return accepted !== undefined && sameBytes(accepted.value, value) ? accepted.ballot : null;
}

/** Executes what is decided without a gap, then proposes as far as WINDOW allows. */
export function advance(state: PmmcState, out: Out): void {
  const { replica, tuning } = state;
  if (replica === null) return;
  let bytes = 0;
  while (replica.stoppedAt === 0) {
    const value = replica.decisions.get(replica.slotOut);
    if (value === undefined) break;
    if (bytes > 0 && bytes + value.length > tuning.deliverBytes) {
      setTimer(out, "deliver", 0);
      break;
    }
    bytes += value.length + 1;
    perform(state, out, replica, value);
  }
  propose(state, out, replica);
}

/**
 * Executes the command of `slotOut`. Commands that were decided before are the host's to know, by
 * their sessions.
 */
function perform(state: PmmcState, out: Out, replica: ReplicaState, value: Uint8Array): void {
  const slot = replica.slotOut;
  const own = replica.proposals.get(slot);
  replica.proposals.delete(slot);
  const commands = decodeCommands(value);
  invariant(commands !== null, `slot ${slot} holds no batch of commands`);
  for (const command of commands) replica.pending.delete(nameOf(command));
  if (own !== undefined && own.names.length > 0 && !sameBytes(own.value, value)) {
    observe(out, "displaced", { slot });
    replica.requests.unshift({ value: own.value, names: own.names });
    replica.requestBytes += own.value.length;
  }
  replica.slotOut = slot + 1;
  let image = NO_IMAGE;
  for (const { kind, payload } of commands) {
    if (kind === "apply") continue;
    if (kind === "configure" && reconfigure(state, slot, payload)) tellEpoch(state, out);
    if (kind === "stop") replica.stoppedAt = slot;
    image = epochImage(state, slot);
    if (kind === "stop") break;
  }
  out.effects.push({ kind: "deliver", position: { log: 0, index: slot }, commands, image });
}

function tellEpoch(state: PmmcState, out: Out): void {
  const { number, first, leaders, acceptors } = lastEpoch(state);
  const who = { leaders: leaders.join(), acceptors: acceptors.join() };
  observe(out, "epoch", { number, first, ...who });
}

/** Requests get the next slots that are free, at most WINDOW beyond what is executed. */
function propose(state: PmmcState, out: Out, replica: ReplicaState): void {
  replica.slotIn = Math.max(replica.slotIn, replica.slotOut);
  dropDecided(replica);
  while (mayPropose(state, replica) && replica.requests.length > 0) {
    const slot = replica.slotIn;
    replica.slotIn += 1;
    if (replica.decisions.has(slot) || replica.proposals.has(slot)) continue;
    const request = takeBatch(replica, state.tuning.batchBytesMax);
    replica.proposals.set(slot, { ...request, age: 0 });
    tellLeaders(state, out, slot, request.value, false);
  }
}

function mayPropose(state: PmmcState, replica: ReplicaState): boolean {
  return replica.stoppedAt === 0 && replica.slotIn < replica.slotOut + state.tuning.window;
}

/**
 * To the leader of this member alone, where there is one, which passes it on to the one that it
 * waits for (section 4.4); a second time, to all leaders of the slot.
 */
function tellLeaders(
  state: PmmcState,
  out: Out,
  slot: Slot,
  value: Uint8Array,
  again: boolean,
): void {
  const { self } = state.settings;
  const leaders = (epochOf(state, slot) ?? lastEpoch(state)).leaders;
  const local = !again && mayLead(state) && leaders.includes(self);
  const epochs = epochsToTell(state);
  const message = { kind: "propose", slot, value, passedOn: again, epochs } as const;
  tellNow(state, out, local ? [self] : leaders, message);
}

/**
 * What was proposed and not decided since the last look is proposed again; when nothing was
 * executed meanwhile though something waits for it, undecided slots before that get no-ops.
 */
export function proposeAgain(state: PmmcState, out: Out, replica: ReplicaState): void {
  if (replica.stoppedAt > 0) return;
  for (const [slot, own] of replica.proposals) {
    if (own.age > 0 && !replica.decisions.has(slot)) tellLeaders(state, out, slot, own.value, true);
    own.age += 1;
  }
  if (replica.checkedAt === replica.slotOut) fillGaps(state, out, replica);
  replica.checkedAt = replica.slotOut;
}

function fillGaps(state: PmmcState, out: Out, replica: ReplicaState): void {
  const { slotOut, readTarget } = replica;
  let wanted = readTarget;
  for (const slot of replica.decisions.keys()) wanted = Math.max(wanted, slot);
  for (const slot of replica.proposals.keys()) wanted = Math.max(wanted, slot);
  const last = Math.min(wanted, slotOut + state.tuning.window - 1);
  for (let slot = slotOut; slot <= last; slot += 1) {
    if (replica.decisions.has(slot) || replica.proposals.has(slot)) continue;
    observe(out, "gap", { slot });
    replica.proposals.set(slot, { value: NO_OP, names: [], age: 0 });
    replica.slotIn = Math.max(replica.slotIn, slot + 1);
    tellLeaders(state, out, slot, NO_OP, false);
  }
}

/** Batches of which every command was decided by another replica's proposal are done with. */
function dropDecided(replica: ReplicaState): void {
  const isPending = ({ names }: Request): boolean =>
    names.some((name) => replica.pending.has(name));
  if (replica.requests.every(isPending)) return;
  replica.requests = replica.requests.filter(isPending);
  replica.requestBytes = replica.requests.reduce((sum, { value }) => sum + value.length, 0);
}

/** As many queued batches as fit into one value, at least one. */
function takeBatch(replica: ReplicaState, bytesMax: number): Request {
  const head = replica.requests[0] as Request;
  let count = 1;
  let bytes = head.value.length;
  for (; count < replica.requests.length; count += 1) {
    const more = (replica.requests[count] as Request).value.length;
    if (bytes + more > bytesMax) break;
    bytes += more;
  }
  const taken = replica.requests.splice(0, count);
  replica.requestBytes -= bytes;
  if (count === 1) return head;
  const writer = new Writer(bytes);
  for (const { value } of taken) writer.raw(value);
  return { value: writer.take(), names: taken.flatMap(({ names }) => names) };
}

/** They never left this member and never will. */
function release(out: Out, commands: readonly Command[]): void {
  if (commands.length === 0) return;
  const requests = commands.map(({ client, sequence }): RequestId => ({ client, sequence }));
  out.effects.push({ kind: "release", requests, outcome: "never" });
}
