import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandFailure } from "../exit-codes.ts";
import type { SweepFigures } from "../sim/sweep-totals.ts";
import type { SoakFigures } from "../soak/soak-figures.ts";
import type { ReliabilityFacts } from "./facts.ts";
import type { ModelFigures, MutantFigures, ReliabilityFigures } from "./figures.ts";
import { machine, measure, run, today } from "./run-command.ts";

export interface MeasureOptions {
  readonly protocols: readonly string[];
  /** Of each protocol. */
  readonly seeds: number;
  readonly jobs: number;
  /** Of the soak. */
  readonly minutes: number;
}

type Part = (
  before: ReliabilityFigures,
  facts: ReliabilityFacts,
  options: MeasureOptions,
) => Promise<ReliabilityFigures>;

/** What can be measured by itself; each gives all figures with its own renewed. */
export const PARTS: Readonly<Record<string, Part>> = {
  sim: measureSweeps,
  models: measureModels,
  mutants: measureMutants,
  histories: measureHistories,
  soak: measureSoak,
};

async function measureSweeps(
  before: ReliabilityFigures,
  facts: ReliabilityFacts,
  { protocols, seeds, jobs }: MeasureOptions,
): Promise<ReliabilityFigures> {
  const sweeps: Record<string, ReliabilityFigures["sweeps"][string]> = {};
  for (const { name } of facts.protocols) {
    const kept = before.sweeps[name];
    if (protocols.includes(name)) {
      const args = ["sim", "--protocol", name, "--seeds", `${seeds}`, "--jobs", `${jobs}`];
      // A sweep also fails on a situation that it never reached: the page tells that.
      sweeps[name] = await measure<SweepFigures>(args, ({ violations }) => violations === 0);
    } else if (kept !== undefined) sweeps[name] = kept;
  }
  return { ...before, sweeps };
}

/** Whoever counts other states than are on record has found something: nothing is written. */
async function measureModels(
  before: ReliabilityFigures,
  facts: ReliabilityFacts,
  { protocols }: MeasureOptions,
): Promise<ReliabilityFigures> {
  const models: Record<string, ReliabilityFigures["models"][string]> = {};
  const explored = facts.protocols.flatMap(({ name, models: runs }) =>
    runs.map((pinned) => ({ ...pinned, isAsked: protocols.includes(name) })),
  );
  const counted = facts.calibrations.map(({ name, states }) => {
    return { args: ["--model", name], states, transitions: null, isAsked: true };
  });
  for (const { args, states, transitions, isAsked } of [...explored, ...counted]) {
    const key = `explore ${args.join(" ")}`;
    const kept = before.models[key];
    if (!isAsked) {
      if (kept !== undefined) models[key] = kept;
      continue;
    }
    const measured = await measure<ModelFigures>(["explore", ...args]);
    const { figures } = measured;
    const isOther = transitions !== null && transitions !== figures.transitions;
    if (figures.states !== states || isOther)
      throw new CommandFailure("failure", `${key}: ${figures.states} states, ${states} on record`);
    models[key] = measured;
  }
  return { ...before, models };
}

async function measureMutants(
  before: ReliabilityFigures,
  _facts: ReliabilityFacts,
  { jobs }: MeasureOptions,
): Promise<ReliabilityFigures> {
  const args = ["sim", "--mutants", "--jobs", `${jobs}`];
  return { ...before, mutants: await measure<MutantFigures>(args) };
}

async function measureSoak(
  before: ReliabilityFigures,
  _facts: ReliabilityFacts,
  { minutes }: MeasureOptions,
): Promise<ReliabilityFigures> {
  return { ...before, soak: await measure<SoakFigures>(["soak", "--minutes", `${minutes}`]) };
}

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** Tests of the checker that try it on many histories. */
const HISTORY_TESTS = ["differential", "large-histories", "real-histories"];

interface TestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

async function measureHistories(before: ReliabilityFigures): Promise<ReliabilityFigures> {
  const command = `npm test -- ${HISTORY_TESTS.join(" ")}`;
  process.stderr.write(`${command}\n`);
  const folder = mkdtempSync(join(tmpdir(), "synod-reliability-"));
  const file = join(folder, "tests.json");
  const began = performance.now();
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const reporter = ["--reporter=json", `--outputFile=${file}`];
  const { code } = await run([vitest, "run", ...HISTORY_TESTS, ...reporter], { cwd: ROOT });
  if (code !== 0) throw new CommandFailure("failure", `${command}: exit code ${code}`);
  const seconds = (performance.now() - began) / 1000;
  const report = JSON.parse(readFileSync(file, "utf8")) as TestReport;
  rmSync(folder, { recursive: true });
  const tests = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "passed")
    .map(({ fullName }) => fullName.trim())
    .sort();
  const figures = { tests, seconds };
  return { ...before, histories: { command, on: today(), machine: machine(), figures } };
}
