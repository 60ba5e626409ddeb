import type { NodeId } from "@synod/core";
import {
  type MultipaxosMessage,
  type MultipaxosState,
  multipaxos,
} from "@synod/core/protocols/multipaxos";
import { keyValue } from "@synod/machines";
import {
  type CrashFate,
  type DiskImage,
  KEEP_UNSYNCED,
  LOSE_UNSYNCED,
  seededFate,
} from "@synod/simulator";
import { beforeAll, describe, expect, test } from "vitest";
import type { SessionRequest } from "../host-options.ts";
import type { Outcome } from "../outcome.ts";
import { stateHash } from "../state-hash.ts";
import { Lab, type LabOptions } from "../testing/lab.ts";

/**
 * The whole host dies instead of its first port call, then of its second, and so on until it gets
 * through what the test is about: compaction, the installation of a transferred snapshot, the
 * expiry of sessions. Disk, network, timers: every call is a place to die. Journal and snapshot
 * store have such tests of their own; here it is how they work together.
 */
type MultiLab = Lab<MultipaxosState, MultipaxosMessage>;
type Options = Partial<LabOptions<MultipaxosState, MultipaxosMessage>>;

/** What the power loss leaves of unsynced writes: by turns nothing, all, and mixtures. */
const FATES: readonly CrashFate[] = [LOSE_UNSYNCED, KEEP_UNSYNCED, seededFate(1), seededFate(2)];

/** A few dozen small writes make a snapshot; nothing is kept below it. */
const SMALL = { segmentBytes: 4_096, journalBytesMax: 8_192, chunkBytes: 512, resubmitMs: 300 };

function create(size: number, options: Options = {}, images?: readonly DiskImage[]): MultiLab {
  const roles = Array.from({ length: size }, () => []);
  const copies = images?.map((image) => image.copy());
  const protocolTuning = { retainBytes: 0 };
  return new Lab(
    { protocol: multipaxos, roles, tuning: SMALL, protocolTuning, ...options },
    copies,
  );
}

function up(lab: MultiLab, ids: readonly NodeId[]): void {
  for (const id of ids) if (lab.node(id).host === null) lab.start(id);
  expect(lab.runUntil(() => ids.every((id) => lab.node(id).isUp))).toBe(true);
}

function finish(lab: MultiLab, tokens: readonly number[]): void {
  expect(lab.runUntil(() => lab.allDone(tokens))).toBe(true);
}

/** Stops the world and keeps its disks. */
function imagesOf(lab: MultiLab): DiskImage[] {
  for (const { id } of lab.nodes) lab.crash(id, "process");
  return lab.nodes.map(({ disk }) => disk.image.copy());
}

function executedUpTo(lab: MultiLab, id: NodeId): number {
  return lab.node(id).host?.status().executedUpTo.index ?? -1;
}

function snapshotAt(lab: MultiLab, id: NodeId): number {
  return lab.node(id).host?.status().snapshotPosition.index ?? -1;
}

/** All have executed the same, and hold the same. */
function expectAgreement(lab: MultiLab, where: string): void {
  const ids = lab.nodes.map(({ id }) => id);
  up(lab, ids);
  const same = (): boolean => new Set(ids.map((id) => executedUpTo(lab, id))).size === 1;
  expect(lab.runUntil(same), where).toBe(true);
  const hashes = ids.map((id) => stateHash(lab.node(id).machine?.freeze() as never));
  expect(new Set(hashes).size, where).toBe(1);
  for (const { ended, applied } of lab.nodes) {
    expect(ended, where).toBe(null);
    // Every write here is another one.
    const payloads = applied.map((payload) => payload.join());
    expect(new Set(payloads).size, where).toBe(payloads.length);
  }
}

function expectValues(lab: MultiLab, id: NodeId, written: ReadonlyMap<string, number>): void {
  const acknowledged = [...written].filter(([, token]) => lab.outcomes.get(token)?.kind === "done");
  const reads = acknowledged.map(([key]) => [key, lab.get(id, key)] as const);
  finish(
    lab,
    reads.map(([, token]) => token),
  );
  for (const [key, token] of reads) expect(lab.value(token)).toBe(`of ${key}`);
}

