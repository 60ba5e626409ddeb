import { setTimeout as sleep } from "node:timers/promises";
import { BenchCluster } from "./cluster.ts";
import { judge } from "./floors.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { startLoad, USUAL_LOAD } from "./run-load.ts";
import { showSpread, spread } from "./statistics.ts";

/** From `kill -9` of the leader to the first write that was sent after it and acknowledged. */
export const failOver: Item = {
  name: "fail-over",
  summary: "kill -9 of the leader under load, until the next acknowledged write",
  run: async (options: RunOptions): Promise<Report> => {
    const times: number[] = [];
    const kills = options.quick ? 1 : 5;
    const cluster = await BenchCluster.start();
    try {
      for (let kill = 1; kill <= kills; kill += 1) {
        options.say(`kill ${kill} of ${kills}`);
        times.push(await killLeader(cluster));
      }
    } finally {
      await cluster.stop();
    }
    const all = spread(times);
    const rows = [
      [showSpread(all), times.map((ms) => ms.toFixed(0)).join(", "), judge("fail-over", all.max)],
    ];
    const head = ["ms until the next write", "each", "floor (worst)"];
    const title = "A killed leader replaced, under 64 outstanding writes at the others";
    return {
      title,
      head,
      rows,
      figures: { "fail-over ms median": all.median, "fail-over ms max": all.max },
    };
  },
};

async function killLeader(cluster: BenchCluster): Promise<number> {
  const leader = await cluster.leader();
  const targets = cluster.nodes.filter(({ id }) => id !== leader).map((node) => node.http);
  const load = startLoad({ ...USUAL_LOAD, targets, warmUpMs: 0 });
  await sleep(1_000);
  const at = Date.now();
  const first = load.firstAfter(at);
  await cluster.kill(leader);
  const killed = Date.now();
  const ms = (await first) - killed;
  load.end();
  await load.result;
  cluster.restart(leader);
  await cluster.ready();
  await sleep(500);
  return Math.max(0, ms);
}
