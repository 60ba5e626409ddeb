import type { NodeId, Writer } from "@synod/core";
import type { Model } from "./explore.ts";
import {
  CRASH,
  createStore,
  type Letter,
  type Outcome,
  type Replica,
  SYNC,
  WIPE,
} from "./replica.ts";
import { createEvents, describeEvent } from "./replica-events.ts";
import { createJudge } from "./replica-judge.ts";
import type { ReplicaModelOptions } from "./replica-options.ts";

/**
 * Every interleaving of a small configuration: real replicas behind real effect queues, where each
 * delivery, each sync, each message to oneself, each time-out and each crash is an event of its
 * own. Messages overtake each other as they like, and may stay away for ever. A delivery that
 * changes nothing is left out: the message stays on its way.
 */
export interface ReplicaModelState<S, M> {
  readonly replicas: readonly Replica<S, M>[];
  /** Numbers of the messages in flight, ascending; equal ones are one. */
  readonly letters: readonly number[];
  readonly crashes: number;
  readonly wipes: number;
  readonly duplicates: number;
  readonly losses: number;
  /** What the action that led here did wrong. */
  readonly problem: string | null;
}

export interface ReplicaModelAction {
  readonly node: NodeId;
  /** Of the replica; the arrival of a letter when `letter` is one. */
  readonly event: number;
  /** Number of the letter, or -1. */
  readonly letter: number;
  readonly fate: "arrives" | "arrives and stays" | "is lost";
}

export interface ReplicaModel<S, M> extends Model<ReplicaModelState<S, M>, ReplicaModelAction> {
  describe(state: ReplicaModelState<S, M>, action: ReplicaModelAction): string;
  /** What a step brought: messages that left, slots delivered, lines for people. */
  news(before: ReplicaModelState<S, M>, after: ReplicaModelState<S, M>): readonly string[];
  /** Chosen values by slot, as the disks have it: for asking whether a model is worth its name. */
  chosen(state: ReplicaModelState<S, M>, slot: number): string | null;
  /** Different states of single replicas so far; each step of the core was taken once for each. */
  replicas(): number;
}

