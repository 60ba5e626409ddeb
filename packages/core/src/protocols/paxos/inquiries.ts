import { compareBallots } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import { nextFraction } from "../../prng.ts";
import { doubled } from "./backoff.ts";
import { pursue, sayAgain } from "./ballots.ts";
import { beginInquiry, findingOf, hearChosen, hearTold } from "./learner.ts";
import type { Ask, Chosen, Out, Proposal, Told } from "./messages.ts";
import { answerReads, conclude, DECIDED, UNDECIDED } from "./outcome.ts";
import { setTimer, tellDurably, tellNow } from "./send.ts";
import { mayAccept, type PaxosState } from "./state.ts";

/**
 * Learning without being told, and reading: both ask the acceptors what they have accepted. A read
 * of a decree without an outcome is answered by a phase-1 quorum that has accepted nothing; one
 * that has an outcome is answered from memory, for ever.
 */

/** Reads of this replica's host. */
export function onRead(state: PaxosState, out: Out, reads: readonly number[]): void {
  if (state.learner.chosen !== null) return answerReads(out, reads, DECIDED);
  const { covered, waiting } = state.reads;
  state.reads = { covered, waiting: [...waiting, ...reads] };
  // A question under way may have been answered before these reads began: it is no use to them.
  if (covered.length > 0) return;
  state.fruitless = 0;
  ask(state, out);
}

/** Asks everybody, under a new number. Whoever knows the outcome answers with that. */
function ask(state: PaxosState, out: Out): void {
  const { learner, settings, tuning, reads } = state;
  state.questions += 1;
  const question = beginInquiry(learner, state.incarnation, state.questions);
  state.reads = { covered: [...reads.covered, ...reads.waiting], waiting: [] };
  tellNow(state, out, settings.members, question);
  if (mayAccept(state)) tell(state, out, settings.self, question);
  armAsk(state, out, doubled(tuning.askMs, state.fruitless, tuning.askMaxMs));
}

/** Between this and twice this, so that members do not all ask at once. */
function armAsk(state: PaxosState, out: Out, ms: number): void {
  setTimer(out, "ask", Math.ceil(ms * (1 + nextFraction(state.random))));
}

/** Learners go on asking until they know; others ask only for those who read there. */
export function onAskTimeout(state: PaxosState, out: Out): void {
  if (state.learner.chosen !== null) return;
  const { learner, settings, reads } = state;
  if (findingOf(learner, settings.quorums) === "stuck") complete(state, out);
  state.fruitless += 1;
  if (isLearner(state) || reads.covered.length > 0) ask(state, out);
}

/** Who began this may be gone for good, and nobody else wants anything chosen. */
function complete(state: PaxosState, out: Out): void {
  state.proposer.value ??= highestOf(state.learner.accepted.values());
  pursue(state, out);
}

function highestOf(proposals: Iterable<Proposal>): Uint8Array | null {
  let highest: Proposal | null = null;
  for (const proposal of proposals)
    if (highest === null || compareBallots(proposal.ballot, highest.ballot) > 0) highest = proposal;
  return highest?.value ?? null;
}

export function onAsk(state: PaxosState, out: Out, from: NodeId, question: Ask): void {
  const { chosen } = state.learner;
  if (chosen !== null) return tellNow(state, out, [from], { kind: "chosen", value: chosen });
  if (mayAccept(state)) tell(state, out, from, question);
}

/** What is told is counted as an acceptance, so it must be durable; a damaged one is silent. */
function tell(state: PaxosState, out: Out, to: NodeId, { incarnation, number }: Ask): void {
  const { accepted, damaged } = state.acceptor;
  if (!damaged) tellDurably(out, [to], { kind: "told", incarnation, number, accepted });
}

export function onTold(state: PaxosState, out: Out, from: NodeId, message: Told): void {
  const { learner, settings, roles } = state;
  if (learner.chosen !== null || !roles.acceptors.includes(from)) return;
  const finding = hearTold(learner, settings.quorums, from, message);
  if (learner.chosen !== null) return conclude(state, out, learner.chosen);
  const { covered, waiting } = state.reads;
  if (finding !== "unchosen" || covered.length === 0) return;
  state.reads = { covered: [], waiting };
  answerReads(out, covered, UNDECIDED);
  if (waiting.length > 0) ask(state, out);
}

export function onChosen(state: PaxosState, out: Out, { value }: Chosen): void {
  if (hearChosen(state.learner, value)) conclude(state, out, value);
}

/** What was under way on the old connection may be lost, so it is said again. */
export function onLinkUp(state: PaxosState, out: Out, peer: NodeId): void {
  const { learner, roles } = state;
  if (learner.chosen !== null) return;
  if (roles.acceptors.includes(peer)) sayAgain(state, out, [peer]);
  const { inquiry } = learner;
  if (inquiry === null) return;
  const { incarnation, number } = inquiry;
  tellNow(state, out, [peer], { kind: "ask", incarnation, number });
}

/** The first question of an incarnation comes after a while: the outcome may be on its way. */
export function beginToLearn(state: PaxosState, out: Out): void {
  if (isLearner(state)) armAsk(state, out, state.tuning.askMs);
}

function isLearner({ roles, settings }: PaxosState): boolean {
  return roles.learners.includes(settings.self);
}
