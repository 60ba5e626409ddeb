import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import {
  countEvents,
  describeFault,
  lifeOf,
  probesOf,
  runSeed,
  type SeedReport,
  shrink,
  writeRegression,
} from "@synod/simulator";
import { type Command, Option } from "commander";
import { CommandFailure } from "../exit-codes.ts";
import { wholeNumber } from "../options.ts";
import { mutantsTable } from "./mutants-table.ts";
import { ProbeTotals } from "./probe-totals.ts";
import { tell } from "./replay-command.ts";
import { runScenario } from "./scenario/scenario-command.ts";
import { SCENARIO_NAMES, type ScenarioName } from "./scenario/scenarios.ts";
import { createProgress } from "./sim-progress.ts";
import { replayCommand, seedLine, violationText } from "./sim-text.ts";
import { currentMutant, mutantArguments, sweep } from "./sweep.ts";
import { SweepTotals } from "./sweep-totals.ts";
import { SYSTEMS, type SystemName } from "./systems.ts";

const SEED_MAX = 999_999_999;

interface SimOptions {
  readonly protocol: SystemName;
  readonly seed?: number;
  readonly seeds?: number;
  readonly from: number;
  readonly jobs: number;
  readonly verbose: boolean;
  readonly shrink: boolean;
  readonly out?: string;
  readonly canary: boolean;
  readonly keepGoing: boolean;
  readonly mutant?: string;
  readonly mutants: boolean;
  readonly scenario?: ScenarioName;
  readonly probes: boolean;
  readonly json: boolean;
}

/** `synod sim`: whole cluster lives from seeds, with every fault, judged by oracles. */
export function addSimCommand(program: Command): void {
  program
    .command("sim")
    .summary("simulate cluster lives full of faults")
    .description("Simulate cluster lives full of faults, each from one seed, and judge them.")
    .addOption(
      new Option("--protocol <name>", "what to simulate")
        .choices(Object.keys(SYSTEMS))
        .default("multipaxos"),
    )
    .option("--seed <n>", "replay this one seed", wholeNumber(0, SEED_MAX))
    .option("--seeds <n>", "sweep over this many seeds (default 100)", wholeNumber(1, SEED_MAX))
    .option("--from <n>", "first seed of the sweep", wholeNumber(0, SEED_MAX), 1)
    .addOption(
      new Option("--jobs <n>", "processes")
        .argParser(wholeNumber(1, 64))
        .default(availableParallelism(), "one per core"),
    )
    .option("--verbose", "tell the story of the seed", false)
    .option("--shrink", "look for a shorter life with the same violation", false)
    .option("--out <file>", "where --shrink writes that life (default seed-<n>.txt)")
    .option("--keep-going", "do not stop at the first violation", false)
    .option("--canary", "plant a violation in every seed: it must be reported", false)
    .option("--probes", "list in how many seeds each situation occurred", false)
    .option("--json", "end a sweep, or --mutants, with one line of JSON instead of words", false)
    .option("--mutant <name>", "run with a seeded bug of tools/mutants")
    .option("--mutants", "who kills each seeded bug (or that of --mutant), and how fast", false)
    .addOption(
      new Option("--scenario <name>", "play a scenario of partial connectivity instead").choices(
        SCENARIO_NAMES,
      ),
    )
    .action((options: SimOptions) => runSim(options));
}

async function runSim(options: SimOptions): Promise<void> {
  if (options.mutants) return mutantsTable(options);
  if (options.scenario !== undefined)
    return runScenario(options.protocol, options.scenario, options.seed ?? 1);
  if (options.seed === undefined) return sweepSeeds(options);
  if (options.seeds !== undefined)
    throw new CommandFailure("usage", "--seed replays one seed, --seeds sweeps: give one of them");
  if (options.mutant !== undefined) return replayMutant(options.mutant);
  const report = runSeed(SYSTEMS[options.protocol], options.seed, {
    canary: options.canary,
    ...(options.verbose ? { story: tell } : {}),
  });
  process.stdout.write(`${seedLine(report)}\n`);
  if (report.violation === null) return;
  if (options.shrink) shrinkSeed(options, report);
  throw new CommandFailure("failure", violationText(report));
}

/** Longest search for a shorter life, ms. */
const SHRINK_MS = 280_000;

/** Leaves everything out of a failing life that it does not need, tells the rest and keeps it. */
function shrinkSeed(options: SimOptions, report: SeedReport): void {
  const { protocol } = options;
  const oracle = report.violation?.oracle ?? "";
  const until = performance.now() + SHRINK_MS;
  const shrunk = shrink(SYSTEMS[protocol], lifeOf(SYSTEMS[protocol], report.seed), oracle, {
    mayGoOn: () => performance.now() < until,
  });
  const { life, report: last, runs } = shrunk;
  const says = last.violation?.message ?? "";
  const file = options.out ?? `seed-${report.seed}.txt`;
  const mutant = currentMutant();
  writeFileSync(file, writeRegression({ protocol, mutant, oracle, says, life }));
  for (const fault of life.faults) tell(fault.atMs, describeFault(fault));
  process.stdout.write(
    `${violationText(last)}\n${countEvents(life)} faults and operations are left after ${runs} ` +
      `lives: npm run synod -- replay ${file}\n`,
  );
}

async function sweepSeeds(options: SimOptions): Promise<void> {
  const { protocol, from, jobs, canary, mutant = null } = options;
  const count = options.seeds ?? 100;
  const failures: SeedReport[] = [];
  const progress = createProgress(process.stderr, count);
  const probes = new ProbeTotals(probesOf(SYSTEMS[protocol]));
  const totals = new SweepTotals();
  const began = performance.now();
  await sweep({
    protocol,
    from,
    count,
    jobs,
    canary,
    mutant,
    stopAtFirst: !options.keepGoing,
    onReport: (report) => {
      progress.add(report);
      probes.add(report);
      totals.add(report);
      if (report.violation === null) return;
      failures.push(report);
      progress.say(`${violationText(report)}\n  replay: ${replayCommand(report.seed, options)}`);
    },
  });
  const words = [progress.summary()];
  if (failures.length === 0 || options.keepGoing) words.push(probes.summary());
  if (options.probes) words.push(probes.table());
  const seconds = (performance.now() - began) / 1000;
  const figures = totals.figures({ protocol, seconds, jobs }, probes);
  process.stdout.write(`${options.json ? JSON.stringify(figures) : words.join("\n")}\n`);
  if (failures.length > 0)
    throw new CommandFailure("failure", `${failures.length} of the seeds had a violation`);
  if (probes.counts && probes.missing.length > 0)
    throw new CommandFailure("failure", "some situations were never reached: see above");
}

/** A bug is put into code while that is loaded: it takes a new process. */
function replayMutant(mutant: string): Promise<void> {
  const given = process.argv.slice(1).filter((word, at, words) => {
    const isName = words[at - 1] === "--mutant";
    return word !== "--mutant" && !isName && !word.startsWith("--mutant=");
  });
  const child = spawn(process.execPath, [...mutantArguments(mutant), ...given], {
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new CommandFailure("failure", `with ${mutant}: see above`));
    });
  });
}
