import { type Ballot, compareBallots, type NodeId, type Slot } from "@synod/core";
import { describe, expect, test } from "vitest";
import { formatValue } from "./format.ts";
import type { MultipaxosHistory } from "./invariants.ts";
import type { Accept, MultipaxosMessage, PromiseMessage } from "./messages.ts";
import { createCluster } from "./testing/cluster.ts";
import { createStage, type Letter, type Stage } from "./testing/stage.ts";

/**
 * Lamport, "Paxos Made Simple" (2001), read aloud with real replicas. Proposal numbers are ballots;
 * "proposal" in the paper is a value in a ballot; each replica is proposer, acceptor and learner.
 */
const THREE: readonly NodeId[] = [0, 1, 2];
const FIVE: readonly NodeId[] = [0, 1, 2, 3, 4];

function ballotOf(stage: Stage, id: NodeId): string {
  const { round, proposer } = stage.node(id).state.promised;
  return `${round}.${proposer}`;
}

function messages<K extends MultipaxosMessage["kind"]>(
  letters: readonly Letter[],
  kind: K,
): Extract<MultipaxosMessage, { kind: K }>[] {
  return letters.flatMap(({ message }) =>
    message.kind === kind ? [message as Extract<MultipaxosMessage, { kind: K }>] : [],
  );
}

/** Phase 1 as far as the prepares: probes come before, and are no part of the paper. */
function startPhase1(stage: Stage, id: NodeId, among: readonly NodeId[]): void {
  for (const member of among) stage.timeout(member, "quiet");
  stage.timeout(id, "election");
  for (const to of among) stage.deliver({ from: id, to, kinds: ["probe"] });
  for (const from of among) stage.deliver({ from, to: id, kinds: ["probed"] });
}

