import {
  type Ballot,
  formatBallot,
  majority,
  type NodeId,
  nextBelow,
  type PrngState,
} from "@synod/core";
import { ToyAcceptor } from "./toy-acceptor.ts";
import type { ToyOutcome } from "./toy-event.ts";
import { type ToyCompany, ToyProposer } from "./toy-proposer.ts";
import { showValue, type ToySettings } from "./toy-settings.ts";
import { type Told, ToyStage } from "./toy-stage.ts";

/** Several proposers try again and again until then, virtual ms. */
export const ROUND_MS = 1_000;
/** Proposers begin within this of each other, virtual ms: close enough to meet. */
const START_SPREAD_MS = 20;
/** The faces U+1F601 to U+1F64F. */
const FACE_FIRST = 0x1f601;
const FACES = 79;

/**
 * One round: new acceptors and proposers, which know nothing of earlier rounds, agree on a value or
 * fail to. Every step is told as it happens; the verdict last.
 */
export function playRound(
  settings: ToySettings,
  random: PrngState,
  tell: (told: Told) => void,
): ToyOutcome {
  const acceptors: ToyAcceptor[] = [];
  const proposers: ToyProposer[] = [];
  const company: ToyCompany = { acceptors, proposers };
  const judge = createJudge(settings.acceptors);
  const stage = new ToyStage(random, (told) => {
    tell(told);
    if (told.event.event === "accepted") judge.look(acceptors);
  });
  for (let id = 0; id < settings.acceptors; id += 1)
    acceptors.push(new ToyAcceptor(id, stage, settings));
  for (let id = 0; id < settings.proposers; id += 1)
    proposers.push(new ToyProposer(id, stage, settings, company));
  for (const proposer of proposers) {
    const value = wishOf(settings, proposer.id, random);
    const start = proposer.id === 0 ? 0 : stage.below(START_SPREAD_MS);
    stage.after(start, () => proposer.begin(value));
  }
  stage.play(ROUND_MS);
  return tellVerdict(stage, proposers, judge.chosen());
}

/** Several proposers want different values, or there would be nothing to agree on. */
function wishOf({ value, proposers }: ToySettings, proposer: number, random: PrngState): string {
  const face = String.fromCodePoint(FACE_FIRST + nextBelow(random, FACES));
  if (value === null) return face;
  return proposers > 1 ? `${value}-${proposer}` : value;
}

function tellVerdict(
  stage: ToyStage,
  proposers: readonly ToyProposer[],
  chosen: ReadonlySet<string>,
): ToyOutcome {
  const learned = proposers.flatMap(({ learned }) => (learned === null ? [] : [learned]));
  const values = [...new Set([...learned, ...chosen])];
  const outcome = outcomeOf(proposers, learned, values);
  const agreed = outcome === "agreed" || outcome === "conflict";
  stage.tell({ event: "verdict", outcome, values: agreed ? values : [] });
  return outcome;
}

function outcomeOf(
  proposers: readonly ToyProposer[],
  learned: readonly string[],
  values: readonly string[],
): ToyOutcome {
  if (values.length > 1) return "conflict";
  if (learned.length > 0) return "agreed";
  const [alone, ...others] = proposers;
  return others.length === 0 && alone?.hasProposed === false ? "no-quorum" : "not-agreed";
}

interface Judge {
  look(acceptors: readonly ToyAcceptor[]): void;
  /** Every value that was chosen. Paxos is that there is one at most. */
  chosen(): ReadonlySet<string>;
}

/** Sees what all acceptors accept, and so what is chosen, whoever knows of it. */
function createJudge(size: number): Judge {
  const quorums = majority(Array.from({ length: size }, (_, id) => id));
  const votes = new Map<string, { readonly value: string; readonly by: Set<NodeId> }>();
  const vote = (by: NodeId, ballot: Ballot, value: string): void => {
    const name = `${formatBallot(ballot)} ${value}`;
    const known = votes.get(name) ?? { value, by: new Set() };
    known.by.add(by);
    votes.set(name, known);
  };
  return {
    look(acceptors) {
      for (const { id, accepted } of acceptors)
        if (accepted !== null) vote(id, accepted.ballot, showValue(accepted.value));
    },
    chosen() {
      const chosen = [...votes.values()].filter(({ by }) => quorums.isPhase2(by));
      return new Set(chosen.map(({ value }) => value));
    },
  };
}
