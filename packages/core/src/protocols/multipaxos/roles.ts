import { type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import { nextBelow } from "../../prng.ts";
import type { Out } from "./messages.ts";
import { askReadsAgain, keepReads } from "./reads.ts";
import { setTimer, tellNow } from "./send.ts";
import { FOLLOWER, type MultipaxosState } from "./state.ts";

/** Remembers the highest ballot of all, to outbid it; promises nothing. */
export function see(state: MultipaxosState, ballot: Ballot): void {
  if (compareBallots(ballot, state.seen) > 0) state.seen = ballot;
}

/** A random wait from one election time-out to two, so that followers seldom lapse together. */
export function armElection(state: MultipaxosState, out: Out): void {
  if (!state.voter) return;
  const least = state.tuning.electionMs;
  setTimer(out, "election", Math.ceil(least + nextBelow(state.random, Math.ceil(least))));
}

/** A message of a leader whose ballot is not outdated has come in. */
export function follow(state: MultipaxosState, out: Out, ballot: Ballot): void {
  see(state, ballot);
  if (state.leader === ballot.proposer && sameBallot(state.leaderBallot, ballot)) return;
  leaveRole(state, out);
  releaseForwarded(state, out);
  state.leader = ballot.proposer;
  state.leaderBallot = ballot;
  out.push({
    kind: "observe",
    event: "leader",
    detail: { leader: ballot.proposer, round: ballot.round },
  });
  missNobody(state, out);
  forwardQueue(state, out);
  askReadsAgain(state, out);
}

/** The leader has just been heard: nobody here grants a probe for one election time-out. */
export function missNobody(state: MultipaxosState, out: Out): void {
  state.leaderAlive = true;
  setTimer(out, "quiet", state.tuning.electionMs);
  armElection(state, out);
}

/**
 * A higher ballot is about, or this leader or candidate got nowhere: becomes a follower of nobody.
 */
export function stepDown(state: MultipaxosState, out: Out): void {
  if (state.role.kind === "follower") return;
  leaveRole(state, out);
  armElection(state, out);
}

/** What was handed to a leader that is no longer followed may or may not be chosen. */
export function releaseForwarded(state: MultipaxosState, out: Out): void {
  if (state.forwarded) out.push({ kind: "release", requests: "all", outcome: "unknown" });
  state.forwarded = false;
}

/** Nobody leads, as far as this replica knows. */
export function loseLeader(state: MultipaxosState, out: Out): void {
  state.leader = null;
  state.leaderAlive = false;
  releaseForwarded(state, out);
}

/** Hands everything queued to the leader, if that is another replica. */
export function forwardQueue(state: MultipaxosState, out: Out): void {
  const { leader, queue } = state;
  if (leader === null || leader === state.settings.self || queue.length === 0) return;
  for (const value of queue)
    tellNow(state, out, leader, { kind: "forward", passedOn: false, value });
  state.queue = [];
  state.queueBytes = 0;
  state.forwarded = true;
}

function leaveRole(state: MultipaxosState, out: Out): void {
  const { role } = state;
  state.role = FOLLOWER;
  if (role.kind === "candidate" || role.kind === "leader") setTimer(out, "resend", null);
  if (role.kind !== "leader") return;
  setTimer(out, "heartbeat", null);
  setTimer(out, "check", null);
  keepReads(state, out, role);
  state.queue = [];
  state.queueBytes = 0;
  // Proposals of this replica, and those that others had handed to it.
  state.forwarded = true;
  loseLeader(state, out);
  out.push({ kind: "observe", event: "steppedDown", detail: { round: role.ballot.round } });
}
