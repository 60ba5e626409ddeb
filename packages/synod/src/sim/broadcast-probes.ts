import type { Effect, Input } from "@synod/core";
import {
  type BroadcastMessage,
  type BroadcastState,
  INSTANCE_KINDS,
  MESSAGE_KINDS,
} from "@synod/core/protocols/broadcast";
import type { ProbeKind } from "@synod/simulator";

const SENT = [...INSTANCE_KINDS, ...MESSAGE_KINDS.filter((kind) => kind !== "decree")];

const OFTEN = [
  "broadcast: proposer fell in the prepare phase",
  "broadcast: proposer fell in the accept phase",
  "broadcast: ballot outbid",
  "broadcast: message lost its slot",
  "broadcast: lets another proposer go first",
  "broadcast: passed over, proposes itself",
  "broadcast: several slots open",
  "broadcast: window full",
  "broadcast: decided before a lower slot",
  "broadcast: message of another member taken along",
  "broadcast: message waits in a non-voter",
  "broadcast: read waits for a slot",
  "broadcast: acceptance damaged",
  "broadcast: compacted with open slots above",
  "broadcast: installed below what is decided",
];

/** Situations of total-order broadcast that lives should reach. */
export const BROADCAST_PROBES: readonly ProbeKind[] = [
  ...OFTEN,
  ...SENT.map((kind) => `broadcast: ${kind} sent`),
].map((name) => ({ name, expected: "often" }));

type Hit = (probe: string) => void;

export function probeStep(
  hit: Hit,
  state: BroadcastState,
  input: Input<BroadcastMessage>,
  effects: readonly Effect<BroadcastMessage>[],
): void {
  for (const effect of effects) {
    if (effect.kind !== "observe") continue;
    if (effect.event === "outbid") hit("broadcast: ballot outbid");
    if (effect.event === "displaced") hit("broadcast: message lost its slot");
  }
  if (input.kind === "timeout" && input.name === "turn") probeTurn(hit, effects);
  if (input.kind === "compact" && state.openUpTo > state.decidedUpTo)
    hit("broadcast: compacted with open slots above");
  if (input.kind === "installed" && state.decided.size > 0)
    hit("broadcast: installed below what is decided");
  probeState(hit, state);
}

function probeTurn(hit: Hit, effects: readonly Effect<BroadcastMessage>[]): void {
  const begins = effects.some((effect) => effect.kind === "observe" && effect.event === "ballot");
  hit(`broadcast: ${begins ? "passed over, proposes itself" : "lets another proposer go first"}`);
}

function probeState(hit: Hit, state: BroadcastState): void {
  const { instances, tuning, pending, decided, decidedUpTo, reads } = state;
  let open = 0;
  for (const { proposer, acceptor } of instances.values()) {
    if ((proposer?.attempt ?? null) !== null) open += 1;
    if (acceptor.damaged) hit("broadcast: acceptance damaged");
  }
  if (open > 1) hit("broadcast: several slots open");
  if (open === tuning.window && pending.some(({ slot }) => slot === 0))
    hit("broadcast: window full");
  if (decided.has(decidedUpTo + 2)) hit("broadcast: decided before a lower slot");
  if (pending.some(({ own, slot }) => !own && slot > 0))
    hit("broadcast: message of another member taken along");
  if (pending.length > 0 && !state.voter) hit("broadcast: message waits in a non-voter");
  if (reads.cleared.length > 0) hit("broadcast: read waits for a slot");
}

export function probeMessage(hit: Hit, message: BroadcastMessage): void {
  hit(`broadcast: ${message.kind === "decree" ? message.message.kind : message.kind} sent`);
}
