import { flexible } from "@synod/core";
import { describe, expect, test } from "vitest";
import { type Cluster, type ClusterOptions, createCluster } from "./testing/cluster.ts";

function started(options: Partial<ClusterOptions> = {}): Cluster {
  const cluster = createCluster({ size: 3, ...options });
  cluster.startAll();
  return cluster;
}

/** Runs until all learners that live know the outcome. */
function decide(cluster: Cluster, ms = 5_000): string {
  cluster.runUntil(() => cluster.outcome() !== null, ms);
  return cluster.outcome() ?? "nothing";
}

describe("one proposer", () => {
  test.each([1, 2, 3, 4, 5, 6, 7])("of %i members has its value chosen and learned", (size) => {
    const cluster = started({ size });
    cluster.propose(0, "a#1", "b#1");
    expect(decide(cluster, 20)).toBe("a#1+b#1");
    expect(cluster.nodes.flatMap(({ released }) => released)).toEqual([]);
  });

  test("goes on without a minority, and not without a majority", () => {
    const cluster = started({ size: 5 });
    cluster.crash(3);
    cluster.crash(4);
    cluster.propose(0, "a#1");
    expect(decide(cluster, 20)).toBe("a#1");
    const few = started({ size: 4 });
    few.crash(2);
    few.crash(3);
    few.propose(0, "a#1");
    few.run(5_000);
    expect(few.nodes.map(({ delivered }) => delivered)).toEqual([null, null, null, null]);
    few.start(2);
    expect(decide(few)).toBe("a#1");
  });

  test("resends what is lost, in the same ballot, until it is answered", () => {
    const cluster = started();
    let seen = 0;
    cluster.control.passes = (_from, _to, { kind }) => {
      if (kind !== "ask") seen += 1;
      return seen > 12;
    };
    cluster.propose(0, "a#1");
    expect(decide(cluster)).toBe("a#1");
    expect(cluster.node(0).state.proposer.highest.round).toBe(1);
  });

  test("takes commands of any number into the value until it is under way", () => {
    const cluster = started({ tuning: { valueBytesMax: 160 } });
    cluster.partition();
    for (const name of ["a#1", "a#1", "a#2", "a#3", "a#4", "a#5"]) cluster.propose(0, name);
    expect(cluster.node(0).released).toEqual(["a#5 never"]);
    cluster.heal();
    expect(decide(cluster)).toBe("a#1+a#2+a#3+a#4");
  });
});

describe("several proposers", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("agree on one value, seed %i", (seed) => {
    const cluster = started({ size: 5, seed });
    cluster.faults.delayMs = 30;
    for (const id of cluster.members) cluster.propose(id, `${"abcde"[id]}#1`);
    const outcome = decide(cluster, 20_000);
    expect(outcome).toMatch(/^[a-e]#1$/);
    const released = cluster.nodes.flatMap((node) => node.released);
    const losers = ["a", "b", "c", "d", "e"].filter((name) => `${name}#1` !== outcome);
    expect(released.sort()).toEqual(losers.map((name) => `${name}#1 closed`));
  });

  test("a duel ends, though each outbids the other at first", () => {
    const tuning = { retryMs: 1, resendMs: 1_000 };
    const rounds = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const cluster = started({ size: 5, seed, tuning });
      cluster.faults.delayMs = 100;
      cluster.propose(0, "a#1");
      cluster.propose(4, "e#1");
      expect(decide(cluster, 30_000)).toMatch(/^[ae]#1$/);
      return Math.max(...cluster.nodes.map(({ state }) => state.proposer.highest.round));
    });
    expect(Math.max(...rounds)).toBeGreaterThan(3);
  });

  test("what comes after the decision is refused for good, wherever it comes", () => {
    const cluster = started();
    cluster.propose(0, "a#1");
    decide(cluster);
    cluster.propose(2, "b#1", "b#2");
    cluster.propose(0, "a#2");
    expect(cluster.node(2).released).toEqual(["b#1 closed", "b#2 closed"]);
    expect(cluster.node(0).released).toEqual(["a#2 closed"]);
    cluster.run(1_000);
    expect(cluster.outcome()).toBe("a#1");
  });

  test("a proposer that was cut off learns what it missed, and that it lost", () => {
    const cluster = started();
    cluster.partition([1, 2]);
    cluster.propose(0, "a#1");
    cluster.propose(1, "b#1");
    cluster.run(3_000);
    expect(cluster.nodes.map(({ delivered }) => delivered)).toEqual([null, "b#1", "b#1"]);
    cluster.heal();
    expect(decide(cluster)).toBe("b#1");
    expect(cluster.node(0).released).toEqual(["a#1 closed"]);
  });
});