/** Writes `count` values under keys that begin with `prefix`, at these nodes in turn. */
function write(lab: MultiLab, prefix: string, count: number, at: readonly NodeId[]) {
  const written = new Map<string, number>();
  for (let n = 0; n < count; n += 1) {
    const key = `${prefix}-${n}`;
    written.set(key, lab.put(at[n % at.length] as NodeId, key, `of ${key}`));
    lab.run(2);
  }
  return written;
}

/** The power of a node that has died is lost as well; then it starts again. */
function comeBack(lab: MultiLab, victim: NodeId, call: number): void {
  const node = lab.node(victim);
  if (!node.fence.down) node.fence.fall();
  node.disk.crash(FATES[call % FATES.length] as CrashFate);
  up(lab, [victim]);
}

describe.each(["leader", "follower"] as const)("compaction at a %s", (role) => {
  /** Three members with a snapshot each, and a journal that has grown again. */
  let base: DiskImage[];

  beforeAll(() => {
    const lab = create(3);
    up(lab, [0, 1, 2]);
    for (let round = 0; [0, 1, 2].some((id) => snapshotAt(lab, id) < 1); round += 1)
      finish(lab, [...write(lab, `base-${round}`, 10, [0, 1, 2]).values()]);
    finish(lab, [...write(lab, "more", 8, [0, 1, 2]).values()]);
    lab.run(500);
    base = imagesOf(lab);
  });

  test("a crash at every port call from the barrier to the cut of the journal", () => {
    let crashes = 0;
    for (let call = 1; ; call += 1) {
      const lab = create(3, {}, base);
      up(lab, [0, 1, 2]);
      lab.run(1_500);
      const isLeader = (id: NodeId) => lab.node(id).host?.status().replica.role === "leader";
      const victim = [0, 1, 2].find((id) => isLeader(id) === (role === "leader")) as NodeId;
      const before = snapshotAt(lab, victim);
      const node = lab.node(victim);
      node.fence.fallAt(call);
      const written = new Map<string, number>();
      const compacted = () =>
        snapshotAt(lab, victim) > before &&
        (node.host?.status().replica.compactedUpTo ?? 0) === snapshotAt(lab, victim);
      const others = [0, 1, 2].filter((id) => id !== victim);
      for (let round = 0; !node.fence.down && !compacted() && round < 30; round += 1)
        for (const [key, token] of write(lab, `round-${round}`, 4, [victim, ...others]))
          written.set(key, token);
      const survived = !node.fence.down;
      if (survived) expect(compacted()).toBe(true);
      else crashes += 1;
      comeBack(lab, victim, call);
      for (const [key, token] of write(lab, "after", 6, [0, 1, 2])) written.set(key, token);
      expectAgreement(lab, `call ${call}`);
      expectValues(lab, victim, written);
      if (survived) break;
    }
    expect(crashes).toBeGreaterThan(50);
  });
});

describe("a transferred snapshot", () => {
  /** Node 2 was away while the others wrote, took snapshots and cut their journals. */
  let base: DiskImage[];

  beforeAll(() => {
    const lab = create(3);
    up(lab, [0, 1, 2]);
    finish(lab, [...write(lab, "early", 6, [0, 1, 2]).values()]);
    lab.run(500);
    lab.crash(2);
    for (let round = 0; [0, 1].some((id) => snapshotAt(lab, id) < 12); round += 1)
      finish(lab, [...write(lab, `base-${round}`, 10, [0, 1]).values()]);
    lab.run(500);
    base = imagesOf(lab);
  });

  test("a crash at every port call from the start of a member until it has installed it", () => {
    let crashes = 0;
    for (let call = 1; ; call += 1) {
      const lab = create(3, {}, base);
      up(lab, [0, 1]);
      lab.run(1_500);
      const node = lab.node(2);
      lab.start(2);
      node.fence.fallAt(call);
      const installed = () =>
        node.events.some((event) => event.startsWith("state installed")) &&
        executedUpTo(lab, 2) === executedUpTo(lab, 0);
      expect(lab.runUntil(() => node.fence.down || installed())).toBe(true);
      const survived = !node.fence.down;
      if (!survived) crashes += 1;
      comeBack(lab, 2, call);
      const written = write(lab, "after", 3, [0, 1, 2]);
      expectAgreement(lab, `call ${call}`);
      expectValues(lab, 2, written);
      // However often it died on the way: it is there now, from a snapshot.
      expect(snapshotAt(lab, 2), `call ${call}`).toBeGreaterThanOrEqual(12);
      if (survived) break;
    }
    expect(crashes).toBeGreaterThan(50);
  });
});