describe("2.2 choosing a value", () => {
  test("P1: an acceptor accepts the first proposal that it receives, without any prepare", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, [0, 1]);
    stage.propose(0, "v#1");
    expect(ballotOf(stage, 2)).toBe("0.0");
    stage.deliver({ from: 0, to: 2, kinds: ["accept"] });
    expect(stage.held(2, 2)).toBe("v#1");
    // P1a: it has promised by accepting.
    expect(ballotOf(stage, 2)).toBe("1.0");
  });

  test("a value is chosen when a majority has accepted it, and not before", () => {
    const stage = createStage({ size: 5 });
    stage.elect(0, FIVE);
    stage.converse(FIVE);
    stage.propose(0, "v#1");
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    stage.deliver({ from: 1, to: 0, kinds: ["accepted"] });
    expect(stage.cluster.history.chosen.has(2)).toBe(false);
    expect(stage.node(0).executed).toEqual([]);
    stage.deliver({ from: 0, to: 2, kinds: ["accept"] });
    expect(formatValue(stage.cluster.history.chosen.get(2) as Uint8Array)).toBe("v#1");
    expect(stage.node(0).executed).toEqual([]);
    stage.deliver({ from: 2, to: 0, kinds: ["accepted"] });
    expect(stage.node(0).executed).toEqual(["v#1"]);
  });

  test("phase 1b: a promise for n, with the highest-numbered proposal below n if any", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.propose(0, "v#1");
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    stage.lose({});
    startPhase1(stage, 2, [1, 2]);
    stage.deliver({ from: 2, to: 1, kinds: ["prepare"] });
    const [promise] = messages(stage.letters, "promise") as [PromiseMessage];
    expect(promise).toMatchObject({ ballot: { round: 2, proposer: 2 } });
    expect(promise.entries.map((e) => [e.slot, e.ballot.round, formatValue(e.value)])).toEqual([
      [1, 1, "-"],
      [2, 1, "v#1"],
    ]);
  });

  test("phase 1b: a prepare no higher than one already answered is refused", () => {
    const stage = createStage({ size: 3, tuning: { preVote: 0 } });
    stage.timeout(0, "election");
    stage.timeout(1, "election");
    stage.deliver({ from: 1, to: 2, kinds: ["prepare"] });
    stage.lose({ from: 2 });
    stage.deliver({ from: 0, to: 2, kinds: ["prepare"] });
    expect(ballotOf(stage, 2)).toBe("1.1");
    expect(messages(stage.letters, "promise")).toEqual([]);
    expect(messages(stage.letters, "nack")).toMatchObject([
      { refused: { round: 1, proposer: 0 }, promised: { round: 1, proposer: 1 } },
    ]);
  });

  test("phase 2b: a proposal below what was promised is not accepted", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.converse(THREE);
    stage.propose(0, "v#1");
    startPhase1(stage, 2, [1, 2]);
    stage.deliver({ from: 2, to: 1, kinds: ["prepare"] });
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    expect(stage.held(1, 2)).toBe(undefined);
  });

  test("phase 2a: with promises of a majority that accepted nothing, any value", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, [0, 1]);
    stage.propose(0, "v#1");
    const accepts = messages(stage.letters, "accept").flatMap((accept) => accept.values);
    expect(accepts.map(formatValue)).toEqual(["-", "-", "v#1", "v#1"]);
  });

  test.each([[[0, 1]], [[1, 0]]])(
    "phase 2a: otherwise the value of the highest-numbered proposal, answers in the order %j",
    (order) => {
      // "a" in 1.0 at node 0 alone, a no-op in 2.1 at node 1 alone; then node 2 asks both.
      const stage = createStage({ size: 5, tuning: { preVote: 0 } });
      stage.elect(0, [0, 3, 4]);
      stage.converse([0, 3, 4]);
      stage.propose(0, "a#1");
      stage.lose({});
      stage.elect(1, [1, 3, 4]);
      stage.propose(1, "b#1");
      stage.lose({});
      expect([stage.held(0, 2), stage.held(1, 2), stage.held(1, 3)]).toEqual(["a#1", "-", "b#1"]);
      stage.timeout(2, "election");
      stage.timeout(2, "election");
      for (const to of [0, 1]) stage.deliver({ from: 2, to, kinds: ["prepare"] });
      for (const from of order) stage.deliver({ from, to: 2, kinds: ["promise"] });
      expect(stage.node(2).state.role.kind).toBe("leader");
      expect([stage.held(2, 2), stage.held(2, 3)]).toEqual(["-", "b#1"]);
    },
  );

  test("P2: once a value is chosen, every higher-numbered proposal has that value", () => {
    // Fourteen changes of leader over every pair that a majority can be, each with another wish.
    const stage = createStage({ size: 3, tuning: { preVote: 0 } });
    stage.elect(0, THREE);
    stage.propose(0, "v#1");
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    stage.lose({});
    const proposed: string[] = [];
    const watch = stage.cluster.control.passes;
    stage.cluster.control.passes = (from, to, message) => {
      if (message.kind === "accept") proposed.push(...valuesIn(message, 2));
      return watch(from, to, message);
    };
    for (let turn = 1; turn <= 14; turn += 1) {
      const leader = turn % 3;
      const other = (leader + 1 + (turn % 2)) % 3;
      stage.propose(leader, `w#${turn}`);
      stage.elect(leader, [leader, other]);
      expect(stage.node(leader).state.role.kind).toBe("leader");
      if (turn % 4 === 0) stage.deliver({ from: leader, to: other, kinds: ["accept"] });
      stage.lose({});
    }
    expect(proposed.length).toBeGreaterThan(14);
    expect(new Set(proposed)).toEqual(new Set(["v#1"]));
  });

  test("P2c: each proposal is new to some majority, or the highest that it holds", () => {
    let proposals = 0;
    for (let seed = 1; seed <= 12; seed += 1) proposals += stormOf(seed);
    expect(proposals).toBeGreaterThan(200);
  });

  test("an acceptor remembers its highest prepare and proposal over crashes", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.propose(0, "v#1");
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    startPhase1(stage, 2, [1, 2]);
    stage.deliver({ from: 2, to: 1, kinds: ["prepare"] });
    const { promised } = stage.node(1).state;
    stage.crash(1);
    stage.restart(1);
    expect(promised).toEqual({ round: 2, proposer: 2 });
    expect(stage.node(1).state.promised).toEqual(promised);
    expect(stage.held(1, 2)).toBe("v#1");
    expect(stage.node(1).state.log.get(2)?.ballot).toEqual({ round: 1, proposer: 0 });
  });

  test("different proposers choose their numbers from disjoint sets, and never one twice", () => {
    const stage = createStage({ size: 3, tuning: { preVote: 0 } });
    const used = new Map<string, NodeId>();
    for (let turn = 0; turn < 12; turn += 1)
      for (const id of THREE) {
        stage.timeout(id, "election");
        const ballots = messages(stage.lose({ from: id }), "prepare").map((m) => m.ballot);
        const number = `${ballots[0]?.round}.${ballots[0]?.proposer}`;
        expect(used.has(number)).toBe(false);
        used.set(number, id);
        stage.crash(id);
        stage.restart(id);
      }
    expect(used.size).toBe(36);
  });
});

/** What an accept proposes in `slot`. */
function valuesIn(accept: Accept, slot: Slot): string[] {
  const value = accept.values[slot - accept.first];
  return value === undefined ? [] : [formatValue(value)];
}

/** Whether some majority holds nothing below `ballot`, or of that only `value` as the highest. */
function satisfiesP2c(
  history: MultipaxosHistory,
  slot: Slot,
  ballot: Ballot,
  value: string,
): boolean {
  const acceptances = [...(history.accepted.get(slot) ?? [])]
    .map(([key, { value, voters }]) => {
      const [round = 0, proposer = 0] = key.split(".").map(Number);
      return { ballot: { round, proposer }, text: formatValue(value), voters };
    })
    .filter((acceptance) => compareBallots(acceptance.ballot, ballot) < 0)
    .sort((a, b) => compareBallots(b.ballot, a.ballot));
  for (let mask = 0; mask < 32; mask += 1) {
    const members = FIVE.filter((id) => (mask & (1 << id)) !== 0);
    if (members.length !== 3) continue;
    const highest = acceptances.find(({ voters }) => members.some((id) => voters.has(id)));
    if (highest === undefined || highest.text === value) return true;
  }
  return false;
}

