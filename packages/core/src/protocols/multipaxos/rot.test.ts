import {
  type About,
  type Ballot,
  createPrng,
  type Effect,
  type JournalRecord,
  majority,
  nextBelow,
  nextFraction,
  type PrngState,
  type Slot,
} from "@synod/core";
import { expect, test } from "vitest";
import { contents } from "../../testing/disk.ts";
import { multipaxos } from "./index.ts";
import { afterStep, onDurable, onSent } from "./invariants.ts";
import type { MultipaxosMessage } from "./messages.ts";
import { decodeRecord } from "./records.ts";
import type { MultipaxosState } from "./state.ts";
import { type Cluster, createCluster } from "./testing/cluster.ts";

/**
 * Every record of a journal rots, alone and with every other, at every stage of the recovery from
 * it: the checkpoint that names the damage lost in a crash, or written and damaged in its turn. No
 * promise may ever hide an acceptance, none may be forgotten, and nothing may be taken for chosen
 * that is not.
 */
const ABOVE_ALL: Ballot = { round: 1_000, proposer: 1 };

const SEEDS = 12;

/** A short and wild life of three, after which node 0 is down. */
function lived(seed: number): Cluster {
  const tuning = { window: 4, chunkBytes: 60, retainBytes: 100, preVote: 0, batchBytesMax: 60 };
  const cluster = createCluster({ size: 3, seed, tuning });
  const random = createPrng(seed);
  cluster.startAll();
  for (let round = 0; round < 12; round += 1) disturb(cluster, random, round);
  if (!cluster.node(0).alive) cluster.start(0);
  cluster.run(nextFraction(random) * 20);
  cluster.crash(0);
  return cluster;
}

function disturb(cluster: Cluster, random: PrngState, round: number): void {
  const id = nextBelow(random, 3);
  const dice = nextFraction(random);
  if (!cluster.node(id).alive) cluster.start(id);
  if (dice < 0.3) cluster.input(id, { kind: "timeout", name: "election" });
  else if (dice < 0.45) cluster.crash(id);
  else if (dice < 0.6) cluster.compact(id);
  else if (dice < 0.75) cluster.control.passes = (from, to) => from !== id && to !== id;
  else cluster.heal();
  for (let more = 0; more < 3; more += 1) cluster.propose(id, `c${round}#${more + 1}`);
  cluster.run(nextFraction(random) * 12);
}

interface Restarted {
  readonly state: MultipaxosState;
  readonly effects: readonly Effect<MultipaxosMessage>[];
}

function restart(
  records: readonly JournalRecord[],
  missing: readonly About[],
  delivered: Slot,
): Restarted {
  const state = multipaxos.create({
    self: 0,
    members: [0, 1, 2],
    quorums: majority([0, 1, 2]),
    seed: 1,
    roles: [],
    tuning: {},
  });
  multipaxos.step(state, { kind: "recover", records }, 0);
  const position = { log: 0, index: delivered };
  const start = { kind: "start", image: new Uint8Array(0), incarnation: 9, voter: true } as const;
  const effects = multipaxos.step(state, { ...start, missing, delivered: position }, 0);
  return { state, effects };
}

/** What the replica promises when it is asked, judged by all that ever became durable. */
function judge(cluster: Cluster, { state }: Restarted): void {
  const complain = (problem: string | null): void => {
    if (problem !== null) throw new Error(problem);
  };
  complain(afterStep(cluster.history, state));
  const message = { kind: "prepare", ballot: ABOVE_ALL, chosenUpTo: 0 } as const;
  const effects = multipaxos.step(state, { kind: "message", from: 1, message }, 0);
  const promises = effects.filter((e) => e.kind === "send" && e.message.kind === "promise");
  expect(promises.length).toBeGreaterThan(0);
  complain(onDurable(cluster.history, 0, { kind: "promised", ballot: ABOVE_ALL }));
  for (const effect of promises)
    if (effect.kind === "send") complain(onSent(cluster.history, 0, effect.message));
}

