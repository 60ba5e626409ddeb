import type { NodeId } from "@synod/core";
import { broadcast } from "@synod/core/protocols/broadcast";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { pmmc } from "@synod/core/protocols/pmmc";
import { describe, expect, test } from "vitest";
import { stateHash } from "../state-hash.ts";
import { Lab, type LabOptions } from "../testing/lab.ts";

/**
 * Real hosts go from one configuration to the next, while clients write: every write is executed
 * once and stays, the log goes on without a gap, and those who are no members any more retire.
 */
type AnyLab = Lab<any, any>;
type Options = Partial<LabOptions<any, any>>;

const SMALL = { segmentBytes: 4_096, journalBytesMax: 8_192, chunkBytes: 512, resubmitMs: 300 };

const PROTOCOLS = { broadcast, multipaxos, omnipaxos, pmmc } as const;

function create(name: keyof typeof PROTOCOLS, size: number, options: Options = {}): AnyLab {
  const roles = Array.from({ length: size }, () => []);
  const protocol = PROTOCOLS[name] as LabOptions<unknown, unknown>["protocol"];
  const lab: AnyLab = new Lab({
    protocol,
    roles,
    tuning: SMALL,
    protocolTuning: { retainBytes: 0 },
    ...options,
  });
  lab.startAll();
  const members = lab.nodes.slice(0, size);
  expect(lab.runUntil(() => members.every(({ isUp }) => isUp))).toBe(true);
  return lab;
}

const statusOf = (lab: AnyLab, id: NodeId) => lab.node(id).host?.status();

/** Writes at these nodes, a few ms apart, for as long as `condition` does not hold. */
class Writer {
  readonly #lab: AnyLab;
  readonly written = new Map<string, number>();

  constructor(lab: AnyLab) {
    this.#lab = lab;
  }

