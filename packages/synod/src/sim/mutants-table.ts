import { spawn } from "node:child_process";
import { CommandFailure } from "../exit-codes.ts";
import { type Mutant, readMutants } from "./mutants.ts";
import { mutantArguments } from "./sweep.ts";

/** What can kill a mutant. */
const LAYERS = ["simulation", "model"] as const;

type Layer = (typeof LAYERS)[number];

/** What became of one mutant in one layer. */
interface Verdict {
  readonly killed: boolean;
  /** By what, in a few words. */
  readonly by: string;
  readonly seconds: number;
}

/**
 * Runs every seeded bug on the seeds and bounds that are known to kill it, and prints who killed
 * it, and how fast. Fails if one survives.
 */
export async function mutantsTable(): Promise<void> {
  const mutants = readMutants();
  const width = Math.max(...mutants.map(({ name }) => name.length));
  const heads = LAYERS.map((layer) => layer.padEnd(34)).join("");
  process.stdout.write(`${"row".padEnd(5)}${"mutant".padEnd(width + 2)}class       ${heads}\n`);
  const survivors: string[] = [];
  for (const mutant of mutants) {
    const verdicts: (Verdict | null)[] = [];
    for (const layer of LAYERS) verdicts.push(await judge(mutant, layer));
    if (!verdicts.some((verdict) => verdict?.killed)) survivors.push(mutant.name);
    const cells = verdicts.map((verdict) => cell(verdict).padEnd(34)).join("");
    const { row, name } = mutant;
    const left = `${(row ?? "").padEnd(5)}${name.padEnd(width + 2)}${mutant.class.padEnd(12)}`;
    process.stdout.write(`${left}${cells}`.trimEnd().concat("\n"));
  }
  const killed = mutants.length - survivors.length;
  process.stdout.write(`${killed} of ${mutants.length} mutants killed\n`);
  if (survivors.length > 0) throw new CommandFailure("failure", `alive: ${survivors.join(", ")}`);
}

function cell(verdict: Verdict | null): string {
  if (verdict === null) return "-";
  const { killed, by, seconds } = verdict;
  return `${killed ? by : "SURVIVED"}, ${seconds.toFixed(1)} s`;
}

async function judge(mutant: Mutant, layer: Layer): Promise<Verdict | null> {
  const { name, seeds, explore } = mutant;
  if (layer === "model") {
    if (explore === undefined) return null;
    const { code, seconds } = await run(name, ["explore", ...explore]);
    return { killed: code === 1, by: "counter-example", seconds };
  }
  let total = 0;
  for (const seed of seeds) {
    const { code, text, seconds } = await run(name, ["sim", "--seed", String(seed)]);
    total += seconds;
    const oracle = /VIOLATION of "([^"]+)"/.exec(text)?.[1];
    if (code === 1 && oracle !== undefined)
      return { killed: true, by: `"${oracle}", seed ${seed}`, seconds: total };
  }
  return seeds.length === 0 ? null : { killed: false, by: "", seconds: total };
}

/** Runs the command itself with the bug in it. */
function run(
  mutant: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly text: string; readonly seconds: number }> {
  const began = performance.now();
  const command = process.argv[1] ?? "";
  const child = spawn(process.execPath, [...mutantArguments(mutant), command, ...args], {
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
