import { readFileSync } from "node:fs";
import type { SoakCluster } from "./soak-cluster.ts";
import type { Trend } from "./soak-figures.ts";

/** The largest of all nodes at one moment, bytes. */
export interface Sample {
  readonly atMs: number;
  /** Null: this system does not tell, or no node runs at the moment. */
  readonly memory: number | null;
  readonly disk: number;
}

const EVERY_MS = 1_000;
const PAGE_BYTES = 4_096;
/** Fewer samples say nothing about a trend. */
const SAMPLES_MIN = 40;
/** How far the second half may exceed the first: by a quarter, and by this for what is random. */
const SLACK_BYTES = 32 * 1_048_576;
const GROWTH_MAX = 1.25;

export const BOUND_TEXT = "a quarter and 32 MiB above the first half";

/** Looks at memory and disk of all nodes every second, until it is stopped. */
export function startSampling(cluster: SoakCluster): {
  readonly samples: readonly Sample[];
  stop(): void;
} {
  const samples: Sample[] = [];
  const began = performance.now();
  const timer = setInterval(() => {
    const memories = cluster.nodes.flatMap(({ pid }) => residentBytes(pid) ?? []);
    samples.push({
      atMs: performance.now() - began,
      memory: memories.length === 0 ? null : Math.max(...memories),
      disk: Math.max(...cluster.nodes.map(({ id }) => cluster.diskBytes(id))),
    });
  }, EVERY_MS);
  return { samples, stop: () => clearInterval(timer) };
}

/** Null where there is no /proc, or no such process. */
function residentBytes(pid: number): number | null {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]);
    return pid === 0 ? null : pages * PAGE_BYTES;
  } catch {
    return null;
  }
}

/** Whether what grew at first has stopped growing. */
export function trendOf(values: readonly (number | null)[]): Trend {
  const half = Math.floor(values.length / 2);
  const firstHalf = most(values.slice(0, half));
  const secondHalf = most(values.slice(half));
  if (firstHalf === null || secondHalf === null || values.length < SAMPLES_MIN)
    return { firstHalf, secondHalf, flat: null };
  return { firstHalf, secondHalf, flat: secondHalf <= GROWTH_MAX * firstHalf + SLACK_BYTES };
}

function most(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

const ROWS_MAX = 12;
const MIB = 1_048_576;

/** Some lines over the whole time: the largest of each stretch. */
export function sampleTable(samples: readonly Sample[]): string {
  const size = (bytes: number | null): string =>
    (bytes === null ? "-" : (bytes / MIB).toFixed(0)).padStart(13);
  const lines = [" until s   memory, MiB     disk, MiB"];
  const stretch = Math.max(1, Math.ceil(samples.length / ROWS_MAX));
  for (let at = 0; at < samples.length; at += stretch) {
    const part = samples.slice(at, at + stretch);
    const seconds = ((part.at(-1)?.atMs ?? 0) / 1000).toFixed(0).padStart(8);
    const memory = most(part.map((sample) => sample.memory));
    lines.push(`${seconds} ${size(memory)} ${size(most(part.map((sample) => sample.disk)))}`);
  }
  return lines.join("\n");
}
