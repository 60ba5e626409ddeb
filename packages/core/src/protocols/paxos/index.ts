import { formatBallot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { NodeId } from "../../ids.ts";
import { assertNever, invariant } from "../../invariant.ts";
import type { Input, Protocol, ProtocolStatus } from "../../protocol.ts";
import {
  onAcceptedBy,
  onOutbid,
  onPromised,
  onProposer,
  onResendTimeout,
  onRetryTimeout,
} from "./ballots.ts";
import { paxosCodec } from "./codec.ts";
import { onAsk, onAskTimeout, onChosen, onLinkUp, onRead, onTold } from "./inquiries.ts";
import type { Out, PaxosMessage } from "./messages.ts";
import { onForward, onPropose } from "./proposals.ts";
import { onAdmit, onInstalled, onRecover, onStart } from "./recovery.ts";
import { checkpoint, type TimerName } from "./send.ts";
import { createState, type PaxosState } from "./state.ts";

export {
  type AcceptorState,
  type AcceptorStep,
  createAcceptor,
  onAccept,
  onPrepare,
  recoverAcceptor,
} from "./acceptor.ts";
export { doubled } from "./backoff.ts";
export { paxosCodec } from "./codec.ts";
export { formatMessage, formatValue } from "./format.ts";
export {
  afterStep,
  createHistory,
  onDurable,
  onSent,
  type PaxosHistory,
  replicaProblem,
} from "./invariants.ts";
export {
  beginInquiry,
  createLearner,
  type Finding,
  findingOf,
  hearAccepted,
  hearChosen,
  hearTold,
  type LearnerState,
} from "./learner.ts";
export { MESSAGE_KINDS, type PaxosMessage, type Proposal } from "./messages.ts";
export { paxosModelling } from "./model.ts";
export {
  type Attempt,
  backoffMs,
  beginBallot,
  createProposer,
  onAccepted,
  onNack,
  onPromise,
  type ProposerState,
  see,
  unanswered,
} from "./proposer.ts";
export { decodeRecord, journalRecord, type PaxosRecord } from "./records.ts";
export type { PaxosState } from "./state.ts";
export { PAXOS_TUNING, type PaxosTuning } from "./tuning.ts";

/**
 * Single-decree Paxos: Lamport, "Paxos Made Simple" (2001) §2. Members agree on one value, once.
 * Its three roles are plain states and functions without a transport, for whoever needs many
 * decrees or other rules around them; this protocol puts them on the members of a configuration.
 * What it promises and how it differs: CARD.md.
 */
export const paxos: Protocol<PaxosState, PaxosMessage> = {
  name: "paxos",
  capabilities: {
    order: "total",
    logs: "one",
    stop: "own",
    reads: "quorum",
    leader: false,
    roles: ["proposer", "acceptor", "learner"],
    learner: "learner",
  },
  messages: paxosCodec,
  create: createState,
  step,
  status,
};

function step(state: PaxosState, input: Input<PaxosMessage>, _now: number): Effect<PaxosMessage>[] {
  const out: Out = [];
  if (input.kind === "recover") {
    onRecover(state, input.records);
    return out;
  }
  invariant(input.kind === "start" || state.phase === "running", `${input.kind} before start`);
  dispatch(state, out, input);
  return out;
}

function dispatch(
  state: PaxosState,
  out: Out,
  input: Exclude<Input<PaxosMessage>, { kind: "recover" }>,
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
      return checkpoint(state, out);
    case "installed":
      return onInstalled(state, out, input.image);
    case "start":
      return onStart(state, out, input);
    case "admit":
      return onAdmit(state, out);
    default:
      return assertNever(input);
  }
}

function onMessage(state: PaxosState, out: Out, from: NodeId, message: PaxosMessage): void {
  switch (message.kind) {
    case "prepare":
    case "accept":
      return onProposer(state, out, from, message);
    case "promise":
      return onPromised(state, out, from, message);
    case "nack":
      return onOutbid(state, out, message);
    case "accepted":
      return onAcceptedBy(state, out, from, message);
    case "chosen":
      return onChosen(state, out, message);
    case "ask":
      return onAsk(state, out, from, message);
    case "told":
      return onTold(state, out, from, message);
    case "forward":
      return onForward(state, out, from, message);
    default:
      return assertNever(message);
  }
}

/** Timers may fire late, after what they were for has passed. */
function onTimeout(state: PaxosState, out: Out, name: TimerName): void {
  if (state.learner.chosen !== null) return;
  switch (name) {
    case "retry":
      return onRetryTimeout(state, out);
    case "resend":
      return onResendTimeout(state, out);
    case "ask":
      return onAskTimeout(state, out);
    default:
      return assertNever(name);
  }
}

function status(state: PaxosState): ProtocolStatus {
  const { proposer, acceptor, learner, voter, impaired } = state;
  const { attempt } = proposer;
  return {
    role: learner.chosen !== null ? "decided" : (attempt?.phase ?? "idle"),
    leader: null,
    ballot: formatBallot(attempt?.ballot ?? proposer.highest),
    chosenUpTo: learner.chosen === null ? 0 : 1,
    compactedUpTo: 0,
    voter,
    detail: {
      promisedRound: acceptor.promised.round,
      acceptedRound: acceptor.accepted?.ballot.round ?? 0,
      outbid: proposer.outbid,
      requests: state.requests.length,
      impaired: impaired ? 1 : 0,
      damaged: acceptor.damaged ? 1 : 0,
    },
  };
}