  until(at: readonly NodeId[], condition: () => boolean, ms = 30_000): void {
    const end = this.#lab.scheduler.now + ms;
    while (!condition()) {
      expect(this.#lab.scheduler.now, "it takes too long").toBeLessThan(end);
      this.some(at, 1);
    }
  }

  some(at: readonly NodeId[], count: number): void {
    for (let n = 0; n < count; n += 1) {
      const number = this.written.size;
      const id = at[number % at.length] as NodeId;
      this.written.set(`key-${number}`, this.#lab.put(id, `key-${number}`, `of ${number}`));
      this.#lab.run(3);
    }
  }

  /**
   * Read at `id`, all acknowledged writes are there. Nothing failed but at nodes that had to leave,
   * and that was not applied.
   */
  check(id: NodeId): void {
    const lab = this.#lab;
    const tokens = [...this.written.values()];
    expect(lab.runUntil(() => tokens.every((token) => lab.outcomes.has(token)))).toBe(true);
    const reads = [...this.written.keys()].map((key) => [key, lab.get(id, key)] as const);
    expect(lab.runUntil(() => lab.allDone(reads.map(([, token]) => token)))).toBe(true);
    for (const [key, token] of reads) {
      const outcome = lab.outcomes.get(this.written.get(key) as number);
      const refused = outcome?.kind === "failed";
      if (refused) expect(outcome).toMatchObject({ code: "not-a-member", applied: "no" });
      expect(lab.value(token)).toBe(refused ? null : `of ${key.slice("key-".length)}`);
    }
  }
}

/** Asks `at` for these members, and waits until all of them hold the state and one leads. */
function change(lab: AnyLab, writer: Writer, at: NodeId, ids: readonly NodeId[]): void {
  const before = statusOf(lab, at)?.configuration ?? 0;
  const token = lab.reconfigure(at, ids);
  const isIn = (id: NodeId) => {
    const { configuration = 0, membership } = statusOf(lab, id) ?? {};
    const members = membership?.members.map((member) => member.id) ?? [];
    return configuration > before && `${members}` === `${ids}` && membership?.state === "member";
  };
  const isSettled = () =>
    ids.every((id) => isIn(id) && statusOf(lab, id)?.voter === true) &&
    lab.outcomes.has(token) &&
    statusOf(lab, ids[0] as NodeId)?.membership.holders.length === ids.length;
  writer.until(ids.filter((id) => isIn(id)).length > 0 ? ids : [at], isSettled);
  expect(lab.outcomes.get(token)).toMatchObject({ kind: "done" });
}

function expectAgreement(lab: AnyLab, ids: readonly NodeId[]): void {
  const positions = () => new Set(ids.map((id) => statusOf(lab, id)?.executedUpTo.index));
  expect(lab.runUntil(() => positions().size === 1)).toBe(true);
  const hashes = ids.map((id) => stateHash(lab.node(id).machine?.freeze() as never));
  expect(new Set(hashes).size).toBe(1);
  for (const { ended } of lab.nodes) expect(ended).toBe(null);
}

describe.each(["multipaxos", "omnipaxos"] as const)("%s", (name) => {
  test("replaces one member, then a majority, then all at once", () => {
    const lab = create(name, 3, { newcomers: 6 });
    const writer = new Writer(lab);
    writer.some([0, 1, 2], 20);
    change(lab, writer, 0, [1, 2, 3]);
    change(lab, writer, 3, [3, 4, 5]);
    change(lab, writer, 4, [6, 7, 8]);
    writer.some([6, 7, 8], 20);
    writer.check(7);
    expectAgreement(lab, [6, 7, 8]);
  });

  test("who led leads on in less than an election time-out, and nobody else stands", () => {
    const lab = create(name, 3, { newcomers: 1 });
    const writer = new Writer(lab);
    writer.some([0, 1, 2], 40);
    const leader = statusOf(lab, 0)?.replica.leader as NodeId;
    const [gone, stays] = [0, 1, 2].filter((id) => id !== leader) as [NodeId, NodeId];
    lab.run(1_000);
    lab.reconfigure(leader, [leader, stays, 3].sort());
    expect(lab.runUntil(() => statusOf(lab, leader)?.configuration === 2)).toBe(true);
    const begunAt = lab.scheduler.now;
    const token = lab.put(stays, "next", "one");
    expect(lab.runUntil(() => lab.outcomes.has(token))).toBe(true);
    expect(lab.scheduler.now - begunAt).toBeLessThan(100);
    lab.run(3_000);
    const ballots = new Set([leader, stays, 3].map((id) => statusOf(lab, id)?.replica.ballot));
    expect([statusOf(lab, 3)?.replica.leader, ballots.size]).toEqual([leader, 1]);
    expect(statusOf(lab, gone)?.membership.state).toBe("retired");
  });

  test("replaces a node that lost its disk, under the same id and a new data id", () => {
    const lab = create(name, 3);
    const writer = new Writer(lab);
    writer.some([0, 1, 2], 20);
    writer.check(0);
    lab.replaceDisk(2);
    lab.start(2);
    writer.some([0, 1], 40);
    lab.run(1_000);
    expect(statusOf(lab, 2)?.voter).toBe(false);
    const applicant = { node: 2, dataId: lab.dataIds.get(2) };
    expect(statusOf(lab, 0)?.membership.applicants).toEqual([applicant]);
    change(lab, writer, 0, [0, 1, 2]);
    writer.check(2);
    // Without one of the others, this one's vote is needed.
    lab.crash(0);
    writer.some([1, 2], 20);
    writer.check(2);
  });

  test("goes on when members crash at the worst of times, and come back", () => {
    const lab = create(name, 3, { newcomers: 2, network: { loss: 0.05, duplication: 0.05 } });
    const writer = new Writer(lab);
    writer.some([0, 1, 2], 20);
    const token = lab.reconfigure(0, [0, 3, 4]);
    const isStopped = () => statusOf(lab, 0)?.membership.stopping === true;
    writer.until([1], () => isStopped() || statusOf(lab, 0)?.configuration === 2);
    lab.crash(1);
    lab.crash(3);
    lab.run(400);
    lab.start(1);
    lab.start(3);
    lab.crash(0);
    lab.run(400);
    lab.start(0);
    expect(lab.runUntil(() => statusOf(lab, 0)?.ready === true)).toBe(true);
    // Whoever was to take the newcomers on from learning to voting has forgotten it.
    const again = lab.reconfigure(0, [0, 3, 4]);
    writer.until([4], () => lab.outcomes.has(again));
    const isIn = (id: NodeId) => statusOf(lab, id)?.membership.state === "member";
    writer.until([4], () => [0, 3, 4].every((id) => isIn(id) && statusOf(lab, id)?.voter === true));
    writer.some([0, 3, 4], 20);
    writer.until([4], () => statusOf(lab, 1)?.membership.state === "retired");
    expectAgreement(lab, [0, 3, 4]);
    expect(lab.outcomes.has(token)).toBe(false);
    expect(lab.outcomes.get(again)).toMatchObject({ kind: "done" });
  });

  test("a newcomer without the state does not vote, whoever else is there", () => {
    const lab = create(name, 3, { newcomers: 1 });
    const writer = new Writer(lab);
    writer.some([0, 1, 2], 20);
    writer.check(0);
    lab.reconfigure(0, [0, 1, 3]);
    const state = () => statusOf(lab, 3)?.membership.state;
    expect(lab.runUntil(() => state() === "joining")).toBe(true);
    expect(statusOf(lab, 3)?.voter).toBe(false);
    expect(lab.runUntil(() => state() === "member")).toBe(true);
    expect(lab.runUntil(() => statusOf(lab, 3)?.voter === true)).toBe(true);
    writer.check(3);
  });

  test("a newcomer that starts again without the state gets it from who was a member", () => {
    const lab = create(name, 3, { newcomers: 1 });
    const writer = new Writer(lab);
    writer.some([0, 1, 2], 20);
    writer.check(0);
    lab.reconfigure(0, [0, 1, 3]);
    const isJoining = () => statusOf(lab, 3)?.membership.state === "joining";
    expect(lab.runUntil(isJoining)).toBe(true);
    lab.crash(3);
    expect(lab.runUntil(() => statusOf(lab, 2)?.membership.state === "retired")).toBe(true);
    for (const id of [0, 1]) lab.crash(id);
    lab.start(3);
    const holds = () => statusOf(lab, 3)?.membership.holders.includes(3) === true;
    expect(lab.runUntil(holds)).toBe(true);
    for (const id of [0, 1]) lab.start(id);
    writer.some([3], 20);
    writer.check(3);
  });

  test("refuses what cannot be a next configuration, and all but one of those that compete", () => {
    const lab = create(name, 3, { newcomers: 1 });
    lab.run(1_000);
    lab.dataIds.delete(3);
    const codes = (tokens: readonly number[]) => {
      lab.runUntil(() => tokens.every((token) => lab.outcomes.has(token)));
      return tokens.map((token) => {
        const outcome = lab.outcomes.get(token);
        return outcome?.kind === "failed" ? `${outcome.code} ${outcome.applied}` : outcome?.kind;
      });
    };
    const uneven = lab.reconfigure(0, [0, 1, 2], { phase1: 1, phase2: 1 });
    expect(codes([uneven, lab.reconfigure(0, []), lab.reconfigure(0, [0, 1, 2])])).toEqual([
      "configuration-invalid no",
      "configuration-invalid no",
      "configuration-unchanged no",
    ]);
    expect(codes([lab.reconfigure(3, [3])])).toEqual(["not-a-member no"]);
    // It has knocked, so its data id is known by now; of a fifth node nobody knows anything.
    expect(codes([lab.reconfigure(0, [0, 1, 5])])).toEqual(["data-id-unknown no"]);
    const twice = [lab.reconfigure(0, [0, 1, 2, 3]), lab.reconfigure(0, [0, 1])];
    const other = lab.reconfigure(1, [0, 1]);
    const [first, second, third] = codes([...twice, other]);
    expect(second).toBe("configuration-unsettled no");
    expect([first, third].sort()).toEqual(["configuration-changed no", "done"]);
  });
});

/** The host asks nothing of a protocol but to end where it is told to. */
describe.each(["broadcast", "multipaxos", "omnipaxos", "pmmc"] as const)("%s", (name) => {
  test("grows from one to three to five and shrinks to one again, under load", () => {
    const lab = create(name, 1, { newcomers: 4 });
    const writer = new Writer(lab);
    writer.some([0], 20);
    change(lab, writer, 0, [0, 1, 2]);
    writer.some([0, 1, 2], 20);
    change(lab, writer, 1, [0, 1, 2, 3, 4]);
    writer.some([0, 1, 2, 3, 4], 40);
    writer.check(4);
    expectAgreement(lab, [0, 1, 2, 3, 4]);
    change(lab, writer, 2, [2, 3, 4]);
    change(lab, writer, 4, [4]);
    writer.some([4], 20);
    writer.check(4);
    lab.run(1_000);
    expect(statusOf(lab, 0)?.membership.state).toBe("retired");
    expect(statusOf(lab, 3)).toMatchObject({ configuration: 6, membership: { state: "retired" } });
  });
});