function isNamed({ about }: JournalRecord): boolean {
  return about.kind === "slots" || about.ballot !== undefined;
}

/** The journal without some records, and the names of those. */
function without(
  records: readonly JournalRecord[],
  gone: readonly JournalRecord[],
): [JournalRecord[], About[]] {
  return [records.filter((record) => !gone.includes(record)), gone.map(({ about }) => about)];
}

function checkpointOf({ effects }: Restarted): readonly JournalRecord[] {
  const [checkpoint] = effects.filter((effect) => effect.kind === "checkpoint");
  if (checkpoint === undefined) throw new Error("damage, and no checkpoint");
  return checkpoint.records;
}

test("whatever rots, and however often, no promise hides an acceptance", () => {
  let faulty = 0;
  let second = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const cluster = lived(seed);
    const owner = cluster.node(0);
    const { records } = contents(owner.platter);
    // The promise that the judge adds must not make up for one that was forgotten.
    const promised = cluster.history.promised.get(0);
    const named = records.filter(isNamed);
    for (const [at, one] of named.entries())
      for (const other of named.slice(at)) {
        if (promised !== undefined) cluster.history.promised.set(0, promised);
        const gone = [...new Set([one, other])];
        const first = restart(...without(records, gone), owner.snapshot);
        faulty += first.state.faulty.size;
        const written = checkpointOf(first);
        judge(cluster, first);
        for (const again of one === other ? written.filter(isNamed) : []) {
          if (promised !== undefined) cluster.history.promised.set(0, promised);
          judge(cluster, restart(...without(written, [again]), owner.snapshot));
          second += 1;
        }
      }
  }
  expect(faulty).toBeGreaterThan(50);
  expect(second).toBeGreaterThan(100);
});

test("the checkpoint that names the damage says the same as the damage", () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const owner = lived(seed).node(0);
    const { records } = contents(owner.platter);
    for (const one of records.filter(isNamed)) {
      const before = restart(...without(records, [one]), owner.snapshot);
      const after = restart(checkpointOf(before), [], owner.snapshot);
      const facts = ({ state }: Restarted): unknown => [
        state.promised,
        [...state.faulty].sort(([a], [b]) => a - b),
        [...state.log].map(([slot, { ballot, value }]) => [slot, ballot, value]).sort(),
        state.chosenUpTo,
        state.compactedUpTo,
        state.voter,
      ];
      expect(facts(after)).toEqual(facts(before));
    }
  }
});

test("an acceptance that repairs counts after a restart, a note that was lost does not", () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const cluster = lived(seed);
    const owner = cluster.node(0);
    const { records } = contents(owner.platter);
    for (const one of records.filter(
      (record) => decodeRecord(record.record)?.kind === "accepted",
    )) {
      const first = restart(...without(records, [one]), owner.snapshot);
      const [slot] = first.state.faulty.keys();
      if (slot === undefined) continue;
      const kept = checkpointOf(first);
      const value = new Uint8Array(0);
      const learn = { kind: "learn", first: slot, values: [value], chosenUpTo: 0 } as const;
      const accept = {
        kind: "accept",
        ballot: ABOVE_ALL,
        first: slot,
        values: [value],
        chosenUpTo: slot,
      } as const;
      for (const message of [learn, accept]) {
        const { state } = restart(kept, [], owner.snapshot);
        expect(state.faulty.has(slot)).toBe(true);
        const effects = multipaxos.step(state, { kind: "message", from: 1, message }, 0);
        expect(state.faulty.has(slot)).toBe(false);
        const [repair] = effects.filter((e) => e.kind === "persist" || e.kind === "note");
        expect(repair?.kind).toBe(message.kind === "learn" ? "note" : "persist");
        const durable = restart([...kept, repair as JournalRecord], [], owner.snapshot);
        expect(durable.state.faulty.has(slot)).toBe(false);
        expect(durable.state.log.has(slot)).toBe(true);
        expect(restart(kept, [], owner.snapshot).state.faulty.has(slot)).toBe(true);
      }
    }
  }
});
