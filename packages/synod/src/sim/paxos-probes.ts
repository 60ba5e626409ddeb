import type { Effect, Input } from "@synod/core";
import {
  findingOf,
  MESSAGE_KINDS,
  type PaxosMessage,
  type PaxosState,
} from "@synod/core/protocols/paxos";
import type { ProbeKind } from "@synod/simulator";

const OFTEN = [
  "paxos: proposer fell in the prepare phase",
  "paxos: proposer fell in the accept phase",
  "paxos: accept sent again",
  "paxos: accepted again in a higher ballot",
  "paxos: ballot outbid",
  "paxos: outbid twice in a row",
  "paxos: phase 2 with a value of others",
  "paxos: promise tells of an acceptance",
  "paxos: learned by asking acceptors",
  "paxos: learned from somebody's memory",
  "paxos: read before the decision",
  "paxos: decided for something else",
  "paxos: decided known from the disk",
  "paxos: non-voter learned the outcome",
];

/** Somebody nearly always has a value of its own to propose. */
const RARE = ["paxos: asked in vain, then completed"];

/** Situations of single-decree Paxos that lives should reach. */
export const PAXOS_PROBES: readonly ProbeKind[] = [
  ...[...OFTEN, ...MESSAGE_KINDS.map((kind) => `paxos: ${kind} sent`)].map(
    (name): ProbeKind => ({ name, expected: "often" }),
  ),
  ...RARE.map((name): ProbeKind => ({ name, expected: "rare" })),
];

type Hit = (probe: string) => void;

export function probeStep(
  hit: Hit,
  state: PaxosState,
  input: Input<PaxosMessage>,
  effects: readonly Effect<PaxosMessage>[],
): void {
  for (const effect of effects) {
    if (effect.kind === "observe") probeEvent(hit, effect.event, state, input);
    else if (effect.kind === "release" && effect.outcome === "closed")
      hit("paxos: decided for something else");
    else if (effect.kind === "readable" && effect.position.index === 0)
      hit("paxos: read before the decision");
    else if (effect.kind === "deliver") probeOutcome(hit, state, input);
  }
}

function probeEvent(hit: Hit, event: string, state: PaxosState, input: Input<PaxosMessage>): void {
  const { proposer, learner, settings } = state;
  if (event === "outbid") hit("paxos: ballot outbid");
  if (event === "outbid" && proposer.outbid > 1) hit("paxos: outbid twice in a row");
  if (event === "completing") hit("paxos: phase 2 with a value of others");
  const isStuck = findingOf(learner, settings.quorums) === "stuck";
  if (event === "ballot" && input.kind === "timeout" && input.name === "ask" && isStuck)
    hit("paxos: asked in vain, then completed");
}

function probeOutcome(hit: Hit, state: PaxosState, input: Input<PaxosMessage>): void {
  if (input.kind === "start") hit("paxos: decided known from the disk");
  if (!state.voter) hit("paxos: non-voter learned the outcome");
  if (input.kind !== "message") return;
  if (input.message.kind === "told") hit("paxos: learned by asking acceptors");
  if (input.message.kind === "chosen") hit("paxos: learned from somebody's memory");
}

export function probeMessage(hit: Hit, message: PaxosMessage): void {
  hit(`paxos: ${message.kind} sent`);
  if (message.kind === "promise" && message.accepted !== null)
    hit("paxos: promise tells of an acceptance");
}
