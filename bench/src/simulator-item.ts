import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Item, Report, RunOptions } from "./report.ts";
import { showSpread, spread } from "./statistics.ts";

const SYNOD = fileURLToPath(new URL("../../packages/synod/bin/synod.js", import.meta.url));
/** Enough that what the compiler of Node does at first is a small part. */
const SEEDS = 60;
const SEEDS_QUICK = 6;

/** Part of what `synod sim --json` prints. */
interface Sweep {
  readonly seeds: number;
  readonly nodeHours: number;
  readonly events: number;
  readonly seconds: number;
}

/** How fast virtual time passes: whole lives with their faults and oracles, in one process. */
export const simulator: Item = {
  name: "simulator",
  summary: "simulated node-hours per core-minute, and simulator events per second",
  run: async ({ rounds, quick, say }: RunOptions): Promise<Report> => {
    const seeds = quick ? SEEDS_QUICK : SEEDS;
    const sweeps: Sweep[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      say(`sweep ${round} of ${rounds}`);
      sweeps.push(await sweep(seeds));
    }
    const hours = spread(sweeps.map(({ nodeHours, seconds }) => nodeHours / (seconds / 60)));
    const events = spread(sweeps.map((one) => one.events / one.seconds));
    const seedSeconds = spread(sweeps.map((one) => one.seconds / one.seeds));
    return {
      title: `${seeds} seeds of the simulator, one process`,
      head: ["node-hours/core-minute", "events/s", "seconds/seed"],
      rows: [[showSpread(hours, 2), showSpread(events), showSpread(seedSeconds, 2)]],
      figures: {
        "simulator node-hours/core-minute": hours.median,
        "simulator events/s": events.median,
      },
    };
  },
};

function sweep(seeds: number): Promise<Sweep> {
  const words = [SYNOD, "sim", "--seeds", `${seeds}`, "--jobs", "1", "--json"];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  const end = (): void => void child.kill();
  process.once("exit", end);
  let told = "";
  let complaint = "";
  child.stdout.on("data", (chunk) => {
    told += chunk;
  });
  child.stderr.on("data", (chunk) => {
    complaint += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code) => {
      process.off("exit", end);
      if (code === 0) resolve(JSON.parse(told) as Sweep);
      else reject(new Error(`synod sim ended with ${code}: ${complaint.trim()}`));
    });
  });
}
