import type { Effect, Input, NodeId } from "@synod/core";
import type { MultipaxosMessage, MultipaxosState } from "@synod/core/protocols/multipaxos";
import type { ProbeKind } from "@synod/simulator";

const MESSAGES: readonly MultipaxosMessage["kind"][] = [
  "nack",
  "behind",
  "catchUp",
  "learn",
  "forward",
  "readIndex",
  "readAt",
  "commit",
];

const OFTEN = [
  "paxos: leader fell with slots under way",
  "paxos: candidate fell",
  "paxos: accept sent again",
  "paxos: slot accepted again in a higher ballot",
  "paxos: elected with values to recover",
  "paxos: elected with values of several ballots",
  "paxos: elected with a gap to fill",
  "paxos: elected with nothing open",
  "paxos: elected behind what is chosen elsewhere",
  "paxos: two leaders at the same time",
  "paxos: candidate tried again",
  "paxos: leader gave up without a quorum",
  "paxos: leader deposed by a message",
  "paxos: compacted with unchosen slots above",
  "paxos: snapshot installed in place of open slots",
  "paxos: non-voter noted an acceptance",
  "paxos: window full",
  "paxos: proposals wait for a leader",
  "paxos: read waits for the own ballot",
  "paxos: reads asked again",
  "paxos: catch-up asked a second member",
  "paxos: probe refused",
  "paxos: promise in parts",
  "paxos: promise omits chosen values",
  "paxos: promise tells chosen values",
  "paxos: forward passed on",
];

/** Situations of Multi-Paxos that lives should reach. */
export const MULTIPAXOS_PROBES: readonly ProbeKind[] = [
  ...OFTEN,
  ...MESSAGES.map((kind) => `paxos: ${kind} sent`),
].map((name) => ({ name, expected: "often" }));

/** What is remembered of a node between its steps. */
export interface Seen {
  state: MultipaxosState | null;
  role: MultipaxosState["role"] | null;
  /** Slots up to here have been told to the oracle of chosen values. */
  chosenUpTo: number;
  /** The lowest slot that was open here when a state was asked for; infinite: none. */
  openAt: number;
}

type Hit = (probe: string) => void;

interface Step {
  readonly node: NodeId;
  readonly state: MultipaxosState;
  readonly input: Input<MultipaxosMessage>;
  readonly effects: readonly Effect<MultipaxosMessage>[];
  /** Before this step. */
  readonly seen: Seen;
  readonly others: ReadonlyMap<NodeId, Seen>;
}

export function probeStep(hit: Hit, step: Step): void {
  const { state, effects, input } = step;
  for (const effect of effects) {
    if (effect.kind === "observe") probeEvent(hit, effect.event, step);
    else if (effect.kind === "requestState") step.seen.openAt = lowestUnchosen(state);
    else if (effect.kind === "checkpoint") {
      if (lowestUnchosen(state) < Number.POSITIVE_INFINITY)
        hit("paxos: compacted with unchosen slots above");
    } else if (effect.kind === "note" && !state.voter && effect.about.kind === "slots")
      hit("paxos: non-voter noted an acceptance");
  }
  probeState(hit, state);
  if (input.kind === "timeout") probeTimeout(hit, input.name, step);
  if (input.kind === "installed" && input.position.index >= step.seen.openAt)
    hit("paxos: snapshot installed in place of open slots");
}

/** A candidate whose time is up asks first whether it is missed, and then stands once more. */
function probeTimeout(hit: Hit, name: string, { state, seen }: Step): void {
  if (name === "reads" && state.reads.size > 0) hit("paxos: reads asked again");
  if (name === "election" && seen.role?.kind === "candidate" && state.role !== seen.role)
    hit("paxos: candidate tried again");
}

function probeState(hit: Hit, state: MultipaxosState): void {
  const { role } = state;
  if ((state.catchUp?.tries ?? 0) > 0) hit("paxos: catch-up asked a second member");
  if (role.kind !== "leader") {
    if (state.queue.length > 0 && state.leader === null) hit("paxos: proposals wait for a leader");
    return;
  }
  if (role.open.size >= state.tuning.window && state.queue.length > 0) hit("paxos: window full");
  if (role.waiting.length > 0 && state.chosenUpTo < role.barrier)
    hit("paxos: read waits for the own ballot");
}

function lowestUnchosen(state: MultipaxosState): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const [slot, entry] of state.log) if (!entry.chosen && slot < lowest) lowest = slot;
  return lowest;
}

function probeEvent(hit: Hit, event: string, step: Step): void {
  const { seen, input, node, others } = step;
  if (event === "steppedDown") {
    if (input.kind === "timeout") hit("paxos: leader gave up without a quorum");
    if (input.kind === "message") hit("paxos: leader deposed by a message");
  }
  if (event !== "elected") return;
  for (const [other, { role }] of others)
    if (other !== node && role?.kind === "leader") hit("paxos: two leaders at the same time");
  if (seen.role?.kind === "candidate") probeElection(hit, step.state, seen.role);
}

function probeElection(
  hit: Hit,
  state: MultipaxosState,
  candidate: Extract<MultipaxosState["role"], { kind: "candidate" }>,
): void {
  const { reported, highest } = candidate;
  const open = [...reported.keys()].filter((slot) => slot > candidate.floor);
  if (open.length === 0) hit("paxos: elected with nothing open");
  else hit("paxos: elected with values to recover");
  const rounds = new Set([...reported.values()].map(({ ballot }) => ballot.round));
  if (rounds.size > 1) hit("paxos: elected with values of several ballots");
  for (let slot = candidate.floor + 1; slot <= highest; slot += 1)
    if (!reported.has(slot) && !state.log.has(slot)) hit("paxos: elected with a gap to fill");
  if (state.known.chosenUpTo > state.chosenUpTo)
    hit("paxos: elected behind what is chosen elsewhere");
}

export function probeMessage(hit: Hit, message: MultipaxosMessage): void {
  if (MESSAGES.includes(message.kind)) hit(`paxos: ${message.kind} sent`);
  if (message.kind === "probed" && !message.granted) hit("paxos: probe refused");
  if (message.kind === "forward" && message.passedOn) hit("paxos: forward passed on");
  if (message.kind !== "promise") return;
  if (message.last !== Number.MAX_SAFE_INTEGER) hit("paxos: promise in parts");
  if (message.omittedUpTo > 0) hit("paxos: promise omits chosen values");
  if (message.entries.some((entry) => entry.chosen)) hit("paxos: promise tells chosen values");
}
