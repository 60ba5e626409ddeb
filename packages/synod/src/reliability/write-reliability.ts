import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CommandFailure } from "../exit-codes.ts";
import { type ReliabilityFacts, reliabilityFacts } from "./facts.ts";
import { NOTHING_MEASURED, type ReliabilityFigures } from "./figures.ts";
import { type MeasureOptions, PARTS } from "./measure-parts.ts";
import { reliabilityPage } from "./page.ts";

const PAGE = fileURLToPath(new URL("../../../../docs/reliability.md", import.meta.url));
const FIGURES = fileURLToPath(new URL("../../../../docs/reliability.json", import.meta.url));

const USAGE = `npm run reliability -- [options]

Measures what docs/reliability.md tells, and writes it and docs/reliability.json.

  --parts <list>      of ${Object.keys(PARTS).join(", ")} (default: all)
  --protocols <list>  only these (default: all)
  --seeds <n>         lives to simulate of each protocol (default: 100)
  --jobs <n>          processes that simulate (default: one per core)
  --minutes <n>       how long real processes are tormented (default: 1)
  --page              measure nothing: write the page anew from the figures on record
`;

/** The command; resolves with its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const facts = reliabilityFacts();
    const { parts, options } = parse(args, facts);
    let figures = readFigures();
    for (const part of parts) {
      figures = (await PARTS[part]?.(figures, facts, options)) ?? figures;
      writeFileSync(FIGURES, `${JSON.stringify(figures, null, 2)}\n`);
      writeFileSync(PAGE, reliabilityPage(figures, facts));
    }
    writeFileSync(PAGE, reliabilityPage(figures, facts));
    return 0;
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    process.stderr.write(`reliability: ${error.message}\n${error.exit === "usage" ? USAGE : ""}`);
    return error.code;
  }
}

export function readFigures(): ReliabilityFigures {
  if (!existsSync(FIGURES)) return NOTHING_MEASURED;
  return JSON.parse(readFileSync(FIGURES, "utf8")) as ReliabilityFigures;
}

function parse(
  args: readonly string[],
  facts: ReliabilityFacts,
): { readonly parts: readonly string[]; readonly options: MeasureOptions } {
  const known = facts.protocols.map(({ name }) => name);
  const values = parsed(args);
  const options: MeasureOptions = {
    protocols: listOf(values.protocols, known),
    seeds: numberOf(values.seeds, 100),
    jobs: numberOf(values.jobs, availableParallelism()),
    minutes: numberOf(values.minutes, 1),
  };
  return { parts: values.page ? [] : listOf(values.parts, Object.keys(PARTS)), options };
}

function parsed(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        parts: text,
        protocols: text,
        seeds: text,
        jobs: text,
        minutes: text,
        page: { type: "boolean", default: false },
      },
    });
    return values;
  } catch (error) {
    throw new CommandFailure("usage", (error as Error).message);
  }
}

function listOf(text: string | undefined, known: readonly string[]): readonly string[] {
  const names = text === undefined ? known : text.split(",");
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new CommandFailure("usage", `there is no ${unknown}, only ${known.join(", ")}`);
  return names;
}

function numberOf(text: string | undefined, usual: number): number {
  const value = text === undefined ? usual : Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new CommandFailure("usage", `${text} is no whole number from 1`);
}
