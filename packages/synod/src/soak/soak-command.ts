import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DEFAULT_SERVER_PROTOCOL, type ServerProtocolName } from "@synod/server";
import { type Command, InvalidArgumentError } from "commander";
import { CommandFailure } from "../exit-codes.ts";
import { wholeNumber } from "../options.ts";
import { protocolOption } from "../protocol-option.ts";
import { createStatusLine } from "../status-line.ts";
import { BOUND_TEXT, sampleTable } from "./samples.ts";
import { soak } from "./soak.ts";
import { LOST_DISK, SOAK_FAULTS } from "./soak-faults.ts";
import type { SoakFigures, Trend } from "./soak-figures.ts";

const MINUTE_MS = 60_000;
const WRITES_MAX = 999_999_999;
const ROUND_MS = 20_000;
const FAULT_NAMES = [...Object.keys(SOAK_FAULTS), LOST_DISK];

interface SoakCommandOptions {
  readonly minutes?: number;
  readonly writes?: number;
  readonly nodes: number;
  readonly protocol: ServerProtocolName;
  readonly seed: number;
  /** False: none; absent: all. */
  readonly faults?: false | readonly string[];
  readonly dir?: string;
  readonly json: boolean;
}

/** `synod soak`: real processes, tormented for as long as one likes. */
export function addSoakCommand(program: Command): void {
  program
    .command("soak")
    .summary("torment real processes, and check what their clients saw")
    .description(
      "Run servers as processes of their own with proxies between them, torment both, have " +
        "clients write and read everywhere, check what they saw, and watch memory and disks.",
    )
    .option("--minutes <n>", "how long (default: 10, or until --writes)", minutes)
    .option("--writes <n>", "end after so many writes", wholeNumber(1, WRITES_MAX))
    .option("--nodes <n>", "servers", wholeNumber(1, 7), 3)
    .addOption(protocolOption("what keeps their log").default(DEFAULT_SERVER_PROTOCOL))
    .option("--seed <n>", "which faults, and in which order", wholeNumber(0, WRITES_MAX), 1)
    .option("--faults <list>", `only these: ${FAULT_NAMES.join(", ")}`, faultList)
    .option("--no-faults", "let nothing go wrong")
    .option("--dir <folder>", "keeps data, logs and histories (default: a temporary folder)")
    .option("--json", "end with one line of JSON instead of a table", false)
    .addHelpText(
      "after",
      "\nExit codes: 0 all is well, 1 a violation, 2 the command line makes no sense.",
    )
    .action(soakCommand);
}

function minutes(text: string): number {
  const value = Number(text);
  if (/^\d{1,6}(\.\d+)?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError("It must be a number above 0.");
}

function faultList(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => FAULT_NAMES.includes(name))) return names;
  throw new InvalidArgumentError(`It must be a list of: ${FAULT_NAMES.join(", ")}.`);
}

async function soakCommand(options: SoakCommandOptions): Promise<void> {
  const isKept = options.dir !== undefined;
  const folder = resolve(options.dir ?? mkdtempSync(join(tmpdir(), "synod-soak-")));
  const line = createStatusLine(process.stderr);
  let isOver = false;
  process.once("SIGINT", () => {
    isOver = true;
  });
  const usualMinutes = options.writes === undefined ? 10 : Number.POSITIVE_INFINITY;
  const { samples, ...figures } = await soak({
    folder,
    nodes: options.nodes,
    protocol: options.protocol,
    seed: options.seed,
    forMs: (options.minutes ?? usualMinutes) * MINUTE_MS,
    writes: options.writes ?? Number.POSITIVE_INFINITY,
    faults: chosenFaults(options.faults),
    roundMs: ROUND_MS,
    say: line.say,
    isOver: () => isOver,
  });
  const text = options.json
    ? JSON.stringify(figures)
    : `${sampleTable(samples)}\n${words(figures)}`;
  process.stdout.write(`${text}\n`);
  if (figures.violations.length > 0)
    throw new CommandFailure("failure", `${figures.violations.length} violations: see ${folder}`);
  if (isKept) process.stdout.write(options.json ? "" : `histories are in ${folder}\n`);
  else rmSync(folder, { recursive: true, force: true });
}

function chosenFaults(faults: SoakCommandOptions["faults"]): readonly string[] {
  return faults === false ? [] : (faults ?? FAULT_NAMES);
}

function words(figures: SoakFigures): string {
  const { nodes, seconds, rounds, operations, unanswered, writes, faults, violations } = figures;
  const struck = Object.entries(faults).map(([name, times]) => `${times} ${name}`);
  return [
    `${seconds.toFixed(0)} s, ${nodes} nodes, ${writes} writes; ${rounds} histories with ` +
      `${operations} operations checked, ${unanswered} of them never answered`,
    `faults: ${struck.length === 0 ? "none" : struck.join(", ")}`,
    `memory ${trendText(figures.memory)}, disk ${trendText(figures.disk)} (at most ${BOUND_TEXT})`,
    `${violations.length} violations`,
  ].join("\n");
}

function trendText({ flat, firstHalf, secondHalf }: Trend): string {
  if (firstHalf === null || secondHalf === null) return "unknown";
  const size = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)}`;
  const verdict = flat === null ? "too short to tell" : flat ? "flat" : "GROWS";
  return `${verdict}: ${size(firstHalf)}, then ${size(secondHalf)} MiB`;
}
