import type { NodeId } from "@synod/core";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import type { Member } from "@synod/runtime";
import { describe, expect, onTestFinished, test } from "vitest";
import { CLUSTER } from "../compliance/hello.ts";
import { formatNode } from "../format-node.ts";
import { createMemoryTransport } from "../memory-transport.ts";
import { SynodError } from "../synod-error.ts";
import { temporaryDirectory } from "../testing/temporary-directory.ts";
import { ready } from "../testing/test-cluster.ts";
import { pause } from "../testing/test-peer.ts";
import { createLog, type LogItem, type ReplicatedLog } from "./replicated-log.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

/** Any ids will do, gaps and all. */
const IDS: readonly NodeId[] = [3, 700, 65_535];

interface LogCluster {
  start(id: NodeId): Promise<ReplicatedLog>;
  startAll(): Promise<ReplicatedLog[]>;
}

async function logCluster(protocol: typeof multipaxos | typeof omnipaxos): Promise<LogCluster> {
  const root = temporaryDirectory();
  const transport = createMemoryTransport();
  const members: Member[] = IDS.map((id, at) => ({
    id,
    address: `127.0.0.1:${1 + at}`,
    zone: "",
    roles: [],
  }));
  const known = IDS.map((node, at) => ({
    node,
    dataId: `${at}`.repeat(32),
    incarnation: 0,
    boot: 0,
  }));
  for (const [at, id] of IDS.entries())
    await formatNode({
      directory: `${root}/${id}`,
      cluster: CLUSTER,
      id,
      dataId: `${at}`.repeat(32),
      registeredPeers: known.filter(({ node }) => node !== id),
    });
  const start = async (id: NodeId): Promise<ReplicatedLog> => {
    const log = await createLog({
      id,
      configuration: { number: 1, cluster: CLUSTER, members, quorums: null },
      directory: `${root}/${id}`,
      protocol: protocol as typeof multipaxos,
      transport,
      tuning: { journalBytesMax: 65_536, segmentBytes: 65_536 },
    });
    onTestFinished(() => log.close());
    return log;
  };
  const startAll = async (): Promise<ReplicatedLog[]> => {
    const logs = await Promise.all(IDS.map(start));
    await Promise.all(logs.map(({ node }) => ready(node)));
    return logs;
  };
  return { start, startAll };
}

function shown(item: LogItem | null): string | null {
  if (item === null) return null;
  if (item.kind === "entry") return `${item.index}: ${text(item.entry)}`;
  if (item.kind === "trimmed") return `trimmed to ${item.upTo}`;
  return `snapshot to ${item.upTo}: ${item.parts.map(text).join(" + ")}`;
}

async function all(items: AsyncIterable<LogItem>, count = Infinity): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  for await (const item of items) {
    found.push(shown(item));
    if (found.length === count) break;
  }
  return found;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SynodError);
  expect((error as SynodError).applied).toBe("no");
  return (error as SynodError).code;
}

describe.each([[multipaxos], [omnipaxos]])("a log on $name", (protocol) => {
  test("is the same on all nodes: entries, ranges, the decided suffix", async () => {
    const { startAll } = await logCluster(protocol);
    const logs = await startAll();
    const [a, b, c] = logs as [ReplicatedLog, ReplicatedLog, ReplicatedLog];
    const indexes = await Promise.all(
      logs.flatMap((log) => [log, log, log]).map((log, n) => log.append(bytes(`entry ${n}`))),
    );
    expect([...indexes].sort((x, y) => x - y)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await b.bounds()).toEqual({ compactedUpTo: 0, last: 9, hasSnapshot: false });
    for (const [n, index] of indexes.entries())
      expect(shown(await c.read(index))).toBe(`${index}: entry ${n}`);
    expect(await a.read(10)).toBeNull();
    const whole = await all(a.suffix(1));
    expect(whole).toHaveLength(9);
    expect(await all(b.suffix(1))).toEqual(whole);
    expect(await all(c.range(3, 5))).toEqual(whole.slice(2, 5));
    expect(await all(c.range(8, 20))).toEqual(whole.slice(7));
    expect(await all(c.range(10, 20))).toEqual([]);
  });

  test("goes on for a node that was away while it was compacted, and after a restart", async () => {
    const { start, startAll } = await logCluster(protocol);
    const logs = await startAll();
    const [a, b, away] = logs as [ReplicatedLog, ReplicatedLog, ReplicatedLog];
    for (let n = 1; n <= 3; n += 1) await a.append(bytes(`${n}`));
    await away.close();
    // More than the journal keeps: the node that is away can only come back through a state.
    for (let n = 4; n <= 12; n += 1) await a.append(new Uint8Array(20_000).fill(48 + n));
    expect(await b.snapshot(10, [bytes("one"), bytes("two")])).toEqual({
      compactedUpTo: 10,
      last: 12,
      hasSnapshot: true,
    });
    await a.append(bytes("thirteen"));
    const back = await start(away.id);
    const followed = (await all(back.follow({ after: 3 }), 4)).map((item) => item?.slice(0, 26));
    const nines = (n: number) => `${n}: ${String.fromCharCode(48 + n).repeat(22)}`;
    expect(followed).toEqual(["snapshot to 10: one + two", nines(11), nines(12), "13: thirteen"]);
    await Promise.all([a, b, back].map((log) => log.close()));
    const again = await startAll();
    expect(await again[1]?.append(bytes("fourteen"))).toBe(14);
    expect(await all((again[0] as ReplicatedLog).range(13, 14))).toEqual([
      "13: thirteen",
      "14: fourteen",
    ]);
  });
});

