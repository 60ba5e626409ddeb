import type { NodeId } from "@synod/core";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { describe, expect, test } from "vitest";
import { stateHash } from "../state-hash.ts";
import { Lab, type LabOptions } from "../testing/lab.ts";

/**
 * Members change whose newcomers take seconds to fetch the state: whoever writes meanwhile waits
 * for elections, and never for that.
 */
type AnyLab = Lab<any, any>;

const SMALL = {
  segmentBytes: 65_536,
  journalBytesMax: 1_048_576,
  chunkBytes: 512,
  resubmitMs: 300,
};
const PROTOCOLS = { multipaxos, omnipaxos } as const;
/** Of each write of a snapshot's chunk at a newcomer, and of all of them together at least. */
const CHUNK_MS = 2_500;
const TRANSFER_MS = 2_500;
/** Of {@link slow} nodes, for now. */
let chunkMs = CHUNK_MS;
let slow: (id: NodeId) => boolean;
/** Two elections, with all that precedes and follows them. */
const GAP_MS = 2_000;

const statusOf = (lab: AnyLab, id: NodeId) => lab.node(id).host?.status();
const membershipOf = (lab: AnyLab, id: NodeId) => statusOf(lab, id)?.membership;

function create(
  name: keyof typeof PROTOCOLS,
  size: number,
  newcomers: number,
  tuning: Partial<typeof SMALL> = {},
): AnyLab {
  const protocol = PROTOCOLS[name] as LabOptions<unknown, unknown>["protocol"];
  chunkMs = CHUNK_MS;
  slow = (id) => id >= size;
  const lab: AnyLab = new Lab({
    protocol,
    roles: Array.from({ length: size }, () => []),
    newcomers,
    tuning: { ...SMALL, ...tuning },
    protocolTuning: { retainBytes: 0 },
    slowness: (id, file) => (slow(id) && file.startsWith("snapshot") ? chunkMs : 0),
  });
  lab.startAll();
  const writes = Array.from({ length: 100 }, (_, n) => {
    lab.runUntil(() => lab.nodes[0]?.isUp === true);
    return lab.put(0, `before-${n}`, "x".repeat(150));
  });
  expect(lab.runUntil(() => lab.allDone(writes))).toBe(true);
  lab.run(1_000);
  return lab;
}

/** Writes one after the other, and remembers for how long none was acknowledged. */
class Writer {
  longestGapMs = 0;
  readonly #lab: AnyLab;
  readonly #outstanding = new Map<number, string>();
  readonly #keys: string[] = [];
  #lastAt: number;

  constructor(lab: AnyLab) {
    this.#lab = lab;
    this.#lastAt = lab.scheduler.now;
  }