/**
 * Thirty candidacies at random with accepts that reach anybody or nobody. At each first proposal of
 * a value in a ballot, P2c is looked for among the durable acceptances of all lower ballots.
 */
function stormOf(seed: number): number {
  const cluster = createCluster({ size: 5, seed, tuning: { preVote: 0, window: 3 } });
  cluster.faults.loss = 0.3;
  cluster.faults.straggle = 0.1;
  cluster.faults.delayMs = 5;
  const proposed = new Set<string>();
  cluster.control.passes = (_from, _to, message) => {
    if (message.kind !== "accept") return true;
    for (const [index, value] of message.values.entries()) {
      const slot = message.first + index;
      const name = `${slot} ${message.ballot.round}.${message.ballot.proposer}`;
      if (proposed.has(name)) continue;
      proposed.add(name);
      if (!satisfiesP2c(cluster.history, slot, message.ballot, formatValue(value)))
        throw new Error(`seed ${seed}: P2c does not hold of ${name}`);
    }
    return true;
  };
  cluster.startAll();
  for (let turn = 0; turn < 30; turn += 1) {
    const id = turn % 5;
    cluster.propose(id, `n${id}#${turn + 1}`);
    cluster.input((turn * 7 + seed) % 5, { kind: "timeout", name: "election" });
    cluster.run(8 + (turn % 3) * 10);
  }
  return proposed.size;
}

describe("2.3 learning a chosen value", () => {
  test("acceptors answer a distinguished learner, which tells the others", () => {
    const stage = createStage({ size: 5 });
    stage.elect(0, FIVE);
    stage.converse(FIVE);
    stage.propose(0, "v#1");
    stage.deliver({ kinds: ["accept"] });
    const answers = stage.letters.filter((letter) => letter.message.kind === "accepted");
    expect(answers.map((letter) => letter.to)).toEqual([0, 0, 0, 0]);
    stage.converse(FIVE);
    for (const id of FIVE) expect(stage.node(id).executed).toEqual(["v#1"]);
  });

  test("when nobody knows whether a value was chosen, a new proposal finds it out", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.converse(THREE);
    stage.propose(0, "v#1");
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    stage.lose({});
    stage.crash(0);
    expect(stage.node(1).executed).toEqual([]);
    stage.elect(1, [1, 2]);
    stage.converse([1, 2]);
    expect([stage.node(1).executed, stage.node(2).executed]).toEqual([["v#1"], ["v#1"]]);
  });
});

describe("2.4 progress", () => {
  test("two proposers can duel without end, and nothing is chosen", () => {
    const stage = createStage({ size: 3, tuning: { preVote: 0 } });
    stage.propose(0, "p#1");
    stage.propose(1, "q#1");
    for (let turn = 0; turn < 20; turn += 1) {
      const [proposer, rival] = turn % 2 === 0 ? [0, 1] : [1, 0];
      stage.timeout(proposer, "election");
      stage.deliver({ from: proposer, to: 2, kinds: ["prepare"] });
      stage.deliver({ from: 2, to: proposer, kinds: ["promise"] });
      expect(stage.node(proposer).state.role.kind).toBe("leader");
      // The accepts of the rival come too late.
      stage.deliver({ from: rival, to: 2 });
      stage.deliver({ from: 2, to: rival });
      expect(stage.node(rival).state.role.kind).not.toBe("leader");
    }
    expect(stage.cluster.history.chosen.size).toBe(0);
    expect(stage.node(2).state.promised.round).toBe(19);
  });

  test("a distinguished proposer that learns of higher numbers picks a higher one", () => {
    const stage = createStage({ size: 3 });
    stage.elect(2, THREE);
    stage.lose({});
    stage.crash(2);
    stage.restart(2);
    stage.elect(2, [1, 2]);
    stage.lose({});
    stage.crash(2);
    expect(ballotOf(stage, 0)).toBe("1.2");
    expect(ballotOf(stage, 1)).toBe("2.2");
    stage.propose(0, "v#1");
    stage.elect(0, [0, 1]);
    stage.converse([0, 1]);
    expect(ballotOf(stage, 0)).toBe("3.0");
    expect(stage.node(1).executed).toEqual(["v#1"]);
  });

  test("one proposer that reaches a majority succeeds, however often disturbed", () => {
    const cluster = createCluster({ size: 3, seed: 3 });
    cluster.startAll();
    const leader = cluster.elect();
    const [deaf] = cluster.nodes.filter((node) => node !== leader);
    // Two that hear nobody and believe that nobody leads: they ask, and raise no ballot.
    cluster.control.passes = (_from, to) => to !== deaf?.id;
    for (let number = 1; number <= 30; number += 1) {
      cluster.propose(leader.id, `v#${number}`);
      cluster.run(300);
    }
    expect(leader.executed).toHaveLength(30);
    expect(cluster.leader()).toBe(leader);
    expect(leader.state.leaderBallot.round).toBe(1);
  });
});
