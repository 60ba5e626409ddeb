import { KEEP_UNSYNCED, LOSE_UNSYNCED } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { at, Members, type TransferMember } from "./testing/members.ts";
import { executeUpTo, hashAt, hashOf } from "./testing/replica.ts";
import type { TransferMessage } from "./transfer-messages.ts";
import { LEASE_MS } from "./transfer-serving.ts";

/** Members 1 and up hold a snapshot at `index`; member 0 has nothing. */
function members(count: number, index = 300, chunkBytes?: number): Members {
  const all = new Members(count, chunkBytes);
  for (const member of all.all.slice(1)) member.snapshotAt(index);
  return all;
}

function expectState(member: TransferMember, index: number): void {
  expect(member.failures).toEqual([]);
  expect(member.transfer.status.fetching).toEqual({ kind: "idle" });
  expect(member.execution.executedUpTo).toEqual(at(index));
  expect(hashOf(member.execution)).toBe(hashAt(index));
}

describe("fetching", () => {
  test("a member without anything gets the state, chunks from all who have it", () => {
    const all = members(4);
    const [behind] = all.all as [TransferMember];
    behind.transfer.request(at(250), [0, 1, 2, 3]);
    expect(behind.transfer.status.fetching).toEqual({ kind: "asking", position: at(250) });
    all.pass(2_000);
    expectState(behind, 300);
    const { chunks } = behind.installed[0]!;
    expect(chunks.length).toBeGreaterThan(20);
    expect([...all.chunksSent.values()].reduce((sum, sent) => sum + sent)).toBe(chunks.length);
    for (const node of [1, 2, 3])
      expect(all.chunksSent.get(node)).toBeGreaterThan(chunks.length / 4);
    expect(all.all.map((member) => member.transfer.status.serving)).toEqual([0, 0, 0, 0]);
  });

  test("a request for what is here already asks nobody", () => {
    const all = members(2);
    all.all[1]!.transfer.request(at(300), [0]);
    all.pass(1_000);
    expect(all.all[1]!.transfer.status.fetching).toEqual({ kind: "idle" });
    expect(all.all[0]!.snapshotsWanted).toBe(0);
  });

  test("progress shows", () => {
    const all = members(2);
    const [behind] = all.all as [TransferMember];
    behind.transfer.request(at(1), [1]);
    const seen: number[] = [];
    all.pass(2_000, () => {
      const { fetching } = behind.transfer.status;
      if (fetching.kind === "fetching") seen.push(fetching.chunks / fetching.chunksTotal);
      return false;
    });
    expect(Math.max(...seen)).toBe(1);
    expect(new Set(seen).size).toBeGreaterThan(20);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test("lost, doubled and late messages only make it slower", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const all = members(3);
      let sent = 0;
      all.mischief = (message) => {
        sent += 1;
        const luck = (sent * 7_919 + seed * 104_729) % 10;
        return luck < 3 ? [] : luck < 5 ? [message, message] : [message];
      };
      all.all[0]!.transfer.request(at(300), [1, 2]);
      all.pass(120_000, () => all.all[0]!.execution.executedUpTo.index === 300);
      all.pass(1_000);
      expectState(all.all[0]!, 300);
    }
  });

  test("a member that sends wrong bytes is asked no more; the others finish it", () => {
    const all = members(3);
    let lies = 0;
    all.mischief = (message, from) => {
      if (message.kind !== "chunk" || from !== 1) return [message];
      lies += 1;
      return [{ ...message, bytes: message.bytes.map((byte) => byte ^ 1) }];
    };
    all.all[0]!.transfer.request(at(300), [1, 2]);
    all.pass(1_500);
    expectState(all.all[0]!, 300);
    expect(lies).toBeGreaterThan(0);
    expect(lies).toBeLessThan(9);
  });

  test("chunks of another snapshot, and offers that are none, are nothing", () => {
    const all = members(2);
    all.mischief = (message) => {
      if (message.kind === "chunk")
        return [{ ...message, digest: "0123456789abcdef", bytes: message.bytes.slice(1) }, message];
      if (message.kind !== "stateOffer") return [message];
      const noise = message.manifest.slice();
      noise[20]! ^= 1;
      return [{ kind: "stateOffer", manifest: noise } satisfies TransferMessage, message];
    };
    all.all[0]!.transfer.request(at(300), [1]);
    all.pass(1_500);
    expectState(all.all[0]!, 300);
  });

  test("a member that falls silent in the middle is replaced by the other", () => {
    const all = members(3);
    let fromFirst = 0;
    all.mischief = (message, from) => {
      if (message.kind === "chunk" && from === 1) fromFirst += 1;
      return from === 1 && fromFirst > 4 ? [] : [message];
    };
    all.all[0]!.transfer.request(at(300), [1, 2]);
    all.pass(20_000, () => all.all[0]!.execution.executedUpTo.index === 300);
    all.pass(1_000);
    expectState(all.all[0]!, 300);
  });

  test("when all fall silent, what was fetched is gone on with later", () => {
    const all = members(2);
    let cut = false;
    all.mischief = (message) => (cut ? [] : [message]);
    const [behind, ahead] = all.all as [TransferMember, TransferMember];
    behind.transfer.request(at(300), [1]);
    all.pass(1_000, () => (all.chunksSent.get(1) ?? 0) === 12);
    cut = true;
    all.pass(20_000);
    expect(behind.transfer.status.fetching.kind).toBe("asking");
    cut = false;
    all.pass(20_000, () => behind.execution.executedUpTo.index === 300);
    all.pass(1_000);
    expectState(behind, 300);
    const { chunks } = ahead.store.newest!;
    expect(all.chunksSent.get(1)).toBeLessThan(chunks.length + 12);
  });

  test("offers too old are not taken; members are asked until one has a new snapshot", () => {
    const all = members(3, 100);
    const [behind, first, second] = all.all as [TransferMember, TransferMember, TransferMember];
    behind.transfer.request(at(150), [1, 2]);
    all.pass(2_000);
    expect(behind.installed).toEqual([]);
    expect(first.snapshotsWanted).toBeGreaterThan(0);
    expect(first.transfer.isSnapshotWanted(at(200))).toBe(true);
    expect(first.transfer.isSnapshotWanted(at(149))).toBe(false);
    second.snapshotAt(200);
    all.pass(20_000, () => behind.execution.executedUpTo.index === 200);
    all.pass(1_000);
    expectState(behind, 200);
    expect(second.transfer.isSnapshotWanted(at(300))).toBe(false);
  });

  test("a replica that gets further by itself drops what it was fetching", () => {
    const all = members(2);
    const [behind] = all.all as [TransferMember];
    behind.transfer.request(at(300), [1]);
    all.pass(1_000, () => (all.chunksSent.get(1) ?? 0) === 12);
    executeUpTo(behind.execution, 350);
    all.pass(5_000);
    expectState(behind, 350);
    expect(behind.installed).toEqual([]);
    expect(behind.world.names()).toEqual([]);
  });

  test("a state one command older than what there is, is not fetched at all", () => {
    const all = members(2);
    const [behind] = all.all as [TransferMember];
    behind.transfer.request(at(250), [1]);
    executeUpTo(behind.execution, 300);
    all.pass(5_000);
    expectState(behind, 300);
    expect(all.chunksSent.size).toBe(0);
  });

  test("without room it is told, and tried again", () => {
    const all = members(2);
    const [behind] = all.all as [TransferMember];
    behind.world.disk.faults.capacityBytes = 4_096;
    behind.transfer.request(at(300), [1]);
    all.pass(8_000);
    expect(new Set(behind.failures)).toEqual(new Set(["no-space"]));
    expect(behind.failures.length).toBeLessThan(4);
    expect(behind.world.names()).toEqual([]);
    behind.world.disk.faults.clear();
    behind.failures = [];
    all.pass(20_000, () => behind.execution.executedUpTo.index === 300);
    all.pass(1_000);
    expectState(behind, 300);
  });

  test("any other error of the disk ends it", () => {
    for (const call of ["create", "write", "sync", "rename", "syncDirectory"] as const) {
      const all = members(2);
      const [behind] = all.all as [TransferMember];
      const error = { code: "io", message: "broken" } as const;
      behind.world.disk.faults.arm({ call, prefix: "", after: 0, times: 1, error });
      behind.transfer.request(at(300), [1]);
      all.pass(30_000);
      expect(behind.failures, call).toEqual(["io"]);
      expect(behind.installed).toEqual([]);
    }
  });

  test("after stop nothing is asked any more", () => {
    const all = members(2);
    const [behind] = all.all as [TransferMember];
    behind.transfer.request(at(300), [1]);
    all.pass(1_000, () => (all.chunksSent.get(1) ?? 0) === 12);
    behind.transfer.stop();
    behind.transfer.request(at(300), [1]);
    const before = all.chunksSent.get(1)!;
    all.pass(20_000);
    expect(all.chunksSent.get(1)! - before).toBeLessThan(9);
    expect(behind.installed).toEqual([]);
  });
});

