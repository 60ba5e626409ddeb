import { setTimeout as sleep } from "node:timers/promises";
import { BenchCluster } from "./cluster.ts";
import { judge } from "./floors.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { startLoad, USUAL_LOAD } from "./run-load.ts";

const SNAPSHOT_WAIT_MS = 60_000;

/** A snapshot is written while requests go on: how long is nothing else answered? */
export const stall: Item = {
  name: "stall",
  summary: "longest event-loop stall while a snapshot of 300,000 keys is written",
  run: async (options: RunOptions): Promise<Report> => {
    const keys = options.quick ? 20_000 : 300_000;
    const cluster = await BenchCluster.start();
    try {
      options.say(`writing ${keys} keys`);
      const targets = cluster.nodes.map((node) => node.http);
      const fill = { ...USUAL_LOAD, targets, keys, inOrder: true, requests: keys, warmUpMs: 0 };
      await startLoad({ ...fill, connections: 256 }).result;
      await sleep(2_000);
      return await measure(cluster, keys, options);
    } finally {
      await cluster.stop();
    }
  },
};

/** Light load until every node has written a snapshot; the same load without one, to compare. */
async function measure(cluster: BenchCluster, keys: number, options: RunOptions): Promise<Report> {
  const targets = cluster.nodes.map((node) => node.http);
  const before = await snapshots(cluster);
  cluster.resetProbes();
  const load = startLoad({ ...USUAL_LOAD, targets, keys, connections: 16, warmUpMs: 0 });
  const end = Date.now() + (options.quick ? 3_000 : SNAPSHOT_WAIT_MS);
  for (;;) {
    await sleep(100);
    const now = await snapshots(cluster);
    if (Date.now() > end || now.every((at, id) => at > (before[id] ?? 0))) break;
  }
  const wrote = (await snapshots(cluster)).every((at, id) => at > (before[id] ?? 0));
  const during = await stalls(cluster);
  cluster.resetProbes();
  await sleep(options.quick ? 500 : 5_000);
  const after = await stalls(cluster);
  load.end();
  await load.result;
  const show = (values: readonly number[]): string[] => values.map((ms) => ms.toFixed(1));
  const worst = Math.max(...during);
  return {
    title: `Longest event-loop stall of each node with ${keys} keys, 16 outstanding writes`,
    head: ["ms", "node 0", "node 1", "node 2", "floor (worst)"],
    rows: [
      [
        wrote ? "while a snapshot is written" : "no snapshot came",
        ...show(during),
        judge("stall", worst),
      ],
      ["without a snapshot", ...show(after), ""],
    ],
    figures: { "stall ms": worst, "stall without snapshot ms": Math.max(...after) },
  };
}

async function snapshots(cluster: BenchCluster): Promise<number[]> {
  const all = await Promise.all(cluster.nodes.map(({ id }) => cluster.status(id)));
  return all.map((status) => status?.snapshotUpTo ?? 0);
}

async function stalls(cluster: BenchCluster): Promise<number[]> {
  const all = await Promise.all(cluster.nodes.map(({ id }) => cluster.probe(id)));
  return all.map((probe) => probe.longestStallMs);
}