export function replicaModel<S, M, H>(options: ReplicaModelOptions<S, M, H>): ReplicaModel<S, M> {
  type State = ReplicaModelState<S, M>;
  const store = createStore(options);
  const events = createEvents(options, store);
  const judge = createJudge(options.invariants, options.size);

  function actions(state: State): ReplicaModelAction[] {
    const found: ReplicaModelAction[] = [];
    for (const letter of state.letters) {
      const node = store.letters[letter]?.to as NodeId;
      const event = events.firstLetter + letter;
      found.push({ node, event, letter, fate: "arrives" });
      if (state.duplicates > 0) found.push({ node, event, letter, fate: "arrives and stays" });
      if (state.losses > 0) found.push({ node, event, letter, fate: "is lost" });
    }
    for (const replica of state.replicas) {
      const { node } = replica;
      for (const event of events.own(replica)) {
        // Notes that nobody waits for matter to crashes alone.
        if (event === SYNC && !mayRestart(state) && !waits(replica)) continue;
        found.push({ node, event, letter: -1, fate: "arrives" });
      }
      if (state.crashes > 0) found.push({ node, event: CRASH, letter: -1, fate: "arrives" });
      if (state.wipes > 0 && replica.voter)
        found.push({ node, event: WIPE, letter: -1, fate: "arrives" });
    }
    return found;
  }

  function apply(before: State, action: ReplicaModelAction): State | null {
    const { node, event, letter, fate } = action;
    if (fate === "is lost") {
      const letters = without(before.letters, letter);
      return { ...before, letters, losses: before.losses - 1, problem: null };
    }
    const replica = before.replicas[node] as Replica<S, M>;
    const outcome = events.outcome(replica, event);
    if (letter >= 0 && isIdle(before, replica, outcome)) return null;
    const stays = letter < 0 || fate === "arrives and stays";
    const kept = stays ? before.letters : without(before.letters, letter);
    const replicas = before.replicas.slice();
    replicas[node] = outcome.replica;
    const after = {
      replicas,
      letters: merged(kept, outcome.letters),
      crashes: event === CRASH ? before.crashes - 1 : before.crashes,
      wipes: event === WIPE ? before.wipes - 1 : before.wipes,
      duplicates: fate === "arrives and stays" ? before.duplicates - 1 : before.duplicates,
      losses: before.losses,
      problem: outcome.problem,
    };
    after.letters = fresh(before, after, after.letters);
    return after;
  }

  /** Without the letters that this step has made stale; the others have been looked at before. */
  function fresh(
    before: State,
    after: Pick<State, "replicas" | "crashes" | "wipes">,
    letters: readonly number[],
  ): readonly number[] {
    const { replicas } = after;
    const mayCrash = mayRestart(after);
    const isLastCrash = !mayCrash && mayRestart(before);
    for (const id of letters) {
      const { to } = store.letters[id] as Letter<M>;
      const isOld = replicas[to] === before.replicas[to] && before.letters.includes(id);
      if ((isLastCrash || !isOld) && isGone(replicas, id, mayCrash))
        return letters.filter((other) => !isGone(replicas, other, mayCrash));
    }
    return letters;
  }

  function isGone(replicas: State["replicas"], id: number, mayCrash: boolean): boolean {
    const letter = store.letters[id] as Letter<M>;
    const replica = replicas[letter.to] as Replica<S, M>;
    if (!options.isStale(replica.state, letter.message, mayCrash)) return false;
    const outcome = events.outcome(replica, events.firstLetter + id);
    return outcome.replica === replica && outcome.letters.length === 0 && outcome.problem === null;
  }

  return {
    initial: [
      {
        replicas: Array.from({ length: options.size }, (_, node) => events.boot(node)),
        letters: [],
        crashes: options.crashes,
        wipes: options.wipes,
        duplicates: options.duplicates,
        losses: options.losses,
        problem: null,
      },
    ],
    actions,
    apply,
    fingerprint(writer: Writer, state: State) {
      for (const replica of state.replicas) writer.u32(replica.id);
      writer.u8(state.crashes);
      writer.u8(state.wipes);
      writer.u8(state.duplicates);
      writer.u8(state.losses);
      // A step that was wrong may end where one that was right did.
      writer.bool(state.problem !== null);
      for (const letter of state.letters) writer.u32(letter);
    },
    check: (state) => state.problem ?? judge.problem(state.replicas),
    describe(_state, { node, event, letter, fate }) {
      const post = store.letters[letter];
      const text =
        post === undefined
          ? null
          : `${post.from} > ${post.to} ${fate}: ${options.describe(post.message)}`;
      return fate === "is lost" ? (text ?? "") : describeEvent(events, node, event, text);
    },
    news(before, after) {
      const sent = after.letters
        .filter((letter) => !before.letters.includes(letter))
        .map((letter) => store.letters[letter] as Letter<M>)
        .map((post) => `${post.from} > ${post.to} leaves: ${options.describe(post.message)}`);
      const delivered = after.replicas.flatMap((replica, node) => {
        const known = before.replicas[node]?.delivered.length ?? 0;
        return replica.delivered
          .slice(known)
          .map(({ slot, text }) => `${node} delivers slot ${slot}: ${text === "" ? "-" : text}`);
      });
      return [...sent, ...delivered];
    },
    chosen: (state, slot) => judge.chosen(state.replicas, slot),
    replicas: store.replicas,
  };
}

function mayRestart(state: { readonly crashes: number; readonly wipes: number }): boolean {
  return state.crashes + state.wipes > 0;
}

function waits<S, M>(replica: Replica<S, M>): boolean {
  return replica.tail.some((effect) => effect.kind !== "note");
}

function isIdle<S, M>(
  before: ReplicaModelState<S, M>,
  replica: Replica<S, M>,
  outcome: Outcome<S, M>,
): boolean {
  return (
    outcome.problem === null &&
    outcome.replica === replica &&
    outcome.letters.every((letter) => before.letters.includes(letter))
  );
}

function without(letters: readonly number[], gone: number): readonly number[] {
  const rest = letters.slice();
  rest.splice(rest.indexOf(gone), 1);
  return rest;
}

/** Ascending, each once. */
function merged(letters: readonly number[], more: readonly number[]): readonly number[] {
  if (more.length === 0) return letters;
  const fresh = more.filter(
    (letter, at) => !letters.includes(letter) && more.indexOf(letter) === at,
  );
  if (fresh.length === 0) return letters;
  return [...letters, ...fresh].sort((a, b) => a - b);
}
