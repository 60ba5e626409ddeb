import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type Regression, readRegression, runSeed, type SeedReport } from "@synod/simulator";
import type { Command } from "commander";
import { CommandFailure } from "../exit-codes.ts";
import { recordLife } from "../show/record-life.ts";
import { replayPage } from "../show/replay-page.ts";
import { violationText } from "./sim-text.ts";
import { currentMutant, mutantArguments } from "./sweep.ts";
import { SYSTEMS, type SystemName } from "./systems.ts";

interface ReplayOptions {
  readonly brief: boolean;
  readonly fixed: boolean;
  readonly html?: string;
}

/** `synod replay FILE`: tells the life in a regression file, step by step. */
export function addReplayCommand(program: Command): void {
  program
    .command("replay")
    .description("Tell the life in a regression file step by step; exit code 1 if it is violated.")
    .argument("<file>", "what synod sim --shrink has written")
    .option("--brief", "leave out what the nodes say to each other", false)
    .option("--fixed", "without the seeded bug that the file names", false)
    .option("--html <file>", "draw it on a page for browsers instead of telling it")
    .action((file: string, options: ReplayOptions) => replay(file, options));
}

async function replay(file: string, options: ReplayOptions): Promise<void> {
  const regression = readFile(file);
  const { mutant, protocol, life, oracle } = regression;
  if (!Object.hasOwn(SYSTEMS, protocol))
    throw new CommandFailure("usage", `${file}: there is no protocol ${protocol}`);
  if (mutant !== null && !options.fixed && currentMutant() !== mutant) return respawn(mutant);
  const lines = [`the ${protocol} life of seed ${life.seed}, in which "${oracle}" accused`];
  if (mutant !== null) lines.push(`with${options.fixed ? "out" : ""} the seeded bug ${mutant}`);
  process.stdout.write(`${lines.join("\n")}\n`);
  const report =
    options.html === undefined
      ? runSeed(SYSTEMS[protocol as SystemName], life.seed, {
          life,
          story: tell,
          messages: !options.brief,
        })
      : draw(regression, options.html, lines);
  if (report.violation !== null) throw new CommandFailure("failure", violationText(report));
  process.stdout.write("no violation\n");
}

/** Writes the page, and says where it is. */
function draw(regression: Regression, file: string, lines: readonly string[]): SeedReport {
  const { report, record } = recordLife(regression, lines);
  try {
    writeFileSync(file, replayPage(record));
  } catch (error) {
    throw new CommandFailure("usage", `${file}: ${(error as Error).message}`);
  }
  const { messages, marks } = record;
  process.stdout.write(`${file}: ${messages.length} messages and ${marks.length} other events\n`);
  return report;
}

export function tell(atMs: number, text: string): void {
  process.stdout.write(`${(atMs / 1000).toFixed(4).padStart(9)}  ${text}\n`);
}

function readFile(file: string): Regression {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandFailure("usage", `${file}: ${(error as Error).message}`);
  }
  const read = readRegression(text);
  if ("life" in read) return read;
  throw new CommandFailure("usage", `${file}:${read.line}: expected ${read.expected}`);
}

/** A bug is put into code while that is loaded: it takes a new process. */
function respawn(mutant: string): Promise<void> {
  const child = spawn(process.execPath, [...mutantArguments(mutant), ...process.argv.slice(1)], {
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new CommandFailure("failure", `with ${mutant}: see above`));
    });
  });
}
