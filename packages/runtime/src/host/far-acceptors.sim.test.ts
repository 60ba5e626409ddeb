import { keyValue } from "@synod/machines";
import { describe, expect, test } from "vitest";
import { stateHash } from "../state-hash.ts";
import { farAcceptors, type State } from "../testing/far-acceptors.ts";
import type { Message } from "../testing/far-acceptors-messages.ts";
import { Lab } from "../testing/lab.ts";

/** Two nodes with the state, one of which proposes; three that only accept and have no machine. */
const ROLES = [["proposer", "replica"], ["replica"], ["acceptor"], ["acceptor"], ["acceptor"]];
const REPLICAS = [0, 1];
const ACCEPTORS = [2, 3, 4];
const SMALL = { segmentBytes: 8_192, journalBytesMax: 16_384, chunkBytes: 512, resubmitMs: 300 };
const FOUND = 0x11;

type FarLab = Lab<State, Message>;

function started(seed = 1): FarLab {
  const made = new Lab<State, Message>({
    protocol: farAcceptors,
    roles: ROLES,
    withoutMachine: ACCEPTORS,
    tuning: SMALL,
    seed,
  });
  made.startAll();
  expect(made.runUntil(() => made.nodes.every((node) => node.isUp))).toBe(true);
  return made;
}

/** Distinct keys, so that every acknowledged write can be looked for. */
function write(running: FarLab, count: number, prefix: string): Map<number, string> {
  const tokens = new Map<number, string>();
  for (let index = 0; index < count; index += 1) {
    const node = REPLICAS[index % 2] as number;
    const key = `${prefix}-${index}`;
    if (running.node(node).isUp) tokens.set(running.put(node, key, "x".repeat(50)), key);
    if (index % 7 === 0) running.run(1);
  }
  return tokens;
}

function done(running: FarLab, tokens: ReadonlyMap<number, string>): boolean {
  return running.runUntil(() => running.allDone([...tokens.keys()]));
}

function isMissing(running: FarLab, node: number, key: string): boolean {
  return running.node(node).machine?.query(keyValue.get(key))[0] !== FOUND;
}

function settled(running: FarLab): boolean {
  const at = (): number[] =>
    REPLICAS.map((node) => running.node(node).host?.status().executedUpTo.index ?? -1);
  return running.runUntil(
    () => running.nodes.every(({ isUp }) => isUp) && new Set(at()).size === 1,
  );
}

function sameState(running: FarLab): boolean {
  const [first, second] = REPLICAS.map((node) => running.node(node).machine);
  return stateHash(first?.freeze() as never) === stateHash(second?.freeze() as never);
}

test("a member without a machine votes, executes nothing and answers nothing", () => {
  const running = started();
  expect(done(running, write(running, 100, "a"))).toBe(true);
  expect(settled(running) && sameState(running)).toBe(true);
  const acceptor = running.node(2).host?.status();
  expect(acceptor).toMatchObject({ voter: true, executedUpTo: { index: 0 }, sessions: 0 });
  expect(acceptor?.replica.detail["votes"]).toBeGreaterThan(0);
  const refused = [running.put(2, "k", "v"), running.get(3, "k"), running.get(4, "k", "stale")];
  expect(running.runUntil(() => refused.every((token) => running.outcomes.has(token)))).toBe(true);
  for (const token of refused)
    expect(running.outcomes.get(token)).toMatchObject({ code: "not-serving", applied: "no" });
});

test("it cuts its journal on its own knowledge, and only that", () => {
  const running = started();
  for (let round = 0; round < 10; round += 1)
    expect(done(running, write(running, 60, `${round}`))).toBe(true);
  running.run(5_000);
  for (const node of REPLICAS)
    expect(
      running.node(node).events.filter((event) => /^snapshot written/.test(event)).length,
    ).toBeGreaterThan(1);
  for (const node of ACCEPTORS) {
    const status = running.node(node).host?.status();
    expect(status?.replica.compactedUpTo).toBeGreaterThan(100);
    expect(status?.journalBytes).toBeLessThan(4 * SMALL.journalBytesMax);
    expect(status?.snapshotBytes).toBe(0);
    expect(
      running
        .node(node)
        .disk.platter()
        .names()
        .filter((name) => name.startsWith("snapshot")),
    ).toEqual([]);
  }
});

test("while a replica is away, acceptors keep what it may need", () => {
  const running = started();
  expect(done(running, write(running, 60, "before"))).toBe(true);
  running.crash(1);
  const compacted = (): number => running.node(2).host?.status().replica.compactedUpTo ?? -1;
  const before = compacted();
  for (let round = 0; round < 5; round += 1)
    expect(done(running, write(running, 60, `${round}`))).toBe(true);
  running.run(5_000);
  expect(compacted()).toBe(before);
  running.start(1);
  expect(settled(running) && sameState(running)).toBe(true);
  expect(done(running, write(running, 200, "after"))).toBe(true);
  running.run(5_000);
  expect(compacted()).toBeGreaterThan(before);
});

test.each(["process", "power"] as const)(
  "all at once lose their %s, and nothing acknowledged is gone",
  (how) => {
    const running = started();
    const acknowledged: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const tokens = write(running, 80, `${round}`);
      running.run(20 * round);
      for (const [token, key] of tokens)
        if (running.outcomes.get(token)?.kind === "done") acknowledged.push(key);
      for (const { id } of running.nodes) running.crash(id, how);
      running.startAll();
      expect(settled(running)).toBe(true);
      expect(done(running, write(running, 5, `${round}-after`)), `round ${round}`).toBe(true);
    }
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(settled(running) && sameState(running)).toBe(true);
    expect(
      acknowledged.filter((key) => isMissing(running, 0, key) || isMissing(running, 1, key)),
    ).toEqual([]);
  },
);

describe("a crash at every port call", () => {
  /** False when the victim lived to the end without its crash. */
  function live(victim: number, call: number): boolean {
    const running = started(1_000 + call);
    running.node(victim).fence.fallAt(call);
    const tokens = write(running, 240, "life");
    running.run(1_500);
    const fell = running.node(victim).fence.down;
    const acknowledged = [...tokens].filter(
      ([token]) => running.outcomes.get(token)?.kind === "done",
    );
    if (!fell) running.node(victim).fence.fallAt(Number.POSITIVE_INFINITY);
    else {
      running.crash(victim, call % 2 === 0 ? "power" : "process");
      running.start(victim);
    }
    const where = `node ${victim}, call ${call}`;
    expect(done(running, write(running, 5, "after")), where).toBe(true);
    expect(settled(running) && sameState(running), where).toBe(true);
    expect(
      running.nodes.map(({ ended }) => ended),
      where,
    ).toEqual([null, null, null, null, null]);
    expect(
      acknowledged.filter(([, key]) => isMissing(running, 1, key)),
      where,
    ).toEqual([]);
    return fell;
  }

  test.each([
    ["the proposer", 0],
    ["an acceptor", 2],
  ])("of %s", (_, victim) => {
    let call = 1;
    while (live(victim, call)) call += call < 30 ? 1 : 13;
    expect(call).toBeGreaterThan(100);
  });
});
