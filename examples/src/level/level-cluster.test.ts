import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import {
  createLog,
  createMemoryTransport,
  formatNode,
  type LogItem,
  type ReplicatedLog,
} from "@synod/node";
import type { Configuration, Member, ReplicaStorage } from "@synod/runtime";
import { expect, onTestFinished, test } from "vitest";
import { openLevelStorage } from "./level-storage.ts";

const FIRST = [1, 2, 3];
const NEWCOMER = 4;
const ENTRY_BYTES = 20_000;

test("three nodes keep a log in it: restarts, snapshots, a member that is replaced", async () => {
  const { start, root, told } = await cluster();
  const [one, two, three] = (await Promise.all(FIRST.map(start))) as [Log, Log, Log];
  for (let n = 1; n <= 5; n += 1) await one.append(entry(n));
  await three.close();
  // More than a journal may hold: who is away can only come back by means of a snapshot.
  for (let n = 6; n <= 20; n += 1) await two.append(entry(n));
  await until(() => two.node.status().snapshotPosition.index > 10);
  const back = await start(3);
  expect(await entries(back)).toEqual(numbers(20));
  expect(told).toContain("3: state installed");

  const newcomer = await start(NEWCOMER);
  const named = () => two.node.status().membership.applicants.map(({ node }) => node);
  await until(() => named().includes(NEWCOMER));
  const members = [2, 3, NEWCOMER].map(memberOf);
  await two.node.reconfigure({ replaces: 1, members, quorums: null });
  await until(() => newcomer.node.status().voter);
  await one.close();
  expect(await two.append(entry(21))).toBe(21);
  expect(await entries(newcomer)).toEqual(numbers(21));

  await Promise.all([two, back, newcomer].map((log) => log.close()));
  const again = (await Promise.all([2, 3, NEWCOMER].map(start))) as [Log, Log, Log];
  expect(await again[2].append(entry(22))).toBe(22);
  for (const log of again) {
    expect(await entries(log)).toEqual(numbers(22));
    expect(log.node.status().configuration).toBe(2);
  }
  // Nothing is left on the disk but who the node is.
  const files = readdirSync(join(root, "2")).filter((name) => name !== "level");
  expect(files.sort()).toEqual(["identity-a", "identity-b", "lock"]);
}, 30_000);

type Log = ReplicatedLog;

interface Cluster {
  readonly root: string;
  /** Who told of what. */
  readonly told: readonly string[];
  /** Formats it first, if that is a newcomer. */
  start(id: number): Promise<Log>;
}

async function cluster(): Promise<Cluster> {
  const root = mkdtempSync(join(tmpdir(), "synod-example-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const transport = createMemoryTransport();
  const name = "0123456789abcdef0123456789abcdef";
  const configuration: Configuration = {
    number: 1,
    cluster: name,
    members: FIRST.map(memberOf),
    quorums: null,
  };
  const known = FIRST.map((node) => ({ node, dataId: dataIdOf(node), incarnation: 0, boot: 0 }));
  for (const id of FIRST) {
    const registeredPeers = known.filter(({ node }) => node !== id);
    await withStorage(join(root, `${id}`), (place) =>
      formatNode({ ...place, cluster: name, id, dataId: dataIdOf(id), registeredPeers }),
    );
  }
  await withStorage(join(root, `${NEWCOMER}`), (place) =>
    formatNode({ ...place, cluster: name, id: NEWCOMER }),
  );
  const told: string[] = [];
  const start = async (id: number): Promise<Log> => {
    const directory = join(root, `${id}`);
    const log = await createLog({
      id,
      configuration,
      directory,
      storage: await openLevelStorage(join(directory, "level")),
      protocol: omnipaxos,
      transport,
      listen: { host: "127.0.0.1", port: id },
      tuning: { journalBytesMax: 65_536, chunkBytes: 8_192 },
      protocolTuning: { retainBytes: 0 },
      observe: (event) => void told.push(`${id}: ${event}`),
    });
    onTestFinished(() => log.close());
    return log;
  };
  return { root, start, told };
}

async function withStorage(
  directory: string,
  use: (place: { directory: string; storage: ReplicaStorage }) => Promise<unknown>,
): Promise<void> {
  const storage = await openLevelStorage(join(directory, "level"));
  await use({ directory, storage });
  await new Promise<void>((resolve) => storage.close(resolve));
}

function memberOf(id: number): Member {
  return { id, address: `127.0.0.1:${id}`, zone: "", roles: [] };
}

function dataIdOf(id: number): string {
  return `${id}`.repeat(32);
}

function entry(n: number): Uint8Array {
  return new Uint8Array(ENTRY_BYTES).fill(n);
}

async function entries(log: Log): Promise<number[]> {
  const found: LogItem[] = [];
  for await (const item of log.suffix(1)) found.push(item);
  return found.map((item) => (item.kind === "entry" ? (item.entry.at(-1) ?? 0) : -1));
}

function numbers(upTo: number): number[] {
  return Array.from({ length: upTo }, (_, index) => index + 1);
}

async function until(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { timeout: 8_000, interval: 20 }).toBe(true);
}
