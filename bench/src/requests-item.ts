import { type BareCluster, startBareCluster } from "./bare/bare-cluster.ts";
import { BenchCluster } from "./cluster.ts";
import { judge } from "./floors.ts";
import type { Load, LoadResult } from "./load.ts";
import { cpuSeconds } from "./process-cpu.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { startLoad, USUAL_LOAD } from "./run-load.ts";
import { showSpread, spread } from "./statistics.ts";

interface Case {
  readonly name: string;
  readonly method: Load["method"];
  readonly connections: number;
  /** `bare`: not at Synod, but at what the machine can do at all. */
  readonly at: "all" | "leader" | "follower" | "bare";
}

interface Run extends LoadResult {
  /** CPU seconds per second of each server. */
  readonly serverCores: readonly number[];
}

/** Durable PUTs and linearizable GETs over HTTP on three real processes. */
export const puts: Item = {
  name: "puts",
  summary: "durable PUTs of 256 bytes over HTTP, three processes",
  run: (options) => measure("PUT", options),
};

export const gets: Item = {
  name: "gets",
  summary: "linearizable GETs of 256 bytes over HTTP, three processes",
  run: (options) => measure("GET", options),
};

const BARE = "bare skeleton";

function casesOf(method: Load["method"]): Case[] {
  const word = method.toLowerCase();
  const bare = (connections: number): Case[] =>
    method === "GET"
      ? []
      : [{ name: `${BARE} ${word} c=${connections}`, method, connections, at: "bare" }];
  return [
    ...bare(1),
    { name: `${word} c=1 leader`, method, connections: 1, at: "leader" },
    { name: `${word} c=1 follower`, method, connections: 1, at: "follower" },
    ...bare(64),
    { name: `${word} c=64`, method, connections: 64, at: "all" },
    ...bare(256),
    { name: `${word} c=256`, method, connections: 256, at: "all" },
  ];
}

async function measure(method: Load["method"], options: RunOptions): Promise<Report> {
  const cases = casesOf(method);
  const runs = new Map<Case, Run[]>(cases.map((one) => [one, []]));
  const cluster = await BenchCluster.start();
  const bare = await startBareCluster();
  try {
    if (method === "GET") await fill(cluster);
    if (!options.quick) await warmUp(method, cluster, bare, options);
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const one of cases) {
        options.say(`${one.name}, round ${round} of ${options.rounds}`);
        const place = one.at === "bare" ? placeOfBare(bare) : await placeOf(cluster, one);
        runs.get(one)?.push(await runCase(place, one, options.quick));
      }
    }
  } finally {
    await cluster.stop();
    await bare.stop();
  }
  return report(method, runs);
}

/**
 * Until the engine has compiled what a server runs all the time: measured in its first seconds, a
 * server of more code looks worse than it is.
 */
const WARM_UP_MS = 20_000;

async function warmUp(
  method: Load["method"],
  cluster: BenchCluster,
  bare: BareCluster,
  { say }: RunOptions,
): Promise<void> {
  const load = { ...USUAL_LOAD, method, keys: keysOf(method), warmUpMs: 0, measureMs: WARM_UP_MS };
  say(`warm-up, ${WARM_UP_MS / 1_000} s each`);
  await startLoad({ ...load, targets: cluster.nodes.map((node) => node.http) }).result;
  if (method === "PUT") await startLoad({ ...load, targets: [bare.http] }).result;
}

const GET_KEYS = 10_000;

/** Those that are read have been written before. */
function keysOf(method: Load["method"]): number {
  return method === "GET" ? GET_KEYS : USUAL_LOAD.keys;
}

async function fill(cluster: BenchCluster): Promise<void> {
  const targets = cluster.nodes.map((node) => node.http);
  const order = { inOrder: true, keys: GET_KEYS, requests: GET_KEYS, warmUpMs: 0 };
  await startLoad({ ...USUAL_LOAD, targets, ...order }).result;
}

/** Where the requests of a case go, and whose CPU time they cost. */
interface Place {
  readonly targets: Load["targets"];
  readonly processes: readonly { readonly pid?: number | undefined }[];
}

function placeOfBare({ http, processes }: BareCluster): Place {
  return { targets: [http], processes };
}

async function placeOf(cluster: BenchCluster, { at }: Case): Promise<Place> {
  const leader = await cluster.leader();
  const nodes = cluster.nodes.filter(
    ({ id }) => at === "all" || (id === leader) === (at === "leader"),
  );
  const targets = (at === "all" ? nodes : nodes.slice(0, 1)).map((node) => node.http);
  return { targets, processes: cluster.nodes.map((node) => node.process) };
}

async function runCase(place: Place, one: Case, quick: boolean): Promise<Run> {
  const { targets, processes } = place;
  const { method, connections } = one;
  const times = quick ? { warmUpMs: 300, measureMs: 700 } : { warmUpMs: 2_000, measureMs: 5_000 };
  const keys = keysOf(method);
  const cpu = (): number[] => processes.map(({ pid }) => cpuSeconds(pid ?? 0));
  let before = cpu();
  const running = startLoad(
    { ...USUAL_LOAD, ...times, targets, method, connections, keys },
    { measuring: () => (before = cpu()) },
  );
  const result = await running.result;
  const serverCores = cpu().map((after, id) => (after - (before[id] ?? 0)) / result.seconds);
  return { ...result, serverCores };
}

function report(method: string, runs: ReadonlyMap<Case, readonly Run[]>): Report {
  const rows: string[][] = [];
  const figures: Record<string, number> = {};
  for (const [{ name, connections }, of] of runs) {
    const rate = spread(of.map(({ done, seconds }) => done / seconds));
    const p50 = spread(of.map((run) => run.p50Ms));
    const p99 = spread(of.map((run) => run.p99Ms));
    const servers = spread(of.map((run) => sum(run.serverCores)));
    const perOp = spread(of.map((run) => (sum(run.serverCores) * run.seconds * 1e6) / run.done));
    figures[`${name} ops/s`] = rate.median;
    figures[`${name} p50 ms`] = p50.median;
    figures[`${name} p99 ms`] = p99.median;
    figures[`${name} CPU µs/op`] = perOp.median;
    const failures = of.reduce((all, run) => all + run.failures, 0);
    rows.push([
      name,
      showSpread(rate),
      showSpread(p50, 2),
      showSpread(p99, 2),
      showSpread(servers, 2),
      showSpread(spread(of.map((run) => run.cores)), 2),
      showSpread(perOp),
      `${failures}`,
      judge(name, connections === 1 ? p50.median : rate.median),
    ]);
  }
  const title =
    method === "PUT"
      ? "Durable PUTs of 256 bytes over HTTP, three processes"
      : "Linearizable GETs of 256 bytes over HTTP, three processes";
  const head = [
    "case",
    "ops/s",
    "p50 ms",
    "p99 ms",
    "servers' cores",
    "generator's",
    "CPU µs/op",
    "failed",
    "floor",
  ];
  return { title, head, rows, figures };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