describe("serving", () => {
  test("an offered snapshot is kept while it is fetched, though newer ones are made", () => {
    const all = members(2);
    const [behind, ahead] = all.all as [TransferMember, TransferMember];
    const offered = ahead.store.newest!;
    all.latencyMs = 50;
    behind.transfer.request(at(300), [1]);
    all.pass(1_000, () => (all.chunksSent.get(1) ?? 0) === 12);
    ahead.snapshotAt(400);
    ahead.snapshotAt(500);
    expect(ahead.store.find(offered.digest)).not.toBeNull();
    all.pass(10_000, () => behind.execution.executedUpTo.index === 300);
    all.pass(1_000);
    expectState(behind, 300);
    expect(ahead.store.find(offered.digest)).toBeNull();
    expect(ahead.world.names()).toEqual(["snapshot-500.data", "snapshot-500.manifest"]);
  });

  test("it is not kept for a member that is silent for long", () => {
    const all = members(2);
    const [behind, ahead] = all.all as [TransferMember, TransferMember];
    behind.transfer.request(at(300), [1]);
    all.pass(1_000, () => (all.chunksSent.get(1) ?? 0) === 12);
    behind.world.crashNow(LOSE_UNSYNCED);
    all.pass(LEASE_MS / 2);
    expect(ahead.transfer.status.serving).toBe(1);
    all.pass(LEASE_MS * 2);
    expect(ahead.transfer.status.serving).toBe(0);
    ahead.snapshotAt(400);
    all.pass(100);
    expect(ahead.world.names()).toEqual(["snapshot-400.data", "snapshot-400.manifest"]);
  });

  test("who asks for a snapshot that is gone is told, and takes the newer one", () => {
    const all = members(2);
    const [behind, ahead] = all.all as [TransferMember, TransferMember];
    const gone: unknown[] = [];
    all.latencyMs = 50;
    all.mischief = (message) => {
      if (message.kind === "stateGone") gone.push(message.digest);
      return [message];
    };
    behind.transfer.request(at(300), [1]);
    const offered = ahead.store.newest!.digest;
    all.pass(1_000, () => (all.chunksSent.get(1) ?? 0) === 12);
    ahead.restart();
    ahead.snapshotAt(400);
    all.pass(30_000, () => behind.execution.executedUpTo.index === 400);
    all.pass(1_000);
    expect(gone).toContain(offered);
    expectState(behind, 400);
    expect(behind.world.names()).toEqual(["snapshot-400.data", "snapshot-400.manifest"]);
  });

  test("a snapshot found damaged is not served; another is asked for", () => {
    const all = members(3);
    const [behind, bad] = all.all as [TransferMember, TransferMember];
    bad.world.disk.flipBit("snapshot-300.data", 5, 1);
    bad.world.disk.flipBit("snapshot-300.data", 155, 1);
    bad.world.disk.flipBit("snapshot-300.data", 455, 1);
    behind.transfer.request(at(300), [1, 2]);
    all.pass(10_000, () => behind.execution.executedUpTo.index === 300);
    all.pass(1_000);
    expectState(behind, 300);
    expect(bad.snapshotsWanted).toBeGreaterThan(0);
    expect(bad.transfer.isSnapshotWanted(at(300))).toBe(true);
  });

  test("however much is asked for, only a few chunks are read at a time", () => {
    const all = members(2);
    const [, ahead] = all.all as [TransferMember, TransferMember];
    const manifest = ahead.store.newest!;
    let reading = 0;
    let most = 0;
    const readChunk = ahead.store.readChunk.bind(ahead.store);
    ahead.store.readChunk = (...[wanted, index, done]) => {
      reading += 1;
      most = Math.max(most, reading);
      readChunk(wanted, index, (problem, bytes) => {
        reading -= 1;
        done(problem, bytes);
      });
    };
    for (let round = 0; round < 500; round += 1)
      ahead.transfer.onMessage(0, {
        kind: "chunkRequest",
        digest: manifest.digest,
        index: round % manifest.chunks.length,
      });
    all.pass(1_000);
    expect(most).toBe(4);
    expect(all.chunksSent.get(1)).toBe(68);
  });

  test("a chunk that does not exist is answered as gone", () => {
    const all = members(2);
    const [, ahead] = all.all as [TransferMember, TransferMember];
    const manifest = ahead.store.newest!;
    const seen: string[] = [];
    all.mischief = (message) => {
      seen.push(message.kind);
      return [];
    };
    const { digest, chunks } = manifest;
    ahead.transfer.onMessage(0, { kind: "chunkRequest", digest, index: chunks.length });
    all.pass(1_000);
    expect(seen).toEqual(["stateGone"]);
  });
});

