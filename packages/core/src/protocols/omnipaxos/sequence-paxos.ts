import type { Ballot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import { assertNever } from "../../invariant.ts";
import type { Input } from "../../protocol.ts";
import { conclude, onNack, onPrepareRequest, onPromise, prepareAgain } from "./candidate.ts";
import { onBehind, onCatchUp, onCatchUpTimeout, onLearn, pursue } from "./catch-up.ts";
import { repair } from "./claims.ts";
import { onCompact, onInstalled } from "./compaction.ts";
import {
  onAccept,
  onAcceptSync,
  onConfirm,
  onDecide,
  onFollowerTimeout,
  onPrepare,
  promiseAgain,
  promiseWhenCaughtUp,
} from "./follower.ts";
import { drive, onAccepted, onConfirmed, onLeaderTimeout, resendTo } from "./leader.ts";
import { advance } from "./learner.ts";
import type { Out, SequenceMessage } from "./messages.ts";
import { onForward, onPropose } from "./proposals.ts";
import { askReadsAgain, onRead, onReadAt, onReadIndex } from "./reads.ts";
import { onAdmit, onStart } from "./recovery.ts";
import { askToBePrepared, nextHop, releaseForwarded } from "./roles.ts";
import { setTimer, type TimerName } from "./send.ts";
import type { SequenceState } from "./state.ts";

/** What Sequence Paxos is told; it learns from `campaign` alone that it is to lead. */
export type SequenceInput = Exclude<Input<SequenceMessage>, { kind: "recover" }>;

/**
 * Sequence Paxos: one log, decided prefix by prefix. Handlers change what they must; what follows
 * from the change is drawn at the end, once for all.
 */
export function sequenceStep(state: SequenceState, out: Out, change: () => void): void {
  const decidedBefore = state.decidedUpTo;
  change();
  if (state.role.kind === "candidate") conclude(state, out, state.role);
  repair(state, out);
  advance(state, out, decidedBefore);
  if (state.role.kind === "leader") drive(state, out, state.role);
  pursue(state, out);
  promiseWhenCaughtUp(state, out);
}

export function onSequenceInput(state: SequenceState, out: Out, input: SequenceInput): void {
  switch (input.kind) {
    case "message":
      return onMessage(state, out, input.from, input.message);
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

function onMessage(state: SequenceState, out: Out, from: NodeId, message: SequenceMessage): void {
  switch (message.kind) {
    case "prepareRequest":
      return onPrepareRequest(state, out, from, message);
    case "prepare":
      return onPrepare(state, out, from, message);
    case "promise":
      return onPromise(state, out, from, message);
    case "nack":
      return onNack(state, from, message);
    case "acceptSync":
      return onAcceptSync(state, out, from, message);
    case "accept":
      return onAccept(state, out, from, message);
    case "accepted":
      return onAccepted(state, out, from, message);
    case "decide":
      return onDecide(state, out, from, message);
    case "catchUp":
      return onCatchUp(state, out, from, message);
    case "learn":
      return onLearn(state, out, from, message);
    case "behind":
      return onBehind(state, out, from, message);
    case "forward":
      return onForward(state, out, from, message);
    case "confirm":
      return onConfirm(state, out, from, message);
    case "confirmed":
      return onConfirmed(state, from, message);
    case "readIndex":
      return onReadIndex(state, out, from, message);
    case "readAt":
      return onReadAt(state, out, message);
    default:
      return assertNever(message);
  }
}

/** Timers may fire late, after what they were for has passed. */
function onTimeout(state: SequenceState, out: Out, name: TimerName): void {
  const { role } = state;
  switch (name) {
    case "resend":
      if (role.kind === "leader") onLeaderTimeout(state, out, role);
      else if (role.kind === "follower") onFollowerTimeout(state, out, role);
      else onCandidateTimeout(state, out);
      return;
    case "catchUp":
      return onCatchUpTimeout(state, out);
    case "reads":
      return askReadsAgain(state, out);
    case "deliver":
    case "election":
      // The step goes on delivering in any case; rounds are the election's.
      return;
    default:
      return assertNever(name);
  }
}

function onCandidateTimeout(state: SequenceState, out: Out): void {
  const { role } = state;
  if (role.kind !== "candidate") return;
  prepareAgain(state, out, role, state.settings.members);
  setTimer(out, "resend", state.tuning.resendMs);
}

/**
 * What was under way on the old connection may be lost, so it is said again. A log needs no new
 * sync for that: an accept says where it begins, so a gap is seen and sent again.
 */
function onLinkUp(state: SequenceState, out: Out, peer: NodeId): void {
  const { role } = state;
  if (role.kind === "candidate") prepareAgain(state, out, role, [peer]);
  else if (role.kind === "leader") resendTo(state, out, role, peer, state.length);
  else if (role.stage === "recover") askToBePrepared(state, out, [peer]);
  else if (role.stage === "promised" && peer === state.promised.proposer)
    promiseAgain(state, out, role);
  if (peer !== nextHop(state)) return;
  releaseForwarded(state, out);
  askReadsAgain(state, out);
}

/** The ballot that it leads in or stands for. */
export function pursuedBallot({ role }: SequenceState): Ballot | null {
  return role.kind === "follower" ? null : role.ballot;
}

/**
 * Its log is whole, and holds all that it has heard to be decided, in a configuration that lives.
 */
export function isCaughtUp(state: SequenceState): boolean {
  return state.lost === null && state.stoppedAt === 0 && state.length >= state.known.chosenUpTo;
}