describe("after a crash", () => {
  test("a value that may have been chosen is completed by whoever proposes next", () => {
    const cluster = started();
    cluster.control.passes = (_from, to, { kind }) => kind !== "accept" || to === 1;
    cluster.propose(0, "a#1");
    cluster.run(5);
    cluster.crash(0);
    cluster.heal();
    cluster.propose(2, "c#1");
    expect(decide(cluster)).toBe("a#1");
    expect(cluster.node(2).released).toEqual(["c#1 closed"]);
    cluster.start(0);
    expect(decide(cluster)).toBe("a#1");
  });

  test("a proposer never uses a ballot again, even if nobody had heard of it", () => {
    const cluster = started();
    cluster.control.passes = (_from, _to, { kind }) => kind !== "prepare";
    cluster.propose(0, "a#1");
    cluster.run(2);
    cluster.crash(0);
    cluster.start(0);
    cluster.heal();
    cluster.propose(0, "b#1");
    expect(cluster.node(0).state.proposer.attempt?.ballot).toEqual({ round: 2, proposer: 0 });
    expect(decide(cluster)).toBe("b#1");
  });

  test("all at once: nothing that was chosen is forgotten, though nobody was told", () => {
    const cluster = started();
    cluster.control.passes = (_from, _to, { kind }) => kind !== "accepted" && kind !== "chosen";
    cluster.propose(0, "a#1");
    cluster.run(5);
    for (const id of cluster.members) cluster.crash(id);
    cluster.heal();
    cluster.startAll();
    // Nobody proposes: the learners find out by asking the acceptors.
    expect(decide(cluster)).toBe("a#1");
    expect(cluster.node(1).state.proposer.highest.round).toBe(1);
  });

  test("a value that one acceptor holds is completed, though its proposer is gone for good", () => {
    const cluster = started();
    cluster.control.passes = (_from, to, { kind }) => kind !== "accept" || to === 2;
    cluster.propose(0, "a#1");
    cluster.run(0.5);
    cluster.run(2.5);
    cluster.wipe(0);
    cluster.heal();
    expect(decide(cluster)).toBe("a#1");
  });

  test("a wiped acceptor never answers again, and the others suffice", () => {
    const cluster = started();
    cluster.propose(0, "a#1");
    decide(cluster);
    cluster.wipe(0);
    for (const id of [1, 2]) cluster.crash(id);
    cluster.startAll();
    const said: string[] = [];
    cluster.control.passes = (from, _to, { kind }) => {
      if (from === 0) said.push(kind);
      return true;
    };
    expect(decide(cluster)).toBe("a#1");
    expect(said.filter((kind) => ["promise", "accepted", "told"].includes(kind))).toEqual([]);
  });

  test("members without a vote have their commands proposed by others", () => {
    const cluster = started();
    cluster.wipe(2);
    cluster.start(2);
    cluster.propose(2, "c#1");
    expect(decide(cluster)).toBe("c#1");
    expect(cluster.counts.get("forward")).toBe(1);
  });
});