test("a crash of the fetching member at every port call: the old state or the new one", () => {
  let crashes = 0;
  const ends = new Set<number>();
  for (const fate of [LOSE_UNSYNCED, 3] as const) {
    for (let call = 1; ; call += 1) {
      const all = members(3, 200, 700);
      const [behind] = all.all as [TransferMember];
      behind.snapshotAt(100);
      behind.world.crashAt(behind.world.calls + call, fate);
      behind.transfer.request(at(200), [1, 2]);
      all.pass(3_000);
      const finished = !behind.world.crashed;
      if (!finished) crashes += 1;
      else behind.world.crashNow(fate);
      behind.restart();
      const { index } = behind.execution.executedUpTo;
      ends.add(index);
      expect(hashOf(behind.execution), `crash at call ${call}`).toBe(hashAt(index));
      behind.transfer.request(at(200), [1, 2]);
      all.pass(10_000, () => behind.execution.executedUpTo.index === 200);
      expect(hashOf(behind.execution)).toBe(hashAt(200));
      if (finished) break;
    }
  }
  expect([...ends].sort()).toEqual([100, 200]);
  expect(crashes).toBeGreaterThan(2 * 20);
});

describe("after a restart of the fetching member", () => {
  /** Chunks that are sent until the state is there, after the process ended in the middle. */
  function fetchOnAfter(
    all: Members,
    end: (behind: TransferMember) => void,
    source = 1,
  ): { before: number; after: number; total: number } {
    const [behind] = all.all as [TransferMember];
    const sent = (): number => [...all.chunksSent.values()].reduce((sum, count) => sum + count, 0);
    behind.transfer.request(at(200), [source]);
    all.pass(5_000, () => sent() >= 12);
    const before = sent();
    end(behind);
    behind.restart();
    behind.transfer.request(at(200), [1, 2]);
    all.pass(20_000, () => behind.installed.length > 0);
    const [manifest] = behind.installed;
    return { before, after: sent() - before, total: manifest?.chunks.length ?? 0 };
  }

  test("what it has is not asked for again", () => {
    const all = members(3, 200);
    const { before, after, total } = fetchOnAfter(all, ({ world }) =>
      world.crashNow(KEEP_UNSYNCED),
    );
    // What was under way when it ended is lost.
    expect(before + after - total).toBeLessThanOrEqual(8);
    expect(after).toBeLessThan(total);
    const [behind] = all.all as [TransferMember];
    all.pass(5_000, () => behind.execution.executedUpTo.index === 200);
    expect(hashOf(behind.execution)).toBe(hashAt(200));
    expect(behind.world.names()).toEqual(["snapshot-200.data", "snapshot-200.manifest"]);
  });

  test("what a loss of power took, or left in tatters, is asked for again", () => {
    for (const fate of [LOSE_UNSYNCED, 1, 2, 3] as const) {
      const all = members(3, 200);
      const { after, total } = fetchOnAfter(all, ({ world }) => world.crashNow(fate));
      if (fate === LOSE_UNSYNCED) expect(after).toBeGreaterThanOrEqual(total);
      const [behind] = all.all as [TransferMember];
      all.pass(5_000, () => behind.execution.executedUpTo.index === 200);
      expect(hashOf(behind.execution)).toBe(hashAt(200));
    }
  });

  test("another snapshot takes the place of what there is", () => {
    const all = members(3, 200);
    const [behind] = all.all as [TransferMember];
    const { after, total } = fetchOnAfter(all, ({ world }) => {
      world.crashNow(KEEP_UNSYNCED);
      for (const other of all.all.slice(1)) other.snapshotAt(300);
    });
    expect(after).toBeGreaterThanOrEqual(total);
    all.pass(5_000, () => behind.execution.executedUpTo.index === 300);
    expect(behind.world.names()).toEqual(["snapshot-300.data", "snapshot-300.manifest"]);
  });
});