describe("the expiry of sessions", () => {
  /**
   * More clients than there are sessions: each opening closes the longest unused one, which is not
   * the first by name.
   */
  const CLIENTS = Array.from({ length: 9 }, (_, n) => `client-${9 - n}`);
  const SESSIONS_MAX = 4;
  const tuning = { ...SMALL, journalBytesMax: 6_144, sessionsMax: SESSIONS_MAX };

  /** Alone, so that all there is stands on one disk. */
  let base: DiskImage[];

  beforeAll(() => {
    const lab = create(1, { tuning });
    up(lab, [0]);
    finish(lab, [...write(lab, "base", 4, [0]).values()]);
    base = imagesOf(lab);
  });

  function session(client: string, sequence: number): SessionRequest {
    return { client, sequence, acknowledged: 1 };
  }

  /** Proposes until it is answered, through any crash; null when the node is dead again. */
  function ask(lab: MultiLab, payload: Uint8Array, by: SessionRequest): Outcome | null {
    const token = lab.propose(0, payload, by);
    const { fence } = lab.node(0);
    lab.runUntil(() => fence.down || lab.outcomes.has(token));
    return lab.outcomes.get(token) ?? null;
  }

  test("a crash at every port call: the same are expired, and nobody is served twice", () => {
    let crashes = 0;
    for (let call = 1; ; call += 1) {
      const lab = create(1, { tuning }, base);
      up(lab, [0]);
      lab.node(0).fence.fallAt(call);
      for (const client of CLIENTS) {
        // A delete after the put: executed twice, either would show in its answer.
        const steps = [keyValue.put(client, new Uint8Array(200)), keyValue.delete(client)];
        for (const [at, payload] of steps.entries()) {
          let outcome: Outcome | null = null;
          while (outcome === null) {
            outcome = ask(lab, payload, session(client, at + 1));
            if (!lab.node(0).fence.down) continue;
            crashes += 1;
            comeBack(lab, 0, call);
          }
          if (outcome.kind !== "done") throw new Error(`${client}: ${outcome.code}, call ${call}`);
          const existed = keyValue.result(outcome.result);
          expect(existed, `${client} ${at}, call ${call}`).toEqual({
            kind: "written",
            existed: at === 1,
          });
        }
      }
      const survived = crashes < call;
      lab.node(0).fence.spare();
      if (survived) expect(snapshotAt(lab, 0)).toBeGreaterThan(0);
      // All of it in a snapshot, none of it in the journal.
      const end = executedUpTo(lab, 0);
      for (let round = 0; snapshotAt(lab, 0) < end; round += 1)
        finish(lab, [...write(lab, `filler-${round}`, 6, [0]).values()]);
      comeBack(lab, 0, call);
      // What was the longest unused before the crash still is, and makes room.
      const newcomer = ask(lab, keyValue.put("newcomer", new Uint8Array(1)), session("new", 1));
      expect(newcomer).toMatchObject({ kind: "done", repeated: false });
      const kept = CLIENTS.slice(1 - SESSIONS_MAX);
      for (const client of CLIENTS) {
        const again = ask(lab, keyValue.delete(client), session(client, 2));
        expect(again, `${client}, call ${call}`).toMatchObject(
          kept.includes(client)
            ? { kind: "done", repeated: true }
            : { kind: "failed", code: "session-expired", applied: "no" },
        );
      }
      if (survived) break;
    }
    expect(crashes).toBeGreaterThan(50);
  });
});
