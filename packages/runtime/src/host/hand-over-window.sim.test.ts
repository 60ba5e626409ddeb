import type { NodeId } from "@synod/core";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { beforeEach, describe, expect, test } from "vitest";
import { journalOf } from "../journal/of-configuration.ts";
import { stateHash } from "../state-hash.ts";
import { Lab, type LabOptions } from "../testing/lab.ts";

/**
 * From the stop of a configuration until the state at it is durable as a snapshot: here, where the
 * disks take their time for snapshots, that is many seconds. The next configuration serves
 * meanwhile, and whatever ends in that time goes on from the journals of both.
 */
type AnyLab = Lab<any, any>;

const PROTOCOLS = { multipaxos, omnipaxos } as const;
type Name = keyof typeof PROTOCOLS;

/** Of a state of some twenty chunks, so much for each. */
const CHUNK_MS = 1_000;
/** Far longer than a replica lingers for those that lag. */
const LONG_MS = 10_000;

/** Nodes whose disks are slow now. */
let slow: readonly NodeId[];

beforeEach(() => {
  slow = [];
});

function create(name: Name, newcomers: number): AnyLab {
  const protocol = PROTOCOLS[name] as LabOptions<unknown, unknown>["protocol"];
  const lab: AnyLab = new Lab({
    protocol,
    roles: [[], [], []],
    newcomers,
    tuning: { segmentBytes: 65_536, journalBytesMax: 262_144, chunkBytes: 512, resubmitMs: 300 },
    protocolTuning: { retainBytes: 0 },
    slowness: (id, file) => (slow.includes(id) && file.endsWith(".data.writing") ? CHUNK_MS : 0),
  });
  lab.startAll();
  expect(lab.runUntil(() => lab.nodes.every(({ isUp }) => isUp))).toBe(true);
  return lab;
}

const statusOf = (lab: AnyLab, id: NodeId) => lab.node(id).host?.status();
const membershipOf = (lab: AnyLab, id: NodeId) => statusOf(lab, id)?.membership;

/** Acknowledged writes, by key. */
function write(lab: AnyLab, at: NodeId, prefix: string, count: number, ms = 30_000): string[] {
  const keys = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
  const value = (key: string): string => `of ${key}`.padEnd(100, ".");
  const tokens = keys.map((key) => lab.put(at, key, value(key)));
  expect(
    lab.runUntil(() => lab.allDone(tokens), ms),
    prefix,
  ).toBe(true);
  return keys;
}

function expectAll(lab: AnyLab, at: NodeId, keys: readonly string[]): void {
  const tokens = keys.map((key) => lab.get(at, key));
  expect(lab.runUntil(() => lab.allDone(tokens))).toBe(true);
  for (const [index, key] of keys.entries())
    expect(lab.value(tokens[index] as number)).toBe(`of ${key}`.padEnd(100, "."));
}

/** Until these members serve in a configuration, whether its first state is durable or not. */
function runInto(lab: AnyLab, number: number, ids: readonly NodeId[]): void {
  const isIn = (id: NodeId): boolean =>
    statusOf(lab, id)?.configuration === number && statusOf(lab, id)?.voter === true;
  expect(lab.runUntil(() => ids.every(isIn))).toBe(true);
}

/** Of which configurations a node has journals, ascending. */
function journalsOf(lab: AnyLab, id: NodeId): number[] {
  const numbers = lab.node(id).disk.image.names().map(journalOf);
  return [...new Set(numbers.filter((number) => number !== null))].sort((a, b) => a - b);
}

function expectEnd(lab: AnyLab, number: number, ids: readonly NodeId[]): void {
  const isThrough = (id: NodeId): boolean =>
    statusOf(lab, id)?.configuration === number &&
    membershipOf(lab, id)?.holders.length === ids.length;
  expect(lab.runUntil(() => ids.every(isThrough), 120_000)).toBe(true);
  const positions = () => new Set(ids.map((id) => statusOf(lab, id)?.executedUpTo.index));
  expect(lab.runUntil(() => positions().size === 1)).toBe(true);
  const hashes = ids.map((id) => stateHash(lab.node(id).machine?.freeze() as never));
  expect(new Set(hashes).size).toBe(1);
  for (const { ended } of lab.nodes) expect(ended).toBe(null);
}

/** In the second configuration, of 0, 1 and 3, with no snapshot that names it anywhere. */
function intoWindow(name: Name): { lab: AnyLab; keys: string[] } {
  const lab = create(name, 1);
  lab.run(1_500);
  const keys = write(lab, 0, "base", 60);
  slow = [0, 1, 2, 3];
  lab.reconfigure(0, [0, 1, 3]);
  runInto(lab, 2, [0, 1]);
  return { lab, keys };
}