  /** Until it holds; at the first of these nodes that is a member with a vote. */
  until(at: readonly NodeId[], condition: () => boolean, ms = 60_000): void {
    const { scheduler } = this.#lab;
    const end = scheduler.now + ms;
    while (!condition()) {
      expect(scheduler.now, "it takes too long").toBeLessThan(end);
      const id = at.find((node) => statusOf(this.#lab, node)?.voter === true);
      const key = `key-${this.#keys.length + this.#outstanding.size}`;
      if (id !== undefined) this.#outstanding.set(this.#lab.put(id, key, key), key);
      this.#lab.run(20);
      this.#look();
    }
  }

  forMs(at: readonly NodeId[], ms: number): void {
    const end = this.#lab.scheduler.now + ms;
    this.until(at, () => this.#lab.scheduler.now >= end);
  }

  /** All that was acknowledged is there. */
  check(at: NodeId): void {
    const lab = this.#lab;
    const reads = this.#keys.map((key) => [key, lab.get(at, key)] as const);
    expect(reads.length).toBeGreaterThan(30);
    expect(lab.runUntil(() => lab.allDone(reads.map(([, token]) => token)))).toBe(true);
    for (const [key, token] of reads) expect(lab.value(token)).toBe(key);
  }

  #look(): void {
    const { outcomes, scheduler } = this.#lab;
    for (const [token, key] of this.#outstanding) {
      const outcome = outcomes.get(token);
      if (outcome === undefined) continue;
      this.#outstanding.delete(token);
      if (outcome.kind === "failed") continue;
      this.#keys.push(key);
      this.longestGapMs = Math.max(this.longestGapMs, scheduler.now - this.#lastAt);
      this.#lastAt = scheduler.now;
    }
  }
}

function expectAgreement(lab: AnyLab, ids: readonly NodeId[]): void {
  chunkMs = 0;
  const positions = () => new Set(ids.map((id) => statusOf(lab, id)?.executedUpTo.index));
  expect(lab.runUntil(() => positions().size === 1)).toBe(true);
  const hashes = ids.map((id) => stateHash(lab.node(id).machine?.freeze() as never));
  expect(new Set(hashes).size).toBe(1);
  for (const { ended } of lab.nodes) expect(ended).toBe(null);
}

/** All of them vote in this configuration, and nobody else is a member. */
function isIn(lab: AnyLab, ids: readonly NodeId[], number: number): boolean {
  return ids.every((id) => {
    const status = statusOf(lab, id);
    const members = status?.membership.members.map((member) => member.id) ?? [];
    return status?.configuration === number && status.voter && `${members}` === `${ids}`;
  });
}

const learners = (lab: AnyLab, at: NodeId): NodeId[] =>
  (membershipOf(lab, at)?.members ?? [])
    .filter(({ roles }) => `${roles}` === "learner")
    .map(({ id }) => id);

describe.each(["multipaxos", "omnipaxos"] as const)("%s", (name) => {
  test.each([
    ["a majority is replaced", 3, [2, 3, 4]],
    ["one becomes three", 1, [0, 1, 2]],
    ["all are replaced", 3, [3, 4, 5]],
  ] as const)("%s: writes go on while newcomers fetch the state", (_, size, ids) => {
    const lab = create(name, size, 3);
    const writer = new Writer(lab);
    const at = lab.nodes.map(({ id }) => id);
    const askedAt = lab.scheduler.now;
    const token = lab.reconfigure(0, ids);
    writer.until(at, () => learners(lab, 0).length > 0);
    writer.forMs(at, 500);
    expect(membershipOf(lab, 0)?.waitsFor).toMatch(/^\d.* the state$/);
    expect(learners(lab, 0)).toEqual(ids.filter((id) => id >= size));
    writer.until(at, () => isIn(lab, ids, 3));
    expect(lab.outcomes.get(token)).toMatchObject({ kind: "done" });
    expect(lab.scheduler.now - askedAt).toBeGreaterThan(TRANSFER_MS);
    writer.forMs(at, 1_500);
    expect(writer.longestGapMs).toBeLessThan(GAP_MS);
    const installed = ids.flatMap((id) =>
      lab.node(id).events.filter((event) => event.startsWith("state installed")),
    );
    expect(installed).toHaveLength(ids.filter((id) => id >= size).length);
    writer.check(ids[1] as NodeId);
    expectAgreement(lab, ids);
  });

  test("two are replaced one after the other, the second while the first newcomer fetches", () => {
    const lab = create(name, 3, 2);
    const writer = new Writer(lab);
    const at = [2, 3, 4];
    const first = lab.reconfigure(2, [1, 2, 3]);
    writer.until(at, () => lab.outcomes.has(first));
    const second = lab.reconfigure(2, [2, 3, 4]);
    writer.forMs(at, 1_000);
    expect(membershipOf(lab, 2)?.waitsFor).toBe("3 lacks the state");
    writer.until(at, () => isIn(lab, [2, 3, 4], 3));
    expect(lab.outcomes.get(second)).toMatchObject({ kind: "done" });
    writer.forMs(at, 1_500);
    expect(writer.longestGapMs).toBeLessThan(GAP_MS);
    writer.check(2);
    expectAgreement(lab, [2, 3, 4]);
  });

  test.each([0, 2])(
    "a member that is behind catches up; the change asked of %i waits for it",
    (asked) => {
      const lab = create(name, 3, 1, { journalBytesMax: 32_768 });
      slow = (id) => id >= 2;
      chunkMs = 250;
      const writer = new Writer(lab);
      lab.crash(2);
      writer.forMs([0, 1], 4_000);
      const compactedUpTo = statusOf(lab, 0)?.replica.compactedUpTo;
      lab.start(2);
      const peerOf0 = (id: NodeId) => statusOf(lab, 0)?.peers.find(({ node }) => node === id);
      expect(lab.runUntil(() => peerOf0(2)?.connected === true)).toBe(true);
      lab.run(50);
      expect(statusOf(lab, 2)?.executedUpTo.index).toBeLessThan(compactedUpTo ?? 0);
      const token = lab.reconfigure(asked, [0, 2, 3]);
      writer.forMs([0, 1], 1_000);
      expect(membershipOf(lab, asked)?.waitsFor).toBe("2 is behind");
      writer.until([0, 1, 2], () => lab.outcomes.has(token));
      expect(lab.outcomes.get(token)).toMatchObject({ kind: "done" });
      writer.until([0, 2], () => isIn(lab, [0, 2, 3], 2));
      expect(writer.longestGapMs).toBeLessThan(GAP_MS);
      writer.check(2);
      expectAgreement(lab, [0, 2, 3]);
    },
  );

  test("the node that was asked crashes in between: the same change goes on at another", () => {
    const lab = create(name, 3, 2);
    const writer = new Writer(lab);
    const token = lab.reconfigure(0, [2, 3, 4]);
    writer.until(
      [1, 2],
      () => learners(lab, 1).length > 0 && membershipOf(lab, 1)?.settled === true,
    );
    lab.crash(0);
    writer.forMs([1, 2], 1_000);
    const again = lab.reconfigure(1, [2, 3, 4]);
    writer.until([1, 2, 3, 4], () => isIn(lab, [2, 3, 4], 3));
    expect(lab.outcomes.has(token)).toBe(false);
    expect(lab.outcomes.get(again)).toMatchObject({ kind: "done" });
    writer.forMs([2, 3, 4], 1_500);
    expect(writer.longestGapMs).toBeLessThan(2 * GAP_MS);
    writer.check(3);
    expectAgreement(lab, [2, 3, 4]);
  });

  test("the time is up in between: nothing but learners came, who stay, or go again", () => {
    const lab = create(name, 3, 2);
    const writer = new Writer(lab);
    const token = lab.reconfigure(0, [2, 3, 4], null, 1_000);
    writer.until([0], () => lab.outcomes.has(token));
    expect(lab.outcomes.get(token)).toMatchObject({
      code: "configuration-unsettled",
      applied: "no",
      message: expect.stringMatching(/: 3 and 4 lack the state$/),
    });
    expect(membershipOf(lab, 0)).toMatchObject({ waitsFor: "", settled: true });
    expect(learners(lab, 0)).toEqual([3, 4]);
    // The cluster is what it was: any two of the three go on alone.
    lab.crash(0);
    writer.forMs([1, 2], 1_500);
    const removal = lab.reconfigure(1, [0, 1, 2]);
    writer.until([1, 2], () => lab.outcomes.has(removal));
    expect(lab.outcomes.get(removal)).toMatchObject({ kind: "done" });
    writer.forMs([1, 2], 1_500);
    expect(statusOf(lab, 2)?.configuration).toBe(3);
    expect(learners(lab, 1)).toEqual([]);
    expect(writer.longestGapMs).toBeLessThan(2 * GAP_MS);
    writer.check(1);
  });

  test("what nobody could hold the state of is refused at once", () => {
    const lab = create(name, 1, 1);
    const members = [{ id: 0, address: "node-0", zone: "", roles: [], dataId: "a".repeat(32) }];
    const request = { replaces: 1, members, quorums: null, deadlineMs: 60_000 };
    lab.node(0).host?.reconfigure({ ...request, token: 9_999 });
    lab.run(10);
    expect(lab.outcomes.get(9_999)).toMatchObject({
      code: "configuration-invalid",
      applied: "no",
      message: expect.stringContaining("only nobody can hold the state before it begins"),
    });
  });

  test("a learner is told all, serves and hands on, and neither votes nor leads", () => {
    const protocol = PROTOCOLS[name] as LabOptions<unknown, unknown>["protocol"];
    const lab: AnyLab = new Lab({ protocol, roles: [[], [], [], ["learner"], ["learner"]] });
    lab.startAll();
    expect(lab.runUntil(() => statusOf(lab, 3)?.ready === true)).toBe(true);
    const write = lab.put(3, "a", "1");
    expect(lab.runUntil(() => lab.allDone([write]))).toBe(true);
    const read = lab.get(4, "a");
    expect(lab.runUntil(() => lab.allDone([read]))).toBe(true);
    expect(lab.value(read)).toBe("1");
    expect(statusOf(lab, 3)).toMatchObject({
      voter: false,
      nonVoterReason: expect.stringContaining("role"),
    });
    lab.crash(0);
    const other = lab.put(4, "b", "2");
    expect(lab.runUntil(() => lab.allDone([other]))).toBe(true);
    lab.crash(1);
    lab.run(3_000);
    const lost = lab.put(2, "c", "3");
    lab.run(10_000);
    expect(lab.outcomes.has(lost)).toBe(false);
    for (const id of [3, 4]) expect(statusOf(lab, id)?.replica.leader).not.toBe(id);
    lab.start(0);
    expect(lab.runUntil(() => lab.allDone([lost]))).toBe(true);
    expectAgreement(lab, [0, 2, 3, 4]);
  });
});
