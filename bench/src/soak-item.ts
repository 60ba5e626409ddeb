import { readFileSync } from "node:fs";
import { BenchCluster } from "./cluster.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { startLoad, USUAL_LOAD } from "./run-load.ts";

interface Sample {
  readonly writes: number;
  /** Of the worst of the three nodes. */
  readonly rssBytes: number;
  readonly diskBytes: number;
}

const MB = 1_000_000;
const SAMPLES = 20;

/** Memory and disk must not grow with the number of writes, only with what is stored. */
export const soak: Item = {
  name: "soak",
  summary: "resident memory and disk over 2,000,000 writes to 10,000 keys",
  run: async (options: RunOptions): Promise<Report> => {
    const writes = options.quick ? 60_000 : 2_000_000;
    const cluster = await BenchCluster.start();
    try {
      const samples = await sampled(cluster, writes, options.say);
      return report(samples, writes);
    } finally {
      await cluster.stop();
    }
  },
};

async function sampled(
  cluster: BenchCluster,
  requests: number,
  say: (line: string) => void,
): Promise<Sample[]> {
  const targets = cluster.nodes.map((node) => node.http);
  const samples: Sample[] = [];
  const sample = (writes: number): void => {
    samples.push({
      writes,
      rssBytes: Math.max(...cluster.nodes.map(({ process }) => rssBytes(process.pid ?? 0))),
      diskBytes: Math.max(...cluster.nodes.map(({ id }) => cluster.diskBytes(id))),
    });
    say(`${writes} of ${requests} writes`);
  };
  const progress = (done: number): void => {
    if (done >= ((samples.length + 1) * requests) / SAMPLES) sample(done);
  };
  const load = { ...USUAL_LOAD, connections: 256, keys: 10_000, warmUpMs: 0, requests, targets };
  const { done } = await startLoad(load, { progress }).result;
  sample(done);
  return samples;
}

/** Where there is no /proc: 0. */
function rssBytes(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]);
    return pages * 4_096;
  } catch {
    return 0;
  }
}

/** Flat: the second half never exceeds what the second quarter had already reached, by a tenth. */
export function isFlat(values: readonly number[]): boolean {
  const quarter = Math.floor(values.length / 4);
  const early = Math.max(...values.slice(quarter, 2 * quarter));
  return Math.max(...values.slice(2 * quarter)) <= 1.1 * early;
}

function report(samples: readonly Sample[], writes: number): Report {
  const rows = samples.map((sample) => [
    `${sample.writes}`,
    (sample.rssBytes / MB).toFixed(0),
    (sample.diskBytes / MB).toFixed(0),
  ]);
  const rss = samples.map((sample) => sample.rssBytes);
  const disk = samples.map((sample) => sample.diskBytes);
  const verdict = (values: readonly number[]): string => (isFlat(values) ? "flat" : "NOT FLAT");
  return {
    title: `Memory and disk of the largest of three nodes over ${writes} writes to 10,000 keys`,
    head: ["writes", "resident MB", "disk MB"],
    rows,
    notes: [
      `Memory ${verdict(rss)}, disk ${verdict(disk)} ` +
        "(second half within a tenth of the second quarter).",
    ],
    figures: {
      "soak max rss MB": Math.max(...rss) / MB,
      "soak max disk MB": Math.max(...disk) / MB,
    },
  };
}
