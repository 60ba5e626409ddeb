import { sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { assertNever } from "../../invariant.ts";
import { sameBytes } from "../../same-bytes.ts";
import {
  type AcceptorStep,
  beginBallot,
  createProposer,
  hearAccepted,
  onAccept,
  onAccepted,
  onNack,
  onPrepare,
  onPromise,
  type PaxosRecord,
  see,
  unanswered,
} from "../paxos/index.ts";
import { tellDecided } from "./catch-up.ts";
import type { Decided, Decree, InstanceMessage, Out } from "./messages.ts";
import { decide, hearOfDecided, hearOfOpen } from "./order.ts";
import { free, settle } from "./pending.ts";
import type { BroadcastRecord } from "./records.ts";
import { persist, setTimer, tellDurably, tellNow } from "./send.ts";
import { ascending, type BroadcastState, instanceAt, isDecided, mayAccept } from "./state.ts";
import { SLOTS_AHEAD_MAX, WINDOW_MAX } from "./tuning.ts";
import { cutShort, hadItsWay, hearAtWork } from "./turns.ts";

type MessageOf<K extends InstanceMessage["kind"]> = Extract<InstanceMessage, { kind: K }>;

/**
 * One instance of single-decree Paxos per slot: its roles are states and functions of that
 * protocol, and what they say travels with the slot.
 */

/**
 * A ballot of its own in this slot, to get `value` decided there. The own acceptor promises in the
 * same step, so that one record stands for both roles.
 */
export function begin(state: BroadcastState, out: Out, slot: Slot, value: Uint8Array): void {
  const { settings, roles } = state;
  const instance = instanceAt(state, slot);
  const { acceptor } = instance;
  const proposer = instance.proposer ?? createProposer(settings.self);
  instance.proposer = proposer;
  see(proposer, acceptor.promised);
  proposer.value = value;
  const { record, message } = beginBallot(proposer);
  const { round } = message.ballot;
  out.push({ kind: "observe", event: "ballot", detail: { slot, round } });
  const own = mayAccept(state) ? onPrepare(acceptor, message.ballot) : null;
  persist(out, recordIn(slot, own?.record ?? record));
  if (own !== null && own.reply !== null) tellDurably(out, [settings.self], slot, own.reply);
  const others = roles.acceptors.filter((member) => member !== settings.self);
  tellDurably(out, others, slot, message);
  armResend(state, out);
}

export function onDecree(
  state: BroadcastState,
  out: Out,
  from: NodeId,
  { slot, message }: Decree,
): void {
  const asks = message.kind === "prepare" || message.kind === "accept";
  if (asks && from !== message.ballot.proposer) return;
  if (!asks && !state.roles.acceptors.includes(from)) return;
  // Whoever still asks is told the outcome; answers of others have come too late.
  if (isDecided(state, slot)) return asks ? tellDecided(state, out, from, slot) : undefined;
  switch (message.kind) {
    case "prepare":
    case "accept":
      return onProposer(state, out, from, slot, message);
    case "promise":
      return onPromised(state, out, from, slot, message);
    case "accepted":
      return onAcceptedBy(state, out, from, slot, message);
    case "nack":
      return onOutbid(state, out, slot, message);
    default:
      return assertNever(message);
  }
}

/** Phases 1b and 2b at this member's acceptor, if it may answer at all. */
function onProposer(
  state: BroadcastState,
  out: Out,
  from: NodeId,
  slot: Slot,
  message: MessageOf<"prepare" | "accept">,
): void {
  if (slot > state.decidedUpTo + SLOTS_AHEAD_MAX)
    return hearOfDecided(state, from, slot - WINDOW_MAX);
  if (message.kind === "accept") hearOfOpen(state, slot);
  if (!mayAccept(state) || state.lost.has(slot)) return hearAtWork(state, from, slot);
  const { acceptor, proposer } = instanceAt(state, slot);
  if (proposer !== null) see(proposer, message.ballot);
  const answer =
    message.kind === "prepare" ? onPrepare(acceptor, message.ballot) : onAccept(acceptor, message);
  // Whoever is refused is about to let others go first itself.
  if (answer.reply?.kind !== "nack") hearAtWork(state, from, slot);
  reply(out, from, slot, answer);
}

function reply(
  out: Out,
  to: NodeId,
  slot: Slot,
  { record, reply: message }: AcceptorStep<InstanceMessage>,
): void {
  if (record !== null) persist(out, recordIn(slot, record));
  if (message !== null) tellDurably(out, [to], slot, message);
}

/** Phase 2a. Another value may have the slot already: then the own one has lost it. */
function onPromised(
  state: BroadcastState,
  out: Out,
  from: NodeId,
  slot: Slot,
  message: MessageOf<"promise">,
): void {
  const instance = state.instances.get(slot);
  const proposer = instance?.proposer ?? null;
  if (instance === undefined || proposer === null) return;
  const accept = onPromise(proposer, state.settings.quorums, from, message);
  if (accept === null) return;
  const { ballot, value } = accept;
  if (proposer.value !== null && !sameBytes(value, proposer.value)) {
    out.push({ kind: "observe", event: "displaced", detail: { slot, round: ballot.round } });
    settle(state, slot, value);
  }
  hearOfOpen(state, slot);
  tellNow(state, out, state.roles.acceptors, { kind: "decree", slot, message: accept });
  if (mayAccept(state))
    reply(out, state.settings.self, slot, onAccept(instance.acceptor, { ballot, value }));
}

/** The proposer's own learner counts acceptances, each acceptor once, and tells the outcome. */
function onAcceptedBy(
  state: BroadcastState,
  out: Out,
  from: NodeId,
  slot: Slot,
  { ballot }: MessageOf<"accepted">,
): void {
  const instance = state.instances.get(slot);
  const proposer = instance?.proposer ?? null;
  if (instance === undefined || proposer === null) return;
  const proposal = onAccepted(proposer, from, ballot);
  if (proposal === null) return;
  if (!hearAccepted(instance.learner, state.settings.quorums, from, proposal)) return;
  hadItsWay(state);
  decide(state, out, slot, proposal.value);
  tellNow(state, out, state.others, { kind: "decided", slot, ballot });
}

/** Believed of what was accepted here in exactly that ballot; else it says only that there is. */
export function onDecided(
  state: BroadcastState,
  out: Out,
  from: NodeId,
  { slot, ballot }: Decided,
): void {
  if (isDecided(state, slot)) return;
  const accepted = state.instances.get(slot)?.acceptor.accepted ?? null;
  if (accepted !== null && sameBallot(accepted.ballot, ballot))
    decide(state, out, slot, accepted.value);
  else hearOfDecided(state, from, slot);
}

/** What was to take the slot is free again, and the one who outbids is let go first. */
function onOutbid(state: BroadcastState, out: Out, slot: Slot, message: MessageOf<"nack">): void {
  const proposer = state.instances.get(slot)?.proposer ?? null;
  if (proposer === null || !onNack(proposer, message)) return;
  const { promised } = message;
  out.push({ kind: "observe", event: "outbid", detail: { slot, round: promised.round } });
  free(state, slot, slot);
  hearAtWork(state, promised.proposer, slot);
  cutShort(state, out);
}

/** A ballot that nobody outbids needs no other one, however much of it is lost. */
export function onResendTimeout(state: BroadcastState, out: Out): void {
  const upTo = state.resending?.upTo ?? 0;
  state.resending = null;
  sayAgain(state, out, upTo, state.roles.acceptors);
  armResend(state, out);
}

function armResend(state: BroadcastState, out: Out): void {
  if (state.resending !== null) return;
  const own = [...state.instances].filter(
    ([, { proposer }]) => (proposer?.attempt ?? null) !== null,
  );
  if (own.length === 0) return;
  state.resending = { upTo: Math.max(...own.map(([slot]) => slot)) };
  setTimer(out, "resend", state.tuning.resendMs);
}

/** Ballots in slots up to there, to those of `members` that have not answered. */
export function sayAgain(
  state: BroadcastState,
  out: Out,
  upTo: Slot,
  members: readonly NodeId[],
): void {
  for (const slot of ascending(state.instances.keys())) {
    const proposer = state.instances.get(slot)?.proposer ?? null;
    const again = proposer === null || slot > upTo ? null : unanswered(proposer, members);
    if (again === null) continue;
    const { message } = again;
    const to = again.to.filter((member) => member !== state.settings.self);
    // A prepare of which the ballot is not durable yet waits for it this time, too.
    if (message.kind === "prepare") tellDurably(out, to, slot, message);
    else tellNow(state, out, to, { kind: "decree", slot, message });
  }
}

/** What the roles of one instance want remembered, with its slot. */
function recordIn(slot: Slot, record: PaxosRecord): BroadcastRecord {
  switch (record.kind) {
    case "promised":
    case "began":
    case "accepted":
      return { ...record, slot };
    default:
      return assertNever(record as never);
  }
}
