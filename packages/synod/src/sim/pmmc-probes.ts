import type { Effect, Input } from "@synod/core";
import type { PmmcMessage, PmmcState } from "@synod/core/protocols/pmmc";
import type { ProbeKind } from "@synod/simulator";

const MESSAGES: readonly PmmcMessage["kind"][] = ["ask", "behind", "decisions", "pong"];

const OFTEN = [
  "pmmc: adopted with pvalues to recover",
  "pmmc: adopted with nothing to recover",
  "pmmc: leader preempted",
  "pmmc: scout preempted",
  "pmmc: leader stalled",
  "pmmc: time-out grown",
  "pmmc: command lost its slot",
  "pmmc: window full",
  "pmmc: proposed to all leaders",
  "pmmc: gap filled",
  "pmmc: answer to a scout in parts",
  "pmmc: acceptor has collected",
  "pmmc: collected slot commanded",
  "pmmc: proposal passed on",
  "pmmc: decided by a mark",
  "pmmc: read waits for a slot",
  "pmmc: read under a lease",
  "pmmc: leader fell with commanders",
  "pmmc: scout fell",
];

/** Situations of PMMC that lives should reach. */
export const PMMC_PROBES: readonly ProbeKind[] = [
  ...OFTEN,
  ...MESSAGES.map((kind) => `pmmc: ${kind} sent`),
].map((name) => ({ name, expected: "often" }));

type Hit = (probe: string) => void;

export function probePmmcStep(
  hit: Hit,
  state: PmmcState,
  input: Input<PmmcMessage>,
  effects: readonly Effect<PmmcMessage>[],
): void {
  const { leader, replica, tuning } = state;
  for (const effect of effects) {
    if (effect.kind === "observe") probeEvent(hit, effect.event, effect.detail);
    if (effect.kind === "readable" && effect.validUntil !== undefined)
      hit("pmmc: read under a lease");
  }
  if (leader.stalled) hit("pmmc: leader stalled");
  if (leader.timeoutMs > tuning.timeoutMs) hit("pmmc: time-out grown");
  if (replica === null) return;
  if (replica.requests.length > 0 && replica.slotIn >= replica.slotOut + tuning.window)
    hit("pmmc: window full");
  for (const { position } of replica.attempts.values())
    if (position !== null) hit("pmmc: read waits for a slot");
  if (input.kind === "message" && input.message.kind === "decision" && input.message.value === null)
    hit("pmmc: decided by a mark");
}

function probeEvent(
  hit: Hit,
  event: string,
  detail: Readonly<Record<string, number | string | boolean>>,
): void {
  if (event === "elected")
    hit(`pmmc: adopted with ${detail["recovered"] === 0 ? "nothing" : "pvalues"} to recover`);
  if (event === "preempted") hit(`pmmc: ${detail["led"] === true ? "leader" : "scout"} preempted`);
  if (event === "displaced") hit("pmmc: command lost its slot");
  if (event === "gap") hit("pmmc: gap filled");
}

export function probePmmcMessage(hit: Hit, message: PmmcMessage): void {
  if (MESSAGES.includes(message.kind)) hit(`pmmc: ${message.kind} sent`);
  switch (message.kind) {
    case "p1b":
      if (message.last !== Number.MAX_SAFE_INTEGER) hit("pmmc: answer to a scout in parts");
      if (message.gcSlot > 0) hit("pmmc: acceptor has collected");
      return;
    case "p2b":
      if (message.slot <= message.gcSlot) hit("pmmc: collected slot commanded");
      return;
    case "propose":
      hit(message.passedOn ? "pmmc: proposal passed on" : "pmmc: proposed to all leaders");
      return;
    default:
  }
}
