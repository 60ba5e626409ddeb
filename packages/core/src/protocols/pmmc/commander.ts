import type { Ballot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { epochNumbered, isPhase2 } from "./epochs.ts";
import type { Epoch, Out } from "./messages.ts";
import { tellNow } from "./send.ts";
import type { Commander, PmmcState } from "./state.ts";

/**
 * Asks the acceptors of a slot to accept a command in a ballot (section 2.2). They may hear of it
 * at once: the ballot is durable here and adopted there, and no other command is ever proposed for
 * this slot in it.
 */
export function spawnCommander(
  state: PmmcState,
  out: Out,
  task: { readonly ballot: Ballot; readonly slot: Slot; readonly value: Uint8Array },
  epoch: Epoch,
): Commander {
  const commander: Commander = { ...task, epoch: epoch.number, votes: new Set(), age: 0 };
  ask(state, out, commander, epoch.acceptors);
  return commander;
}

/** An acceptor has accepted. True: so has a quorum, and the replicas have been told. */
export function onVote(state: PmmcState, out: Out, commander: Commander, from: NodeId): boolean {
  const epoch = epochNumbered(state, commander.epoch);
  if (epoch === null) return false;
  commander.votes.add(from);
  if (!isPhase2(state, epoch, commander.votes)) return false;
  tellDecision(state, out, commander, state.replicas);
  return true;
}

/** Who has not accepted yet is asked again. */
export function askAgain(state: PmmcState, out: Out, commander: Commander): void {
  const acceptors = epochNumbered(state, commander.epoch)?.acceptors ?? [];
  ask(
    state,
    out,
    commander,
    acceptors.filter((acceptor) => !commander.votes.has(acceptor)),
  );
}

/** Those that have accepted hold the command; only the others need it. */
function tellDecision(
  state: PmmcState,
  out: Out,
  { slot, ballot, value, votes }: Commander,
  replicas: readonly NodeId[],
): void {
  const { self } = state.settings;
  const holds = (replica: NodeId): boolean => replica !== self && votes.has(replica);
  const decision = { kind: "decision", slot, ballot } as const;
  const holding = replicas.filter(holds);
  tellNow(state, out, holding, { ...decision, value: null });
  const lacking = replicas.filter((replica) => !holds(replica));
  tellNow(state, out, lacking, { ...decision, value });
}

function ask(
  state: PmmcState,
  out: Out,
  { ballot, slot, epoch, value }: Commander,
  acceptors: readonly NodeId[],
): void {
  tellNow(state, out, acceptors, { kind: "p2a", ballot, slot, epoch, value });
}