test("a follower sees all in order, is told what was trimmed, and ends with the node", async () => {
  const { startAll } = await logCluster(multipaxos);
  const [a, b] = (await startAll()) as [ReplicatedLog, ReplicatedLog];
  const early = all(b.follow());
  for (let n = 1; n <= 5; n += 1) await a.append(bytes(`${n}`));
  expect(await all(b.follow({ after: 3 }), 2)).toEqual(["4: 4", "5: 5"]);
  const slow = b.follow();
  expect(shown((await slow.next()).value)).toBe("1: 1");
  await a.trim(3);
  await a.append(bytes("6"));
  const rest = [await slow.next(), await slow.next()].map(({ value }) => shown(value));
  expect(rest).toEqual(["trimmed to 3", "4: 4"]);
  expect(shown(await a.read(2))).toBe("trimmed to 3");
  expect(await all(a.range(1, 2))).toEqual(["trimmed to 3"]);
  const ended = new AbortController();
  const waiting = all(b.follow({ after: 6, signal: ended.signal }));
  ended.abort();
  expect(await waiting).toEqual([]);
  await all(b.follow({ after: 5 }), 1);
  await b.close();
  expect(await early).toEqual(["1: 1", "2: 2", "3: 3", "4: 4", "5: 5", "6: 6"]);
});

test("what cannot be done is refused in words, and nothing is done", async () => {
  const { startAll } = await logCluster(multipaxos);
  const [a] = (await startAll()) as [ReplicatedLog];
  for (let n = 1; n <= 3; n += 1) await a.append(bytes(`${n}`));
  expect(await codeOf(a.trim(4))).toBe("invalid");
  expect(await codeOf(a.trim(1.5))).toBe("invalid");
  expect(await codeOf(a.read(0))).toBe("invalid");
  expect(await codeOf(all(a.range(2, -1)))).toBe("invalid");
  expect(await codeOf(all(a.follow({ after: -1 })))).toBe("invalid");
  expect(await codeOf(a.snapshot(2, []))).toBe("invalid");
  expect(await codeOf(a.snapshot(4, [bytes("x")]))).toBe("invalid");
  expect(await codeOf(a.snapshot(1, [new Uint8Array(1_048_577)]))).toBe("invalid");
  expect(await codeOf(a.append(new Uint8Array(1_100_000)))).toBe("invalid");
  expect(await a.bounds()).toEqual({ compactedUpTo: 0, last: 3, hasSnapshot: false });
  await a.snapshot(2, [bytes("x")]);
  expect(await codeOf(a.snapshot(1, [bytes("late")]))).toBe("superseded");
  const others = async function* (): AsyncIterable<Uint8Array> {
    yield bytes("first");
    await a.snapshot(3, [bytes("y")]);
    await a.snapshot(3, [bytes("z")]);
    await pause(1);
    yield bytes("second");
  };
  // Snapshots that were ended take no place from one that goes on.
  expect(await a.snapshot(3, others())).toMatchObject({ compactedUpTo: 3 });
  expect(shown(await a.read(1))).toBe("snapshot to 3: first + second");
});
