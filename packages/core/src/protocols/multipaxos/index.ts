import { formatBallot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { NodeId } from "../../ids.ts";
import { assertNever, invariant } from "../../invariant.ts";
import type { Input, Protocol, ProtocolStatus } from "../../protocol.ts";
import { onAccept, onCommit, onHeartbeat, onPrepare } from "./acceptor.ts";
import {
  onElectionTimeout,
  onNack,
  onProbe,
  onProbed,
  onPromise,
  resendPrepare,
} from "./candidate.ts";
import { onBehind, onCatchUp, onCatchUpTimeout, pursue } from "./catch-up.ts";
import { multipaxosCodec } from "./codec.ts";
import { onCompact, onInstalled } from "./compaction.ts";
import {
  drive,
  onAccepted,
  onCheckTimeout,
  onHeartbeatAck,
  onHeartbeatTimeout,
  onLearn,
  onResendTimeout,
  resendTo,
} from "./leader.ts";
import { advance } from "./learner.ts";
import type { MultipaxosMessage, Out } from "./messages.ts";
import { onForward, onPropose } from "./proposals.ts";
import { askReadsAgain, beat, onRead, onReadAt, onReadIndex } from "./reads.ts";
import { onAdmit, onRecover, onStart } from "./recovery.ts";
import { releaseForwarded } from "./roles.ts";
import { setTimer, type TimerName } from "./send.ts";
import { createState, type MultipaxosState } from "./state.ts";

export { multipaxosCodec } from "./codec.ts";
export { formatMessage, formatValue } from "./format.ts";
export {
  afterStep,
  createHistory,
  type MultipaxosHistory,
  onDurable,
  onSent,
  replicaProblem,
} from "./invariants.ts";
export { MESSAGE_KINDS, type MultipaxosMessage } from "./messages.ts";
export { multipaxosModelling } from "./model.ts";
export { decodeRecord, journalRecord, type MultipaxosRecord } from "./records.ts";
export type { Entry, MultipaxosState, Role } from "./state.ts";
export { MULTIPAXOS_TUNING, type MultipaxosTuning } from "./tuning.ts";

/**
 * Multi-Paxos with a distinguished proposer: Lamport, "Paxos Made Simple" (2001) §3, and van
 * Renesse and Altinbuken, "Paxos Made Moderately Complex" (2015). What it promises and how it
 * differs: CARD.md.
 */
export const multipaxos: Protocol<MultipaxosState, MultipaxosMessage> = {
  name: "multipaxos",
  capabilities: {
    order: "total",
    logs: "one",
    stop: "host",
    reads: "quorum",
    leader: true,
    roles: ["proposer", "acceptor", "learner"],
    learner: "learner",
  },
  messages: multipaxosCodec,
  create: createState,
  step,
  status,
};

/**
 * Handlers change what they must; what follows from the change is drawn at the end, once for all.
 */
function step(
  state: MultipaxosState,
  input: Input<MultipaxosMessage>,
  _now: number,
): Effect<MultipaxosMessage>[] {
  const out: Out = [];
  if (input.kind === "recover") {
    onRecover(state, input.records);
    return out;
  }
  invariant(input.kind === "start" || state.phase === "running", `${input.kind} before start`);
  dispatch(state, out, input);
  advance(state, out);
  if (state.role.kind === "leader") drive(state, out, state.role);
  pursue(state, out);
  return out;
}

function dispatch(
  state: MultipaxosState,
  out: Out,
  input: Exclude<Input<MultipaxosMessage>, { kind: "recover" }>,
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

function onMessage(
  state: MultipaxosState,
  out: Out,
  from: NodeId,
  message: MultipaxosMessage,
): void {
  switch (message.kind) {
    case "probe":
      return onProbe(state, out, from, message);
    case "probed":
      return onProbed(state, out, from, message);
    case "prepare":
      return onPrepare(state, out, from, message);
    case "promise":
      return onPromise(state, out, from, message);
    case "nack":
      return onNack(state, out, from, message);
    case "accept":
      return onAccept(state, out, from, message);
    case "accepted":
      return onAccepted(state, from, message);
    case "commit":
      return onCommit(state, out, from, message);
    case "heartbeat":
      return onHeartbeat(state, out, from, message);
    case "heartbeatAck":
      return onHeartbeatAck(state, from, message);
    case "catchUp":
      return onCatchUp(state, out, from, message);
    case "learn":
      return onLearn(state, out, from, message);
    case "behind":
      return onBehind(state, out, from, message);
    case "forward":
      return onForward(state, out, from, message);
    case "readIndex":
      return onReadIndex(state, from, message);
    case "readAt":
      return onReadAt(state, out, message);
    default:
      return assertNever(message);
  }
}

/** Timers may fire late, after what they were for has passed. */
function onTimeout(state: MultipaxosState, out: Out, name: TimerName): void {
  const { role } = state;
  switch (name) {
    case "election":
      return onElectionTimeout(state, out);
    case "quiet":
      state.leaderAlive = false;
      return;
    case "heartbeat":
      if (role.kind === "leader") onHeartbeatTimeout(state, out, role);
      return;
    case "check":
      if (role.kind === "leader") onCheckTimeout(state, out, role);
      return;
    case "resend":
      if (role.kind === "leader") onResendTimeout(state, out, role);
      if (role.kind !== "candidate") return;
      resendPrepare(out, role, state.settings.members);
      return setTimer(out, "resend", state.tuning.resendMs);
    case "catchUp":
      return onCatchUpTimeout(state, out);
    case "reads":
      askReadsAgain(state, out);
      return;
    case "deliver":
      // The step goes on delivering in any case.
      return;
    default:
      return assertNever(name);
  }
}

/** What was under way on the old connection may be lost, so it is said again. */
function onLinkUp(state: MultipaxosState, out: Out, peer: NodeId): void {
  const { role } = state;
  if (role.kind === "candidate") resendPrepare(out, role, [peer]);
  if (role.kind === "leader") {
    beat(state, out, role);
    resendTo(state, out, role, peer, role.nextSlot);
  }
  if (peer === state.leader) {
    releaseForwarded(state, out);
    askReadsAgain(state, out);
  }
}

function status(state: MultipaxosState): ProtocolStatus {
  const { role } = state;
  return {
    role: role.kind,
    leader: state.leader,
    ballot: formatBallot(role.kind === "leader" ? role.ballot : state.leaderBallot),
    chosenUpTo: state.chosenUpTo,
    compactedUpTo: state.compactedUpTo,
    voter: state.voter,
    detail: {
      deliveredUpTo: state.deliveredUpTo,
      promisedRound: state.promised.round,
      open: role.kind === "leader" ? role.open.size : 0,
      entries: state.log.size,
      queueBytes: state.queueBytes,
      readsWaiting: state.reads.size,
      impaired: state.impaired ? 1 : 0,
      faulty: state.faulty.size,
      stoppedAt: state.stoppedAt,
    },
  };
}
