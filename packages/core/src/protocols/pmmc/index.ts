import { formatBallot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { NodeId } from "../../ids.ts";
import { assertNever, invariant } from "../../invariant.ts";
import type { Input, Protocol, ProtocolStatus } from "../../protocol.ts";
import { onP1a, onP2a, onReadQuery, onRenew } from "./acceptor.ts";
import { askOthers, onAsk, onBehind, onDecisions } from "./catch-up.ts";
import { onCompact, onInstalled } from "./checkpoint.ts";
import { pmmcCodec } from "./codec.ts";
import { onReport, report } from "./collection.ts";
import { lastEpoch } from "./epochs.ts";
import {
  askPeerAgain,
  drive,
  hear,
  onGrant,
  onLeaseTimeout,
  onNewEpoch,
  onP1b,
  onP2b,
  onPing,
  onPingTimeout,
  onPong,
  onPropose,
  onResendTimeout,
  onScoutTimeout,
} from "./leader.ts";
import type { Out, PmmcMessage } from "./messages.ts";
import { askReadsAgain, onRead, onReadReply, serveReads } from "./reads.ts";
import { onAdmit, onRecover, onStart } from "./recovery.ts";
import { advance, onDecision, onRequests, proposeAgain } from "./replica.ts";
import { setTimer, type TimerName } from "./send.ts";
import { createState, type PmmcState } from "./state.ts";
import { agreedTuning } from "./tuning.ts";

export { pmmcCodec } from "./codec.ts";
export {
  decodeReconfiguration,
  encodeReconfiguration,
  type Reconfiguration,
} from "./epochs.ts";
export { formatMessage, formatValue } from "./format.ts";
export {
  afterStep,
  createHistory,
  memberProblem,
  onDurable,
  onEffects,
  onSent,
  type PmmcHistory,
} from "./invariants.ts";
export { type Epoch, MESSAGE_KINDS, type PmmcMessage } from "./messages.ts";
export { pmmcModelling } from "./model.ts";
export { decodeRecord, journalRecord, type PmmcRecord } from "./records.ts";
export type { PmmcState } from "./state.ts";
export { PMMC_TUNING, type PmmcTuning } from "./tuning.ts";

/**
 * Van Renesse and Altinbuken, "Paxos Made Moderately Complex" (2015), with its section 4: replicas,
 * leaders with their scouts and commanders, and acceptors, on the same members or on different
 * ones. What it promises and how it differs: CARD.md.
 */
export const pmmc: Protocol<PmmcState, PmmcMessage> = {
  name: "pmmc",
  capabilities: {
    order: "total",
    logs: "one",
    stop: "host",
    reads: "quorum",
    leader: false,
    roles: ["replica", "leader", "acceptor", "spare"],
    learner: "replica",
  },
  messages: pmmcCodec,
  create: createState,
  step,
  status,
  agreed: agreedTuning,
};

/** The roles of a member answer each other within the step, until none has anything to say. */
function step(state: PmmcState, input: Input<PmmcMessage>, now: number): Effect<PmmcMessage>[] {
  const out: Out = { effects: [], local: [] };
  if (input.kind === "recover") {
    onRecover(state, input.records);
    return [];
  }
  invariant(input.kind === "start" || state.phase === "running", `${input.kind} before start`);
  const epoch = lastEpoch(state).number;
  dispatch(state, out, input, now);
  do {
    const { self } = state.settings;
    for (let next = out.local.shift(); next !== undefined; next = out.local.shift())
      onMessage(state, out, self, next, now);
    advance(state, out);
    drive(state, out);
    serveReads(state, out, now);
  } while (out.local.length > 0);
  if (lastEpoch(state).number !== epoch) onNewEpoch(state, out);
  return out.effects;
}

function dispatch(
  state: PmmcState,
  out: Out,
  input: Exclude<Input<PmmcMessage>, { kind: "recover" }>,
  now: number,
): void {
  switch (input.kind) {
    case "message":
      // Only members speak; of the rest nothing is known, least of all their votes.
      if (state.settings.members.includes(input.from))
        onMessage(state, out, input.from, input.message, now);
      return;
    case "timeout":
      return onTimeout(state, out, input.name as TimerName, now);
    case "propose":
      return onRequests(state, out, input.commands);
    case "read":
      return onRead(state, input.reads);
    case "stop":
      return onRequests(state, out, [input.command]);
    case "linkUp":
      return onLinkUp(state, out);
    case "compact":
      onCompact(state, out, input.position.index);
      return report(state, out);
    case "installed":
      onInstalled(state, out, input.position.index, input.image);
      return report(state, out);
    case "start":
      return onStart(state, out, input, now);
    case "admit":
      return onAdmit(state, out);
    default:
      return assertNever(input);
  }
}

function onMessage(
  state: PmmcState,
  out: Out,
  from: NodeId,
  message: PmmcMessage,
  now: number,
): void {
  switch (message.kind) {
    case "p1a":
      onP1a(state, out, from, message, now);
      return hear(state, out, state.acceptor.ballot);
    case "p1b":
      return onP1b(state, out, from, message);
    case "p2a":
      onP2a(state, out, from, message);
      return hear(state, out, state.acceptor.ballot);
    case "p2b":
      return onP2b(state, out, from, message);
    case "propose":
      return onPropose(state, out, from, message);
    case "decision":
      return onDecision(state, out, message);
    case "ping":
      return onPing(state, out, from, message);
    case "pong":
      return onPong(state, out, from, message);
    case "report":
      return onReport(state, out, from, message);
    case "ask":
      return onAsk(state, out, from, message);
    case "decisions":
      return onDecisions(state, out, from, message);
    case "behind":
      return onBehind(state, out, from, message);
    case "readQuery":
      return onReadQuery(state, out, from, message);
    case "readReply":
      return onReadReply(state, from, message);
    case "renew":
      return onRenew(state, out, from, message, now);
    case "grant":
      return onGrant(state, from, message);
    default:
      return assertNever(message);
  }
}

/** Timers may fire late, after what they were for has passed. */
function onTimeout(state: PmmcState, out: Out, name: TimerName, now: number): void {
  switch (name) {
    case "scout":
      return onScoutTimeout(state, out);
    case "ping":
      return onPingTimeout(state, out);
    case "resend":
      return onResendTimeout(state, out);
    case "retry":
      return onRetryTimeout(state, out);
    case "report":
      return report(state, out);
    case "deliver":
      // The step goes on delivering in any case.
      return;
    case "lease":
      return onLeaseTimeout(state, out, now);
    default:
      return assertNever(name);
  }
}

function onRetryTimeout(state: PmmcState, out: Out): void {
  const { replica } = state;
  if (replica === null) return;
  proposeAgain(state, out, replica);
  askOthers(state, out, replica);
  askReadsAgain(state, out);
  setTimer(out, "retry", state.tuning.retryMs);
}

/** What was under way on the old connection may be lost, so it is said again. */
function onLinkUp(state: PmmcState, out: Out): void {
  askPeerAgain(state, out);
  report(state, out);
  askReadsAgain(state, out);
}

function status(state: PmmcState): ProtocolStatus {
  const { leader, acceptor, replica } = state;
  const leads = leader.active !== null;
  const { proposer, round } = leader.seen;
  const other = round === 0 || proposer === state.settings.self ? null : proposer;
  return {
    role: leads ? "leader" : leader.scout === null ? "passive" : "scouting",
    leader: leads ? state.settings.self : other,
    ballot: formatBallot(leads ? leader.ballot : leader.seen),
    chosenUpTo: (replica?.slotOut ?? 1) - 1,
    compactedUpTo: replica?.compactedUpTo ?? acceptor.gcSlot,
    voter: state.voter,
    detail: {
      adoptedRound: acceptor.ballot.round,
      gcSlot: acceptor.gcSlot,
      epoch: lastEpoch(state).number,
      commanders: leader.commanders.size,
      entries: acceptor.accepted.size + leader.proposals.size + (replica?.decisions.size ?? 0),
      queueBytes: replica?.requestBytes ?? 0,
      readsWaiting: replica?.attempts.size ?? 0,
      knownChosenUpTo: replica?.known.slot ?? 0,
      impaired: state.impaired ? 1 : 0,
      stoppedAt: replica?.stoppedAt ?? 0,
    },
  };
}