describe.each(["multipaxos", "omnipaxos"] as const)("%s", (name) => {
  test("writes and reads are answered while the state at the stop is being written", () => {
    const { lab, keys } = intoWindow(name);
    const { scheduler } = lab;
    const before = scheduler.now;
    const more = write(lab, 1, "next", 20, 3_000);
    expectAll(lab, 0, [...keys, ...more]);
    expect(scheduler.now - before).toBeLessThan(3_000);
    lab.run(LONG_MS);
    for (const id of [0, 1]) {
      expect(membershipOf(lab, id)).toMatchObject({ holders: [], settled: false });
      expect(journalsOf(lab, id)).toEqual([1, 2]);
    }
    expect([membershipOf(lab, 2)?.state, journalsOf(lab, 2)]).toEqual(["retiring", [1, 2]]);
    const waiting = lab.reconfigure(0, [0, 1], null, 200);
    lab.run(100);
    expect(membershipOf(lab, 0)?.waitsFor).toBe("0, 1 and 3 lack the state");
    lab.run(200);
    expect(lab.outcomes.get(waiting)).toMatchObject({ code: "configuration-unsettled" });
    expectEnd(lab, 2, [0, 1, 3]);
    expectAll(lab, 3, [...keys, ...more]);
    lab.run(LONG_MS);
    for (const id of [0, 1, 2]) expect(journalsOf(lab, id)).toEqual([2]);
    expect(membershipOf(lab, 2)?.state).toBe("retired");
  });

  test("all lose power in that time, again and again, and nothing is lost", () => {
    const { lab, keys } = intoWindow(name);
    // Node 3 has no vote yet: they are in the journals of 0 and 1, and nowhere else.
    keys.push(...write(lab, 1, "next", 20));
    lab.run(LONG_MS);
    for (let times = 1; times <= 3; times += 1) {
      for (const { id } of lab.nodes) lab.crash(id);
      lab.startAll();
      runInto(lab, 2, [0, 1]);
      keys.push(...write(lab, 0, `after-${times}`, 5));
    }
    slow = [];
    expectEnd(lab, 2, [0, 1, 3]);
    expectAll(lab, 3, keys);
  });

  test("then one of them does not come back, and the rest goes on without it", () => {
    const { lab, keys } = intoWindow(name);
    keys.push(...write(lab, 1, "next", 20));
    lab.run(LONG_MS);
    for (const { id } of lab.nodes) lab.crash(id);
    for (const id of [0, 2, 3]) lab.start(id);
    runInto(lab, 2, [0]);
    slow = [];
    keys.push(...write(lab, 3, "without 1", 5));
    expect(membershipOf(lab, 3)?.holders).toEqual([0, 3]);
    lab.start(1);
    expectEnd(lab, 2, [0, 1, 3]);
    expectAll(lab, 3, keys);
  });

  test("one after the other loses power in that time, and the others go on", () => {
    const { lab, keys } = intoWindow(name);
    keys.push(...write(lab, 1, "next", 5));
    for (const id of [0, 1, 2, 3, 1, 0]) {
      lab.crash(id);
      lab.run(500);
      lab.start(id);
      runInto(lab, 2, [0, 1]);
      keys.push(...write(lab, id < 2 ? id : 0, `after ${id} ${keys.length}`, 5));
    }
    slow = [];
    expectEnd(lab, 2, [0, 1, 3]);
    expectAll(lab, 3, keys);
  });

  test("one with a slow disk follows through two changes, each when its state is durable", () => {
    const lab = create(name, 1);
    lab.run(1_500);
    const keys = write(lab, 0, "base", 60);
    slow = [1];
    lab.reconfigure(0, [0, 1, 3]);
    runInto(lab, 2, [0, 1, 3]);
    expect(lab.runUntil(() => membershipOf(lab, 0)?.settled === true)).toBe(true);
    keys.push(...write(lab, 0, "second", 10));
    lab.reconfigure(0, [0, 1, 3], { phase1: 2, phase2: 2 });
    runInto(lab, 3, [0]);
    expect(lab.runUntil(() => membershipOf(lab, 1)?.stopping === true)).toBe(true);
    expect(journalsOf(lab, 1)).toEqual([1, 2]);
    keys.push(...write(lab, 0, "third", 10));
    expectEnd(lab, 3, [0, 1, 3]);
    expectAll(lab, 1, keys);
  });
});
