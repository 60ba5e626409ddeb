import type { NodeId } from "../../ids.ts";
import { nextBelow } from "../../prng.ts";
import { type AcceptorStep, onAccept, onPrepare } from "./acceptor.ts";
import { hearAccepted } from "./learner.ts";
import type {
  Accept,
  Accepted,
  Nack,
  Out,
  PaxosMessage,
  Prepare,
  PromiseMessage,
} from "./messages.ts";
import { conclude } from "./outcome.ts";
import {
  backoffMs,
  beginBallot,
  onAccepted,
  onNack,
  onPromise,
  see,
  unanswered,
} from "./proposer.ts";
import { persist, setTimer, tellDurably, tellNow } from "./send.ts";
import { mayAccept, mayPropose, type PaxosState } from "./state.ts";

/**
 * Sees to it that something is chosen: by a ballot, or through a proposer where this member may not
 * use ballots. Nothing happens while that is under way, or about to be tried again.
 */
export function pursue(state: PaxosState, out: Out): void {
  if (state.retrying || state.proposer.attempt !== null) return;
  if (mayPropose(state)) begin(state, out);
  else forward(state, out);
}

/**
 * The own acceptor promises in the same step, so that one record stands for both roles: whoever has
 * promised a ballot of its own knows after a crash that it is used.
 */
function begin(state: PaxosState, out: Out): void {
  const { record, message } = beginBallot(state.proposer);
  const { round } = message.ballot;
  out.push({ kind: "observe", event: "ballot", detail: { round } });
  const own = mayAccept(state) ? onPrepare(state.acceptor, message.ballot) : null;
  persist(state, out, own?.record ?? record);
  if (own !== null && own.reply !== null) tellDurably(out, [state.settings.self], own.reply);
  const others = state.roles.acceptors.filter((acceptor) => acceptor !== state.settings.self);
  tellDurably(out, others, message);
  setTimer(out, "resend", state.tuning.resendMs);
}

/** To one proposer after the other, until there is an outcome. */
function forward(state: PaxosState, out: Out): void {
  const { proposer, roles, settings, tuning, random } = state;
  const proposers = roles.proposers.filter((member) => member !== settings.self);
  const to = proposers[nextBelow(random, proposers.length)];
  const { value } = proposer;
  if (value === null || to === undefined) return;
  tellNow(state, out, [to], { kind: "forward", value });
  state.retrying = true;
  setTimer(out, "retry", tuning.resendMs);
}

export function onRetryTimeout(state: PaxosState, out: Out): void {
  state.retrying = false;
  if (state.proposer.value !== null) pursue(state, out);
}

/** A ballot that nobody outbids needs no other one, however much of it is lost. */
export function onResendTimeout(state: PaxosState, out: Out): void {
  if (state.proposer.attempt === null) return;
  sayAgain(state, out, state.roles.acceptors);
  setTimer(out, "resend", state.tuning.resendMs);
}

/** To those of `members` that have not answered. */
export function sayAgain(state: PaxosState, out: Out, members: readonly NodeId[]): void {
  const again = unanswered(state.proposer, members);
  if (again === null) return;
  const { message, to } = again;
  const others = to.filter((member) => member !== state.settings.self);
  // A prepare of which the ballot is not durable yet waits for it this time, too.
  if (message.kind === "prepare") tellDurably(out, others, message);
  else tellNow(state, out, others, message);
}

/** Phase 1b and 2b at this member's acceptor, if it may answer at all. */
export function onProposer(
  state: PaxosState,
  out: Out,
  from: NodeId,
  message: Prepare | Accept,
): void {
  if (from !== message.ballot.proposer) return;
  see(state.proposer, message.ballot);
  const { chosen } = state.learner;
  if (chosen !== null) return tellNow(state, out, [from], { kind: "chosen", value: chosen });
  if (!mayAccept(state)) return;
  const { acceptor } = state;
  if (message.kind === "prepare")
    return reply(state, out, from, onPrepare(acceptor, message.ballot));
  const { ballot, value } = message;
  reply(state, out, from, onAccept(acceptor, { ballot, value }));
}

function reply(
  state: PaxosState,
  out: Out,
  to: NodeId,
  { record, reply: message }: AcceptorStep<PaxosMessage>,
): void {
  if (record !== null) persist(state, out, record);
  if (message !== null) tellDurably(out, [to], message);
}

/** Phase 2a at this member's proposer. What is lost of it contradicts nothing. */
export function onPromised(
  state: PaxosState,
  out: Out,
  from: NodeId,
  message: PromiseMessage,
): void {
  const { proposer, settings, roles } = state;
  if (!roles.acceptors.includes(from)) return;
  const accept = onPromise(proposer, settings.quorums, from, message);
  if (accept === null) return;
  const isOthers = accept.value !== proposer.value;
  const event = isOthers ? "completing" : "proposing";
  out.push({ kind: "observe", event, detail: { round: accept.ballot.round } });
  tellNow(state, out, roles.acceptors, accept);
  const { ballot, value } = accept;
  if (mayAccept(state))
    reply(state, out, settings.self, onAccept(state.acceptor, { ballot, value }));
  setTimer(out, "resend", state.tuning.resendMs);
}

/** The proposer's own learner counts acceptances, and tells all who want to know (§2.3). */
export function onAcceptedBy(
  state: PaxosState,
  out: Out,
  from: NodeId,
  { ballot }: Accepted,
): void {
  const { proposer, learner, settings, roles } = state;
  if (!roles.acceptors.includes(from)) return;
  const proposal = onAccepted(proposer, from, ballot);
  if (proposal === null || !hearAccepted(learner, settings.quorums, from, proposal)) return;
  const { value } = proposal;
  conclude(state, out, value);
  const concerned = settings.members.filter(
    (member) => roles.learners.includes(member) || roles.proposers.includes(member),
  );
  tellNow(state, out, concerned, { kind: "chosen", value });
}

export function onOutbid(state: PaxosState, out: Out, message: Nack): void {
  if (!onNack(state.proposer, message)) return;
  const { tuning, proposer, random } = state;
  const limits = { baseMs: tuning.retryMs, maxMs: tuning.retryMaxMs };
  const ms = backoffMs(proposer, random, limits);
  const { round } = message.promised;
  out.push({ kind: "observe", event: "outbid", detail: { round, ms } });
  state.retrying = true;
  setTimer(out, "resend", null);
  setTimer(out, "retry", ms);
}
