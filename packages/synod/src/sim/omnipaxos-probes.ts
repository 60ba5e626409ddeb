import type { Effect, Input } from "@synod/core";
import {
  type OmniPaxosMessage,
  type OmniPaxosState,
  type Role,
  roundMs,
} from "@synod/core/protocols/omnipaxos";
import type { ProbeKind } from "@synod/simulator";

const MESSAGES: readonly OmniPaxosMessage["kind"][] = [
  "prepareRequest",
  "nack",
  "acceptSync",
  "decide",
  "catchUp",
  "learn",
  "behind",
  "forward",
  "confirm",
  "readIndex",
  "readAt",
];

const OFTEN = [
  "omnipaxos: leader fell with slots under way",
  "omnipaxos: candidate fell",
  "omnipaxos: accept sent again",
  "omnipaxos: slot accepted again in a higher ballot",
  "omnipaxos: elected with its own log",
  "omnipaxos: elected with a longer log",
  "omnipaxos: two leaders at the same time",
  "omnipaxos: took over from a leader",
  "omnipaxos: unhappy",
  "omnipaxos: leader unhappy",
  "omnipaxos: relayed",
  "omnipaxos: accept came too early",
  "omnipaxos: promised again",
  "omnipaxos: waited to be prepared",
  "omnipaxos: leader overtaken or outbid",
  "omnipaxos: compacted with open slots above",
  "omnipaxos: window full",
  "omnipaxos: proposals wait for a leader",
  "omnipaxos: read waits for the adopted log",
  "omnipaxos: catch-up asked a second member",
  "omnipaxos: promise tells decided values",
  "omnipaxos: promise tells a better log",
  "omnipaxos: priority moved the lead",
  "omnipaxos: waited longer after a short lead",
  "omnipaxos: time-out above its least",
  "omnipaxos: time-out at its longest",
] as const;

/** Situations of OmniPaxos that lives should reach. */
/** Of the lives that change members. */
const RECONFIGURATION = [
  "fault: other members asked for",
  "reconfiguration: chosen",
  "reconfiguration: fork while one begins",
  "host: configuration begun",
];

export const OMNIPAXOS_PROBES: readonly ProbeKind[] = [
  ...OFTEN,
  ...RECONFIGURATION,
  ...MESSAGES.map((kind) => `omnipaxos: ${kind} sent`),
]
  .map((name): ProbeKind => ({ name, expected: "often" }))
  .concat({
    // A follower with more than the next leader has: few lives see that.
    name: "omnipaxos: sync cut the log",
    expected: "rare",
  });

type Hit = (probe: string) => void;

interface Step {
  readonly state: OmniPaxosState;
  readonly input: Input<OmniPaxosMessage>;
  readonly effects: readonly Effect<OmniPaxosMessage>[];
  /** Its role before this step. */
  readonly before: Role | null;
  /** Its length before this step. */
  readonly length: number;
  readonly otherLeads: boolean;
}

export function probeOmniPaxosStep(hit: Hit, step: Step): void {
  const { state, input, effects, before } = step;
  const { sequence, election } = state;
  const { role } = sequence;
  for (const effect of effects) if (effect.kind === "observe") probeEvent(hit, effect.event, step);
  if (effects.some(({ kind }) => kind === "checkpoint") && sequence.length > sequence.decidedUpTo)
    hit("omnipaxos: compacted with open slots above");
  if (!election.happy) hit("omnipaxos: unhappy");
  if (!election.happy && role.kind === "leader") hit("omnipaxos: leader unhappy");
  if (election.preference.patience > 1) hit("omnipaxos: waited longer after a short lead");
  if (input.kind === "timeout" && input.name === "election") probePace(hit, state);
  if ((sequence.catchUp?.tries ?? 0) > 0) hit("omnipaxos: catch-up asked a second member");
  if (role.kind === "leader") {
    const isFull = sequence.length >= sequence.decidedUpTo + sequence.tuning.window;
    if (isFull && sequence.queue.length > 0) hit("omnipaxos: window full");
    if (role.waiting.length > 0 && sequence.decidedUpTo < role.barrier)
      hit("omnipaxos: read waits for the adopted log");
  } else if (sequence.queue.length > 0 && sequence.leader === null)
    hit("omnipaxos: proposals wait for a leader");
  if (role.kind === "follower") {
    if (role.ahead.size > 0) hit("omnipaxos: accept came too early");
    if (role.stage === "recover") hit("omnipaxos: waited to be prepared");
    const wasPromised = before?.kind === "follower" && before.stage === "promised";
    if (input.kind === "timeout" && input.name === "resend" && wasPromised)
      hit("omnipaxos: promised again");
  }
}

/** Whether the time-out has followed the links. */
function probePace(hit: Hit, { pace, sequence }: OmniPaxosState): void {
  const { electionMinMs, electionMaxMs } = sequence.tuning;
  if (electionMinMs === 0) return;
  const lasts = roundMs(pace, sequence.tuning);
  if (lasts > electionMinMs) hit("omnipaxos: time-out above its least");
  if (lasts === electionMaxMs) hit("omnipaxos: time-out at its longest");
}

function probeEvent(hit: Hit, event: string, { state, otherLeads, length }: Step): void {
  const { sequence } = state;
  if (event === "campaign" && sequence.promised.round >= 200)
    hit("omnipaxos: took over from a leader");
  if (event === "preferred") hit("omnipaxos: priority moved the lead");
  if (event === "steppedDown") hit("omnipaxos: leader overtaken or outbid");
  if (event !== "elected" || sequence.role.kind !== "leader") return;
  if (otherLeads) hit("omnipaxos: two leaders at the same time");
  const isLonger = sequence.role.adopted.length > length;
  hit(isLonger ? "omnipaxos: elected with a longer log" : "omnipaxos: elected with its own log");
}

export function probeOmniPaxosMessage(hit: Hit, message: OmniPaxosMessage): void {
  if (MESSAGES.includes(message.kind)) hit(`omnipaxos: ${message.kind} sent`);
  if ((message.kind === "forward" || message.kind === "readIndex") && message.relayed)
    hit("omnipaxos: relayed");
  if (message.kind !== "promise" || message.values.length === 0) return;
  if (message.first <= message.chosenUpTo) hit("omnipaxos: promise tells decided values");
  const last = message.first + message.values.length - 1;
  if (last > message.chosenUpTo) hit("omnipaxos: promise tells a better log");
}
