import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../program.ts";
import { reliabilityFacts } from "./facts.ts";
import { NOTHING_MEASURED } from "./figures.ts";
import { PARTS } from "./measure-parts.ts";
import { isKilled } from "./mutants-section.ts";
import { reliabilityPage } from "./page.ts";
import { main, readFigures } from "./write-reliability.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

const page = readFileSync(`${ROOT}docs/reliability.md`, "utf8");
const facts = reliabilityFacts();
const figures = readFigures();

// After a change of the code that the page speaks of: npm run reliability -- --page, or
// npm test -- --project unit reliability-document -u
test("docs/reliability.md is what the figures on record and the code make of it", async () => {
  const expected = reliabilityPage(figures, facts);
  await expect(expected).toMatchFileSnapshot(`${ROOT}docs/reliability.md`);
});

describe("the figures on record", () => {
  test("tell of no violation", () => {
    for (const sweep of Object.values(figures.sweeps)) expect(sweep.figures.violations).toBe(0);
    expect(figures.soak?.figures.violations ?? []).toEqual([]);
    expect(figures.mutants?.figures.mutants.filter((fate) => !isKilled(fate)) ?? []).toEqual([]);
  });

  test("speak of state spaces and bugs as the code does", () => {
    for (const { models } of facts.protocols)
      for (const { args, states, transitions } of models) {
        const measured = figures.models[`explore ${args.join(" ")}`];
        if (measured !== undefined) expect(measured.figures).toMatchObject({ states, transitions });
      }
  });
});

/** Parses a command line and runs nothing; throws if it makes no sense. */
async function accept(words: readonly string[]): Promise<void> {
  const program = await createProgram();
  const quiet = (command: Command): void => {
    command.configureOutput({ writeErr: () => {}, outputError: () => {} }).exitOverride();
    command.action(() => {});
  };
  for (const command of program.commands) quiet(command);
  program.parse([...words], { from: "user" });
}

describe("the commands quoted", () => {
  const quoted = new Set(
    [...page.matchAll(/`((?:npm|npx|synod) [^`]*)`/g)].map(([, text]) => text),
  );
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));

  test.each([...quoted])("%s is accepted", async (text) => {
    const [, script = "", given = ""] =
      /^npm (?:run )?([a-z]+)(?: -- (.*))?$/.exec(text ?? "") ?? [];
    expect(Object.keys(scripts)).toContain(script);
    const words = given.split(" ").filter((word) => word !== "");
    if (script === "synod") await accept(words);
  });

  test("are not accepted when they make no sense", async () => {
    for (const text of ["sim --sedes 3", "explore --model nonesuch", "sim --protocol nonesuch"])
      await expect(accept(text.split(" ")), text).rejects.toThrow();
  });
});

describe("the page", () => {
  const shown = reliabilityPage(NOTHING_MEASURED, facts);

  test("names what the code has, before anything is measured", () => {
    for (const { name, probes, models } of facts.protocols) {
      const section = shown.split(`## ${name}\n`)[1]?.split("\n## ")[0] ?? "";
      expect(section).toContain(`(probes): ${probes.length}, reached: 0.`);
      for (const { args } of models) expect(section).toContain(args.join(" "));
      for (const probe of probes.filter((each) => each.name.startsWith("fault: ")))
        expect(section).toContain(`| ${probe.name} | not measured yet |`);
    }
    expect(shown.match(/^\| `[^`]+` \|.*not measured yet/gm)).toHaveLength(
      facts.mutants.length + facts.calibrations.length,
    );
  });

  test("tells what has not been reached, and who survives", () => {
    const [protocol] = facts.protocols;
    const [mutant] = facts.mutants;
    const measured = { command: "npm run synod -- sim", on: "2026-01-02", machine: "2 cores" };
    const sum = { protocol: "", seeds: 3, violations: 0, nodeHours: 1.25, events: 1_234_567 };
    const struck = { operations: 1, faults: 2, crashes: 3, forks: 4, seconds: 30, jobs: 2 };
    const probes = {
      "fault: disk wiped": { seeds: 2, times: 1_500 },
      "fault: full disk": { seeds: 0, times: 0 },
    };
    const sweep = { ...measured, figures: { ...sum, ...struck, probes, missing: [] } };
    const layers = { model: null, simulation: { killed: false, by: "seed 3", seconds: 1 } };
    const fate = { name: mutant?.name ?? "", layers };
    const text = reliabilityPage(
      {
        ...NOTHING_MEASURED,
        sweeps: { [protocol?.name ?? ""]: sweep },
        mutants: { ...measured, figures: { mutants: [fate], seconds: 1, jobs: 1 } },
      },
      facts,
    );
    expect(text).toContain("| 1.3 | 2 | 1 | 0 | 0 |");
    expect(text).toContain("| fault: disk wiped | 1,500 | 2 |");
    expect(text).toContain(", reached: 1.\nNever: fault: full disk.\n");
    expect(text).toContain("| simulator events | 1,234,567 |");
    expect(text).toContain("| node-hours per core-minute | 1.25 |");
    expect(text).toContain("|  | **survived** seed 3, 1.0 s |");
    expect(text).toContain("Killed: 0 of 1, 0 of them by more than one layer (model 0, ");
  });
});

test("options that make no sense are refused, and nothing is written", async () => {
  const said: string[] = [];
  const write = process.stderr.write;
  process.stderr.write = (text) => said.push(String(text)) > 0;
  try {
    for (const args of [["--parts", "luck"], ["--protocols", "raft"], ["--seeds", "0"], ["--no"]])
      expect(await main(args)).toBe(2);
  } finally {
    process.stderr.write = write;
  }
  expect(said.join("")).toContain(`there is no luck, only ${Object.keys(PARTS).join(", ")}`);
  expect(readFileSync(`${ROOT}docs/reliability.md`, "utf8")).toBe(page);
});
