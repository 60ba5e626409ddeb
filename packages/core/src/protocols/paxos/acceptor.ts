import { BALLOT_NONE, type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { Accepted, Nack, PromiseMessage, Proposal } from "./messages.ts";
import type { PaxosRecord } from "./records.ts";

/** The memory of one acceptor for one decree: all of it must outlive a crash. */
export interface AcceptorState {
  /** Nothing below is promised to or accepted from anybody. */
  promised: Ballot;
  /** The acceptance in the highest ballot; no other matters any more. */
  accepted: Proposal | null;
  /**
   * What was accepted here is damaged, in no higher ballot than `promised`. Until it has accepted
   * again it must not say what it has accepted.
   */
  damaged: boolean;
}

/**
 * What an acceptor does about a message. The reply, if any, may leave only when the record and all
 * records before it are durable: the reply is true only then.
 */
export interface AcceptorStep<R> {
  readonly record: PaxosRecord | null;
  readonly reply: R | null;
}

export function createAcceptor(): AcceptorState {
  return { promised: BALLOT_NONE, accepted: null, damaged: false };
}

/**
 * Phase 1b (§2.2): promises unless it has promised a higher ballot. The same ballot may be asked
 * again, and gets the same truth again.
 */
export function onPrepare(
  acceptor: AcceptorState,
  ballot: Ballot,
): AcceptorStep<PromiseMessage | Nack> {
  const order = compareBallots(ballot, acceptor.promised);
  if (order < 0) return { record: null, reply: refusal(acceptor, ballot) };
  if (acceptor.damaged) return { record: null, reply: null };
  acceptor.promised = ballot;
  return {
    record: order > 0 ? { kind: "promised", ballot } : null,
    reply: { kind: "promise", ballot, accepted: acceptor.accepted },
  };
}

/**
 * Phase 2b (§2.2): accepts unless it has promised a higher ballot. To accept is also to promise:
 * an acceptor that has not heard the prepare must not fall below what it has accepted.
 */
export function onAccept(
  acceptor: AcceptorState,
  { ballot, value }: Proposal,
): AcceptorStep<Accepted | Nack> {
  if (compareBallots(ballot, acceptor.promised) < 0)
    return { record: null, reply: refusal(acceptor, ballot) };
  const reply = { kind: "accepted", ballot } as const;
  if (acceptor.accepted !== null && sameBallot(acceptor.accepted.ballot, ballot))
    return { record: null, reply };
  acceptor.promised = ballot;
  acceptor.accepted = { ballot, value };
  acceptor.damaged = false;
  return { record: { kind: "accepted", ballot, value }, reply };
}

/** Takes back what a record says, in the order in which records were written. */
export function recoverAcceptor(acceptor: AcceptorState, record: PaxosRecord): void {
  switch (record.kind) {
    case "promised":
      return raisePromise(acceptor, record.ballot);
    case "accepted": {
      const { ballot, value } = record;
      raisePromise(acceptor, ballot);
      acceptor.accepted = { ballot, value };
      acceptor.damaged = false;
      return;
    }
    case "damaged":
      return damageAcceptance(acceptor, record.ballot);
    default:
  }
}

/**
 * An acceptance in `ballot` is gone, and its value with it. What was accepted before it or after
 * it says nothing of it, unless that was in a ballot at least as high.
 */
export function damageAcceptance(acceptor: AcceptorState, ballot: Ballot): void {
  raisePromise(acceptor, ballot);
  const { accepted } = acceptor;
  if (accepted !== null && compareBallots(accepted.ballot, ballot) >= 0) return;
  acceptor.accepted = null;
  acceptor.damaged = true;
}

/** A promise binds even where only its name is left. */
export function raisePromise(acceptor: AcceptorState, ballot: Ballot): void {
  if (compareBallots(ballot, acceptor.promised) > 0) acceptor.promised = ballot;
}

function refusal({ promised }: AcceptorState, refused: Ballot): Nack {
  return { kind: "nack", refused, promised };
}
