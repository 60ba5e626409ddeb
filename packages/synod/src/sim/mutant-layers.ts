import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { count } from "../explore/explore-progress.ts";
import type { Mutant } from "./mutants.ts";
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
 * What can kill a mutant, the cheapest first: a directed test, the explorer, whole lives. Each runs
 * in processes of its own, with the bug in their code, and answers null when the list names nothing
 * for it to try.
 */
export const LAYERS = {
  test: byTest,
  model: byExplorer,
  simulation: bySeeds,
} as const satisfies Readonly<Record<string, Judge>>;

export type LayerName = keyof typeof LAYERS;

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const COMMAND = fileURLToPath(new URL("../../bin/synod.js", import.meta.url));
const VITEST = `${ROOT}node_modules/vitest/vitest.mjs`;

/** A file that does not even load kills nothing: the test itself must have failed. */
async function byTest({ name, test }: Mutant): Promise<Verdict | null> {
  if (test === undefined) return null;
  const pattern = `^${test.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
  const { text, seconds } = await run(
    [VITEST, "run", "--project", "unit", test.file, "-t", pattern, "--reporter=json"],
    { ...withoutVitest(), SYNOD_MUTANT: name },
  );
  const status = statusOf(text, test.name);
  const killed = status === "failed";
  const file = test.file.slice(test.file.lastIndexOf("/") + 1);
  return { killed, by: killed ? file : `${file}: ${status}`, seconds };
}

/** `passed`, `failed`, or why neither: from what vitest's JSON reporter wrote. */
function statusOf(text: string, name: string): string {
  const json = /^\{.*\}$/m.exec(text)?.[0];
  if (json === undefined) return "no report";
  const { testResults } = JSON.parse(json) as VitestReport;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  return tests.find(({ fullName }) => fullName === name)?.status ?? "no such test";
}

interface VitestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
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

async function bySeeds({ name, seeds }: Mutant): Promise<Verdict | null> {
  if (seeds.length === 0) return null;
  let seconds = 0;
  for (const seed of seeds) {
    const life = await synod(name, ["sim", "--seed", String(seed)]);
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
