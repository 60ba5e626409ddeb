import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { count } from "../explore/explore-progress.ts";
import type { FailingTest, Mutant } from "./mutants.ts";
import { mutantArguments } from "./sweep.ts";

/** What one layer of tests made of a mutant. */
export interface Verdict {
  readonly killed: boolean;
  /** By what, in a few words; or how it lived on. */
  readonly by: string;
  readonly seconds: number;
}

type Judge = (mutant: Mutant) => Promise<Verdict | null>;

/**
 * What can kill a mutant, the cheapest first: a directed test, a test of random runs, the explorer,
 * whole lives. Each runs in processes of its own, with the bug in their code, and answers null when
 * the list names nothing for it to try.
 */
export const LAYERS = {
  test: ({ name, test }) => byTest(name, test),
  random: ({ name, random }) => byTest(name, random),
  model: byExplorer,
  simulation: bySeeds,
} as const satisfies Readonly<Record<string, Judge>>;

export type LayerName = keyof typeof LAYERS;

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const COMMAND = fileURLToPath(new URL("../../bin/synod.js", import.meta.url));
const VITEST = `${ROOT}node_modules/vitest/vitest.mjs`;
const BATCH_CONFIG = `${ROOT}tools/mutants/batch.config.ts`;
/** A test that is given up for its time has found nothing. */
const TIMED_OUT = /Test timed out/;

/**
 * A file that does not even load kills nothing, and neither does a test that is given up for its
 * time: it must itself have found something.
 */
async function byTest(mutant: string, test: FailingTest | undefined): Promise<Verdict | null> {
  if (test === undefined) return null;
  const { name, file } = test;
  const project = file.endsWith(".sim.test.ts") ? "sim" : "unit";
  const pattern = exactly([name]);
  const { text, seconds } = await run(
    [VITEST, "run", "--project", project, file, "-t", pattern, "--reporter=json"],
    { ...withoutVitest(), SYNOD_MUTANT: mutant },
  );
  const { status, message } = resultOf(text, name);
  const killed = status === "failed";
  const seed = /\bseed (\d+)/.exec(message)?.[0];
  const by = [file.slice(file.lastIndexOf("/") + 1), killed ? seed : status];
  return { killed, by: by.filter((part) => part !== undefined).join(", "), seconds };
}

/**
 * What the directed tests of all these make of them, by the names of the bugs; in one process, for
 * most of what one such test takes is the start of the machinery.
 */
export async function testTogether(
  mutants: readonly Mutant[],
): Promise<ReadonlyMap<string, Verdict>> {
  const tests = new Map(mutants.map(({ name, test }) => [name, test?.name ?? ""]));
  const { text } = await run(
    [VITEST, "run", "--config", BATCH_CONFIG, "-t", exactly([...tests.values()])],
    { ...withoutVitest(), SYNOD_MUTANTS: [...tests.keys()].join(",") },
  );
  const verdicts = new Map<string, Verdict>();
  for (const line of text.match(/^\{.*\}$/gm) ?? []) {
    const { mutant, name, state, message, seconds } = JSON.parse(line) as BatchLine;
    // Its groups are told apart there, and are not in the list.
    if (name.replaceAll(" > ", " ") !== tests.get(mutant)?.replaceAll(" > ", " ")) continue;
    const killed = state === "failed" && !TIMED_OUT.test(message);
    verdicts.set(mutant, { killed, by: killed ? message : state, seconds });
  }
  return verdicts;
}

interface BatchLine {
  readonly mutant: string;
  readonly name: string;
  readonly state: string;
  readonly message: string;
  readonly seconds: number;
}

/** A pattern for tests of these names and no others. */
function exactly(names: readonly string[]): string {
  const literal = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return `^(${literal.join("|")})$`;
}

/** What vitest's JSON reporter wrote of this test; `status` says so when that is nothing. */
function resultOf(
  text: string,
  name: string,
): { readonly status: string; readonly message: string } {
  const json = /^\{.*\}$/m.exec(text)?.[0];
  if (json === undefined) return { status: "no report", message: "" };
  const { testResults } = JSON.parse(json) as VitestReport;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const found = tests.find(({ fullName }) => fullName === name);
  if (found === undefined) return { status: "no such test", message: "" };
  const message = found.failureMessages[0] ?? "";
  return { status: TIMED_OUT.test(message) ? "timed out" : found.status, message };
}

interface VitestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** This may run in a test itself, whose settings are not for the one that is started. */
function withoutVitest(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith("VITEST"));
  return Object.fromEntries(kept);
}

async function byExplorer({ name, explore }: Mutant): Promise<Verdict | null> {
  if (explore === undefined) return null;
  const { code, text, seconds } = await synod(name, ["explore", ...explore]);
  const states = /^(\d+) unique states, .*: a violation/m.exec(text)?.[1];
  const killed = code === 1 && states !== undefined;
  return { killed, by: killed ? `${count(Number(states))} states` : `exit code ${code}`, seconds };
}

async function bySeeds({ name, protocol = "multipaxos", seeds }: Mutant): Promise<Verdict | null> {
  if (seeds.length === 0) return null;
  let seconds = 0;
  for (const seed of seeds) {
    const life = await synod(name, ["sim", "--protocol", protocol, "--seed", String(seed)]);
    seconds += life.seconds;
    const oracle = /VIOLATION of "([^"]+)"/.exec(life.text)?.[1];
    if (life.code !== 1 || oracle === undefined)
      return { killed: false, by: `seed ${seed}`, seconds };
    if (seed === seeds.at(-1)) return { killed: true, by: `"${oracle}", seed ${seed}`, seconds };
  }
  return null;
}

/** Runs the command itself with the bug in it. */
function synod(mutant: string, args: readonly string[]): Promise<Run> {
  return run([...mutantArguments(mutant), COMMAND, ...args], process.env);
}

interface Run {
  readonly code: number | null;
  readonly text: string;
  readonly seconds: number;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => {
      text += data.toString();
    });
  return new Promise((resolve) => {
    child.on("close", (code) =>
      resolve({ code, text, seconds: (performance.now() - began) / 1000 }),
    );
  });
}