describe("a bad network", () => {
  test.each([1, 2, 3, 4, 5, 6])("loss, doubles and disorder, seed %i", (seed) => {
    const cluster = started({ size: 5, seed });
    Object.assign(cluster.faults, { loss: 0.3, duplicate: 0.3, delayMs: 60 });
    cluster.propose(0, "a#1");
    cluster.propose(3, "d#1");
    expect(decide(cluster, 60_000)).toMatch(/^[ad]#1$/);
  });
});

describe("roles on different members", () => {
  const proposer = ["proposer"];
  const acceptor = ["acceptor"];
  const learner = ["learner"];
  const roles = [proposer, proposer, acceptor, acceptor, acceptor, learner, learner];

  test("two proposers, three acceptors, two learners", () => {
    const cluster = started({ size: 7, roles });
    cluster.propose(0, "a#1");
    cluster.propose(1, "b#1");
    const outcome = decide(cluster, 10_000);
    expect(outcome).toMatch(/^[ab]#1$/);
    // Acceptors are not told what they do not want to know.
    expect([2, 3, 4].map((id) => cluster.node(id).delivered)).toEqual([null, null, null]);
    expect(cluster.node(5).delivered).toBe(outcome);
  });

  test("a learner that missed the choice finds it out from acceptors alone", () => {
    const cluster = started({ size: 7, roles });
    cluster.control.passes = (_from, _to, { kind }) => kind !== "chosen";
    cluster.propose(0, "a#1");
    cluster.run(10);
    cluster.crash(0);
    expect([5, 6].map((id) => cluster.node(id).delivered)).toEqual([null, null]);
    expect(decide(cluster)).toBe("a#1");
  });

  test("a proposer apart from acceptors records its ballots itself", () => {
    const cluster = started({ size: 7, roles });
    cluster.partition([0]);
    cluster.propose(0, "a#1");
    cluster.run(5);
    cluster.crash(0);
    cluster.start(0);
    cluster.heal();
    cluster.propose(0, "a#2");
    expect(cluster.node(0).state.proposer.attempt?.ballot.round).toBe(2);
    expect(decide(cluster)).toBe("a#2");
  });

  test("a learner hands commands on, and is told when they lost", () => {
    const cluster = started({ size: 7, roles });
    cluster.propose(5, "l#1");
    cluster.propose(0, "a#1");
    expect(decide(cluster)).toMatch(/^(l|a)#1$/);
  });
});

describe("flexible quorums", () => {
  test("four to promise, two to accept", () => {
    const members = [0, 1, 2, 3, 4];
    const cluster = started({ size: 5, quorums: flexible(members, { phase1: 4, phase2: 2 }) });
    cluster.propose(0, "a#1");
    cluster.run(2);
    cluster.run(0.3);
    for (const id of [2, 3, 4]) cluster.crash(id);
    expect(decide(cluster, 100)).toBe("a#1");
  });
});

describe("reads", () => {
  test("before anything is proposed show a register without a value, through a quorum", () => {
    const cluster = started();
    cluster.read(1, 7);
    expect(cluster.node(1).readable.size).toBe(0);
    cluster.run(5);
    expect(cluster.node(1).readable.get(7)).toBe(0);
    const alone = started();
    alone.partition([1], [0, 2]);
    alone.read(1, 7);
    alone.run(5_000);
    expect(alone.node(1).readable.size).toBe(0);
    alone.heal();
    alone.run(10_000);
    expect(alone.node(1).readable.get(7)).toBe(0);
  });

  test("after the decision are answered from memory", () => {
    const cluster = started();
    cluster.propose(0, "a#1");
    decide(cluster);
    cluster.partition();
    cluster.read(2, 9);
    expect(cluster.node(2).readable.get(9)).toBe(1);
  });

  test("that see an acceptance wait until it is known what becomes of it", () => {
    const cluster = started();
    cluster.control.passes = (_from, to, { kind }) =>
      kind !== "chosen" && (kind !== "accept" || to === 1);
    cluster.propose(0, "a#1");
    cluster.run(5);
    cluster.crash(0);
    cluster.read(2, 9);
    cluster.run(10);
    expect(cluster.node(2).readable.size).toBe(0);
    cluster.heal();
    expect(decide(cluster)).toBe("a#1");
    expect(cluster.node(2).readable.get(9)).toBe(1);
  });

  test("that come while a question is under way wait for the next one", () => {
    const cluster = started();
    cluster.read(1, 1);
    cluster.run(1);
    cluster.read(1, 2);
    cluster.read(1, 3);
    cluster.runUntil(() => cluster.node(1).readable.has(1), 50);
    expect([...cluster.node(1).readable.keys()]).toEqual([1]);
    cluster.run(5);
    expect([...cluster.node(1).readable.keys()]).toEqual([1, 2, 3]);
    expect(cluster.counts.get("ask")).toBe(4);
  });
});
