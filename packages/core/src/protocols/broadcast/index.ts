import { formatBallot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { assertNever, invariant } from "../../invariant.ts";
import type { Input, Protocol, ProtocolStatus } from "../../protocol.ts";
import {
  onBehind,
  onCatchUpTimeout,
  onGossipTimeout,
  onLearn,
  onProgress,
  pursue,
  tellProgress,
} from "./catch-up.ts";
import { broadcastCodec } from "./codec.ts";
import { onCompact, onInstalled } from "./compaction.ts";
import { drive, onTurnTimeout } from "./drive.ts";
import { onDecided, onDecree, onResendTimeout, sayAgain } from "./instances.ts";
import type { BroadcastMessage, Out } from "./messages.ts";
import { advance } from "./order.ts";
import { onOffer, onPropose } from "./pending.ts";
import { askAgain, onAsk, onRead, onReadsTimeout, onTold, serve } from "./reads.ts";
import { onAdmit, onRecover, onStart } from "./recovery.ts";
import type { TimerName } from "./send.ts";
import { ascending, type BroadcastState, createState } from "./state.ts";

export { broadcastCodec } from "./codec.ts";
export { formatMessage, formatValue } from "./format.ts";
export {
  afterStep,
  atRest,
  type BroadcastHistory,
  createHistory,
  onDelivered,
  onDurable,
  onProposed,
  onSent,
  replicaProblem,
} from "./invariants.ts";
export {
  type BroadcastMessage,
  INSTANCE_KINDS,
  type InstanceMessage,
  MESSAGE_KINDS,
} from "./messages.ts";
export { broadcastModelling } from "./model.ts";
export { type BroadcastRecord, decodeRecord, journalRecord } from "./records.ts";
export type { BroadcastState, Instance, Pending } from "./state.ts";
export { BROADCAST_TUNING, type BroadcastTuning } from "./tuning.ts";

/**
 * Total-order broadcast from an unbounded sequence of single-decree Paxos instances, without a
 * leader: Chandra and Toueg, "Unreliable Failure Detectors for Reliable Distributed Systems" (1996)
 * §6.4, over Lamport, "Paxos Made Simple" (2001) §2. What it promises and how it differs: CARD.md.
 */
export const broadcast: Protocol<BroadcastState, BroadcastMessage> = {
  name: "broadcast",
  capabilities: {
    order: "total",
    logs: "one",
    stop: "host",
    reads: "quorum",
    leader: false,
    roles: ["proposer", "acceptor", "learner"],
    learner: "learner",
  },
  messages: broadcastCodec,
  create: createState,
  step,
  status,
};

/**
 * Handlers change what they must; what follows from the change is drawn at the end, once for all.
 */
function step(
  state: BroadcastState,
  input: Input<BroadcastMessage>,
  _now: number,
): Effect<BroadcastMessage>[] {
  const out: Out = [];
  if (input.kind === "recover") {
    onRecover(state, input.records);
    return out;
  }
  invariant(input.kind === "start" || state.phase === "running", `${input.kind} before start`);
  dispatch(state, out, input);
  advance(state, out);
  serve(state, out);
  drive(state, out);
  pursue(state, out);
  return out;
}

function dispatch(
  state: BroadcastState,
  out: Out,
  input: Exclude<Input<BroadcastMessage>, { kind: "recover" }>,
): void {
  switch (input.kind) {
    case "message":
      // Only members speak; of the rest nothing is known, least of all their votes.
      if (state.settings.members.includes(input.from))
        onMessage(state, out, input.from, input.message);
      return;
    case "timeout":
      return onTimeout(state, out, input.name as TimerName);
    case "propose":
      return onPropose(state, out, input.commands);
    case "read":
      return onRead(state, out, input.reads);
    case "stop":
      return onPropose(state, out, [input.command]);
    case "linkUp":
      return onLinkUp(state, out, input.peer);
    case "compact":
      return onCompact(state, out, input.position.index);
    case "installed":
      return onInstalled(state, out, input.position.index);
    case "start":
      return onStart(state, out, input);
    case "admit":
      return onAdmit(state, out);
    default:
      return assertNever(input);
  }
}

function onMessage(state: BroadcastState, out: Out, from: NodeId, message: BroadcastMessage): void {
  switch (message.kind) {
    case "decree":
      return onDecree(state, out, from, message);
    case "decided":
      return onDecided(state, out, from, message);
    case "learn":
      return onLearn(state, out, from, message);
    case "behind":
      return onBehind(state, out, from, message);
    case "progress":
      return onProgress(state, out, from, message);
    case "offer":
      return onOffer(state, message);
    case "ask":
      return onAsk(state, out, from, message);
    case "told":
      return onTold(state, out, from, message);
    default:
      return assertNever(message);
  }
}

/** Timers may fire late, after what they were for has passed. */
function onTimeout(state: BroadcastState, out: Out, name: TimerName): void {
  switch (name) {
    case "turn":
      return onTurnTimeout(state, out);
    case "resend":
      return onResendTimeout(state, out);
    case "catchUp":
      return onCatchUpTimeout(state, out);
    case "reads":
      return onReadsTimeout(state, out);
    case "gossip":
      return onGossipTimeout(state, out);
    case "deliver":
      // The step goes on delivering in any case.
      return;
    default:
      return assertNever(name);
  }
}

/** What was under way on the old connection may be lost, so it is said again. */
function onLinkUp(state: BroadcastState, out: Out, peer: NodeId): void {
  tellProgress(state, out, peer);
  if (state.roles.acceptors.includes(peer)) sayAgain(state, out, Number.MAX_SAFE_INTEGER, [peer]);
  for (const pending of state.pending) if (pending.offeredTo === peer) pending.offeredTo = null;
  askAgain(state, out, peer);
}

function status(state: BroadcastState): ProtocolStatus {
  const { instances, decidedUpTo } = state;
  const own = ascending(instances.keys()).filter(
    (slot) => (instances.get(slot)?.proposer?.attempt ?? null) !== null,
  );
  const [first] = own;
  return {
    role: own.length > 0 ? "proposing" : state.turn === null ? "idle" : "waiting",
    leader: null,
    ballot: first === undefined ? "0.0" : ballotIn(state, first),
    chosenUpTo: decidedUpTo,
    compactedUpTo: state.compactedUpTo,
    voter: state.voter,
    detail: {
      deliveredUpTo: state.deliveredUpTo,
      openUpTo: state.openUpTo,
      instances: instances.size,
      proposing: own.length,
      pending: state.pending.length,
      readsWaiting: roundsOf(state.reads),
      queueBytes: state.pendingBytes,
      entries: state.decided.size + instances.size,
      lost: state.lost.size,
      impaired: state.impaired ? 1 : 0,
      stoppedAt: state.stoppedAt,
    },
  };
}

/** Questions under way or to come, and answers that wait for their slot. */
function roundsOf({ covered, waiting, cleared }: BroadcastState["reads"]): number {
  return Math.sign(covered.length) + Math.sign(waiting.length) + cleared.length;
}

function ballotIn({ instances }: BroadcastState, slot: Slot): string {
  const attempt = instances.get(slot)?.proposer?.attempt ?? null;
  return attempt === null ? "0.0" : formatBallot(attempt.ballot);
}
