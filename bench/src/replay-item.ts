import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchFolder } from "./bench-folder.ts";
import { judge } from "./floors.ts";
import { freePorts } from "./free-ports.ts";
import type { ReplayMessage } from "./replay-worker.ts";
import type { Item, Report, RunOptions } from "./report.ts";
import { showSpread, spread } from "./statistics.ts";

const WORKER = fileURLToPath(new URL("./replay-worker.js", import.meta.url));
const MB = 1_000_000;

/** From the start of a process on a full journal until all of it is executed. */
export const replay: Item = {
  name: "replay",
  summary: "restart on a journal of 1,000,000 commands of 256 bytes, without a snapshot",
  run: async (options: RunOptions): Promise<Report> => {
    const commands = options.quick ? 20_000 : 1_000_000;
    const folder = mkdtempSync(join(benchFolder(), "synod-replay-"));
    try {
      return await measure(folder, commands, options);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(folder: string, commands: number, options: RunOptions): Promise<Report> {
  options.say(`writing ${commands} commands`);
  const written = await worker("write", folder, commands);
  if (written.kind !== "written") throw new Error("the journal was not written");
  const rates: number[] = [];
  let rssBytes = 0;
  for (let round = 1; round <= options.rounds; round += 1) {
    options.say(`replay ${round} of ${options.rounds}`);
    const replayed = await worker("replay", folder, commands);
    if (replayed.kind !== "replayed") throw new Error("nothing was replayed");
    rates.push(replayed.commands / (replayed.ms / 1_000));
    rssBytes = Math.max(rssBytes, replayed.rssBytes);
  }
  const all = spread(rates);
  const seconds = spread(rates.map((rate) => commands / rate));
  return {
    title: `Start on a journal of ${commands} commands of 256 bytes, no snapshot`,
    head: ["commands/s", "seconds", "journal MB", "resident MB", "floor"],
    rows: [
      [
        showSpread(all),
        showSpread(seconds, 2),
        (written.journalBytes / MB).toFixed(0),
        (rssBytes / MB).toFixed(0),
        judge("replay", all.median),
      ],
    ],
    figures: { "replay commands/s": all.median },
  };
}

async function worker(what: string, folder: string, commands: number): Promise<ReplayMessage> {
  const [port] = await freePorts(1);
  const child = fork(WORKER, [what, join(folder, "node"), `${commands}`, `${port}`]);
  let told: ReplayMessage | null = null;
  child.on("message", (message: ReplayMessage) => {
    told = message;
  });
  const code = await new Promise((resolve) => child.on("exit", resolve));
  if (told === null) throw new Error(`${what}: exit code ${code}`);
  return told;
}
