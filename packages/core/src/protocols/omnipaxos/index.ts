import { compareBallots, formatBallot, sameBallot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { NodeId } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import type { Input, Protocol, ProtocolStatus } from "../../protocol.ts";
import { campaign } from "./candidate.ts";
import { omnipaxosCodec } from "./codec.ts";
import {
  beginRound,
  endRound,
  hasNews,
  hearPromise,
  onReply,
  opinionOf,
  resumeElection,
  takeOver,
  wayToLeader,
} from "./election.ts";
import { hearOfChosen } from "./learner.ts";
import type { ElectionMessage, OmniPaxosMessage, Out } from "./messages.ts";
import { PARTS, paceAnswer, paceRound, roundMs } from "./pace.ts";
import { onRecover } from "./recovery.ts";
import { setWay } from "./roles.ts";
import { setTimer, tellNow } from "./send.ts";
import {
  isCaughtUp,
  onSequenceInput,
  pursuedBallot,
  type SequenceInput,
  sequenceStep,
} from "./sequence-paxos.ts";
import { chosenUpTo, createState, type OmniPaxosState } from "./state.ts";

export { omnipaxosCodec } from "./codec.ts";
export type { ElectionState } from "./election.ts";
export { formatClaim, formatMessage, formatValue } from "./format.ts";
export {
  afterStep,
  createHistory,
  electionProblem,
  type OmniPaxosHistory,
  onDurable,
  onSent,
  replicaProblem,
} from "./invariants.ts";
export {
  type Claim,
  MESSAGE_KINDS,
  type OmniPaxosMessage,
  type PromiseMessage,
} from "./messages.ts";
export { sequenceModelling } from "./model.ts";
export { roundMs } from "./pace.ts";
export { PATIENCE_MAX } from "./preference.ts";
export { decodeRecord, journalRecord, type OmniPaxosRecord } from "./records.ts";
export type { OmniPaxosState, Role, SequenceState } from "./state.ts";
export { OMNIPAXOS_TUNING, type OmniPaxosTuning } from "./tuning.ts";

/**
 * OmniPaxos: Ng, Haridi and Carbone, "Omni-Paxos: Breaking the Barriers of Partial Connectivity"
 * (EuroSys 2023). What it promises and how it differs: CARD.md.
 */
export const omnipaxos: Protocol<OmniPaxosState, OmniPaxosMessage> = {
  name: "omnipaxos",
  capabilities: {
    order: "total",
    logs: "one",
    stop: "host",
    reads: "quorum",
    leader: true,
    roles: ["proposer", "acceptor", "learner"],
    learner: "learner",
  },
  messages: omnipaxosCodec,
  create: createState,
  step,
  status,
};

function step(
  state: OmniPaxosState,
  input: Input<OmniPaxosMessage>,
  now: number,
): Effect<OmniPaxosMessage>[] {
  const out: Out = [];
  const { sequence } = state;
  if (input.kind === "recover") {
    onRecover(sequence, input.records);
    return out;
  }
  invariant(input.kind === "start" || sequence.phase === "running", `${input.kind} before start`);
  sequenceStep(sequence, out, () => dispatch(state, out, input, now));
  hearPromise(state.election, sequence.promised);
  if (hasNews(state.election) && sequence.voter)
    for (const [member, round] of [...state.election.asked].sort(([a], [b]) => a - b))
      reply(state, out, member, round);
  return out;
}

function dispatch(
  state: OmniPaxosState,
  out: Out,
  input: Exclude<Input<OmniPaxosMessage>, { kind: "recover" }>,
  now: number,
): void {
  const { sequence } = state;
  if (input.kind === "message") {
    // Only members speak; of the rest nothing is known, least of all their votes.
    if (!sequence.settings.members.includes(input.from)) return;
    const { message, from } = input;
    if (message.kind === "heartbeat" || message.kind === "heartbeatReply")
      return onElectionMessage(state, out, from, message, now);
    return onSequenceInput(sequence, out, { kind: "message", from, message });
  }
  if (input.kind === "timeout" && input.name === "election")
    return onElectionTimeout(state, out, now);
  onSequenceInput(sequence, out, input as SequenceInput);
  if (input.kind === "start") beginElection(state, out, now, input.led === true);
  else if (input.kind === "admit" && sequence.voter) beginElection(state, out, now, false);
}

/**
 * The election begins with what the log has promised, and so does a member that is admitted. Who
 * led the configuration before takes over at once: there is nobody else to be heard first.
 */
function beginElection(state: OmniPaxosState, out: Out, now: number, led: boolean): void {
  const { election, sequence } = state;
  resumeElection(election, sequence.promised);
  state.ticks = 0;
  if (sequence.others.length === 0) return onElectionTimeout(state, out, now);
  measureFrom(state, now);
  if (led && sequence.voter) {
    takeOver(election);
    campaign(sequence, out, election.own);
  }
  askOthers(state, out);
}

function onElectionTimeout(state: OmniPaxosState, out: Out, now: number): void {
  const { sequence } = state;
  state.ticks += 1;
  if (state.ticks >= PARTS || sequence.others.length === 0) {
    state.ticks = 0;
    judgeRound(state, out);
    measureFrom(state, now);
  }
  askOthers(state, out);
}

function judgeRound(state: OmniPaxosState, out: Out): void {
  const { election, sequence } = state;
  const { promised, voter, role, settings } = sequence;
  const ballot = endRound(election, {
    quorums: settings.quorums,
    voter,
    promised,
    pursues: pursuedBallot(sequence),
    leads: role.kind === "leader",
    caughtUp: isCaughtUp(sequence),
    takeOverRounds: sequence.tuning.takeOverRounds,
  });
  beginRound(election);
  if (ballot !== null) {
    const { won, over } = election.preference;
    if (won !== null && sameBallot(won, ballot))
      out.push({ kind: "observe", event: "preferred", detail: { over: over.proposer } });
    return campaign(sequence, out, ballot);
  }
  const way = wayToLeader(election);
  if (way !== null) setWay(sequence, out, way);
}

/** Round trips of the round that has begun are measured, where the time-out follows them. */
function measureFrom({ election, pace, sequence }: OmniPaxosState, now: number): void {
  if (sequence.tuning.electionMinMs > 0) paceRound(pace, election.round, now);
}

function askOthers(state: OmniPaxosState, out: Out): void {
  const { election, sequence } = state;
  if (sequence.others.length === 0) return;
  setTimer(out, "election", Math.ceil(roundMs(state.pace, sequence.tuning) / PARTS));
  const silent = sequence.others.filter((member) => !election.replies.has(member));
  if (silent.length === 0) return;
  const { round } = election;
  const message = { kind: "heartbeat", round, chosenUpTo: chosenUpTo(sequence) } as const;
  out.push({ kind: "sendNow", to: silent, message });
}

function onElectionMessage(
  state: OmniPaxosState,
  out: Out,
  from: NodeId,
  message: ElectionMessage,
  now: number,
): void {
  const { election, pace, sequence } = state;
  hearOfChosen(sequence, from, message.chosenUpTo);
  if (message.kind === "heartbeatReply") {
    const { round } = message;
    const isAmbiguous = round === election.round && state.ticks > 0;
    paceAnswer(pace, { from, round, isAmbiguous, now }, sequence.tuning);
    return onReply(election, from, message);
  }
  election.asked.set(from, message.round);
  // A non-voter is nobody's follower: a quorum cannot rest on it.
  if (sequence.voter) reply(state, out, from, message.round);
}

function reply(state: OmniPaxosState, out: Out, to: NodeId, round: number): void {
  const { election, sequence } = state;
  tellNow(sequence, out, to, {
    kind: "heartbeatReply",
    round,
    ...opinionOf(election),
    chosenUpTo: chosenUpTo(sequence),
  });
}

function status({ election, sequence }: OmniPaxosState): ProtocolStatus {
  const { role, settings } = sequence;
  const reads = [...sequence.reads.values()].filter(({ kind }) => kind === "local");
  const isOlder = compareBallots(sequence.promised, election.leader) < 0;
  return {
    role: role.kind,
    leader: role.kind === "leader" ? settings.self : sequence.leader,
    ballot: formatBallot(isOlder ? election.leader : sequence.promised),
    chosenUpTo: sequence.decidedUpTo,
    compactedUpTo: sequence.compactedUpTo,
    voter: sequence.voter,
    detail: {
      deliveredUpTo: sequence.deliveredUpTo,
      knownChosenUpTo: sequence.known.chosenUpTo,
      promisedRound: sequence.promised.round,
      length: sequence.length,
      happy: election.happy ? 1 : 0,
      open: sequence.length - sequence.decidedUpTo,
      entries: sequence.log.size,
      queueBytes: sequence.queueBytes,
      readsWaiting: reads.length,
      impaired: sequence.impaired ? 1 : 0,
      lost: sequence.lost === null ? 0 : 1,
      stoppedAt: sequence.stoppedAt,
    },
  };
}
