import { type Ballot, compareBallots } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import type { Way } from "./election.ts";
import type { Out } from "./messages.ts";
import { askReadsAgain, keepReads } from "./reads.ts";
import { setTimer, tellNow } from "./send.ts";
import { chosenUpTo, type Follower, follower, type SequenceState } from "./state.ts";

/** This replica promises `ballot`: whatever it pursued below is over. */
export function followBallot(state: SequenceState, out: Out, ballot: Ballot): void {
  leaveRole(state, out, "promised");
  releaseForwarded(state, out);
  state.promised = ballot;
  state.leader = ballot.proposer;
  state.via = null;
  const detail = { leader: ballot.proposer, round: ballot.round };
  out.push({ kind: "observe", event: "leader", detail });
}

/**
 * Other values are decided than this log holds, or more than a leader's own log can hold: a higher
 * ballot has been at work. From now on nothing is accepted before somebody prepares this replica.
 */
export function overtaken(state: SequenceState, out: Out, contradicted: boolean): void {
  const { role } = state;
  const isOver = role.kind === "leader" || (role.kind === "follower" && contradicted);
  if (!isOver || !state.voter) return;
  leaveRole(state, out, "recover");
  askToBePrepared(state, out);
  setTimer(out, "resend", state.tuning.resendMs);
}

/** Whoever of these leads in the promised ballot or above is to prepare this replica. */
export function askToBePrepared(
  state: SequenceState,
  out: Out,
  of: readonly NodeId[] = state.others,
): void {
  const ballot = state.promised;
  const upTo = chosenUpTo(state);
  for (const member of of)
    tellNow(state, out, member, { kind: "prepareRequest", ballot, chosenUpTo: upTo });
}

/** What was handed to a leader that is no longer followed may or may not be decided. */
export function releaseForwarded(state: SequenceState, out: Out): void {
  if (state.forwarded) out.push({ kind: "release", requests: "all", outcome: "unknown" });
  state.forwarded = false;
}

/** Who takes what is meant for the leader; null: nobody is known to. */
export function nextHop(state: SequenceState): NodeId | null {
  const hop = state.via ?? state.leader;
  return hop === state.settings.self ? null : hop;
}

/**
 * What the election has seen of the way to the leader. Another way than the last one means that
 * what was sent along that may be lost; that none is seen for a while does not.
 */
export function setWay(state: SequenceState, out: Out, way: Way): void {
  if (state.role.kind !== "follower") return;
  state.leader = way.leader;
  state.via = way.hop === way.leader ? null : way.hop;
  if (way.hop === null || way.hop === state.lastHop) return forwardQueue(state, out);
  releaseForwarded(state, out);
  forwardQueue(state, out);
  askReadsAgain(state, out);
}

/** Hands everything queued towards the leader, if that is another replica. */
export function forwardQueue(state: SequenceState, out: Out): void {
  const { queue } = state;
  const hop = nextHop(state);
  if (state.role.kind === "leader" || hop === null || queue.length === 0) return;
  for (const value of queue) tellNow(state, out, hop, { kind: "forward", relayed: false, value });
  state.queue = [];
  state.queueBytes = 0;
  state.forwarded = true;
  state.lastHop = hop;
}

function leaveRole(state: SequenceState, out: Out, stage: Follower["stage"]): void {
  const { role } = state;
  state.role = follower(stage);
  setTimer(out, "resend", null);
  if (role.kind !== "leader") return;
  keepReads(state, out, role);
  state.queue = [];
  state.queueBytes = 0;
  // Proposals of this replica, and those that others had handed to it.
  state.forwarded = true;
  state.leader = null;
  releaseForwarded(state, out);
  out.push({ kind: "observe", event: "steppedDown", detail: { round: role.ballot.round } });
}

/** Whether whoever proposes in `ballot` has been outbid here. */
export function isOutdated(state: SequenceState, ballot: Ballot): boolean {
  return compareBallots(ballot, state.promised) < 0;
}

/** Tells a proposer that it has been outbid. */
export function refuse(state: SequenceState, out: Out, to: NodeId, refused: Ballot): void {
  const { promised } = state;
  tellNow(state, out, to, { kind: "nack", refused, promised, chosenUpTo: chosenUpTo(state) });
}
