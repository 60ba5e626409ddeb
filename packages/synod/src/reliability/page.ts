import { count } from "../explore/explore-progress.ts";
import type { ReliabilityFacts } from "./facts.ts";
import type { ReliabilityFigures } from "./figures.ts";
import { markdownTable } from "./markdown-table.ts";
import { mutantsSection } from "./mutants-section.ts";
import { protocolSection } from "./protocol-section.ts";
import { command, NOT_MEASURED, took } from "./wording.ts";

/** docs/reliability.md: what was tried to break the code, what came of it, and how to repeat it. */
export function reliabilityPage(figures: ReliabilityFigures, facts: ReliabilityFacts): string {
  const protocols = facts.protocols.map((protocol) => protocolSection(figures, protocol));
  const sections = [
    preface(figures, facts),
    ...protocols,
    calibrationSection(figures, facts),
    mutantsSection(figures, facts),
    historiesSection(figures),
    soakSection(figures),
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function preface(figures: ReliabilityFigures, facts: ReliabilityFacts): string[] {
  const { mutants, regressions } = facts;
  return [
    "# What was tried to break it",
    "",
    "Every figure on this page was measured by the command that stands beside it.",
    "`npm run reliability` runs them all and writes what they say to `docs/reliability.json`, and",
    "this page from that. What the oracles, faults and layers are: [simulator](simulator.md),",
    "[explorer](explorer.md), [checker](checker.md).",
    "",
    ...atAGlance(figures, facts),
    "",
    `Seeded bugs: ${mutants.length}. Seeds that once found something, lived again by every run of`,
    `the tests: ${regressions}.`,
  ];
}

/** One line for each protocol. */
function atAGlance({ sweeps, models }: ReliabilityFigures, facts: ReliabilityFacts): string[] {
  const head = ["protocol", "simulated node-hours", "faults", "operations", "states explored"];
  const rows = facts.protocols.map(({ name, models: runs }) => {
    const sweep = sweeps[name]?.figures;
    const states = runs.map(({ args }) => models[`explore ${args.join(" ")}`]?.figures.states ?? 0);
    return [
      `[${name}](#${name})`,
      sweep === undefined ? NOT_MEASURED : sweep.nodeHours.toFixed(1),
      sweep === undefined ? "" : count(sweep.faults),
      sweep === undefined ? "" : count(sweep.operations),
      count(states.reduce((sum, each) => sum + each, 0)),
      sweep === undefined ? "" : count(sweep.violations),
    ];
  });
  return markdownTable([...head, "violations"], rows);
}

function calibrationSection(figures: ReliabilityFigures, facts: ReliabilityFacts): string[] {
  const rows = facts.calibrations.map(({ name, states }) => {
    const measured = figures.models[`explore --model ${name}`];
    const found = measured === undefined ? NOT_MEASURED : count(measured.figures.states);
    return [
      `\`${name}\``,
      count(states),
      found,
      command(`npm run synod -- explore --model ${name}`),
    ];
  });
  return [
    "## The explorer, calibrated",
    "",
    "Models that others have counted: the explorer must find exactly their number of states.",
    "",
    ...markdownTable(["model", "states others counted", "states found", "again"], rows),
  ];
}

function historiesSection({ histories }: ReliabilityFigures): string[] {
  const head = ["## Histories", ""];
  if (histories === null) return [...head, NOT_MEASURED];
  const { tests, seconds } = histories.figures;
  return [
    ...head,
    `The linearizability checker against histories, ${took(seconds)}, ${histories.on}:`,
    "",
    ...tests.map((title) => `- ${title}`),
    "",
    `Again: ${command(histories.command)}`,
  ];
}

const MB = 1_000_000;

function soakSection({ soak }: ReliabilityFigures): string[] {
  const head = ["## Real processes", ""];
  if (soak === null) return [...head, NOT_MEASURED];
  const { nodes, seconds, rounds, operations, unanswered, writes, ...rest } = soak.figures;
  const { faults, violations, memory, disk } = rest;
  const size = (bytes: number | null): string =>
    bytes === null ? "?" : `${(bytes / MB).toFixed(0)} MB`;
  const rows = [
    ["duration", took(seconds)],
    ["nodes", String(nodes)],
    ["histories recorded and checked", count(rounds)],
    ["operations in them", `${count(operations)}, ${count(unanswered)} of them never answered`],
    ["writes acknowledged", count(writes)],
    ["violations", count(violations.length)],
    [
      "resident memory, first and second half",
      `${size(memory.firstHalf)}, ${size(memory.secondHalf)}`,
    ],
    ["disk, first and second half", `${size(disk.firstHalf)}, ${size(disk.secondHalf)}`],
    ...Object.entries(faults).map(([kind, times]) => [`fault: ${kind}`, count(times)]),
  ];
  return [
    ...head,
    "Servers as processes of their own, proxies between them, clients on all of them; the checker",
    "judges every history.",
    "",
    ...markdownTable(["", "measured"], rows),
    "",
    `Again: ${command(soak.command)} (${soak.on}, ${soak.machine})`,
  ];
}
