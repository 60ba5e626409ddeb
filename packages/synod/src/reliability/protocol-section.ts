import { count } from "../explore/explore-progress.ts";
import type { SweepFigures } from "../sim/sweep-totals.ts";
import type { ProtocolFacts } from "./facts.ts";
import type { Measured, ReliabilityFigures } from "./figures.ts";
import { markdownTable } from "./markdown-table.ts";
import { command, NOT_MEASURED, took } from "./wording.ts";

/** Situations that are faults; all others are what came of them. */
const FAULT = /^(fault|crash|frame|link): /;

/** All that belongs to one protocol. */
export function protocolSection(figures: ReliabilityFigures, protocol: ProtocolFacts): string[] {
  const { name } = protocol;
  const sweep = figures.sweeps[name];
  return [
    `## ${name}`,
    "",
    ...(sweep === undefined ? [`Simulation: ${NOT_MEASURED}.`] : simulation(sweep)),
    "",
    ...situations(sweep?.figures.probes ?? {}, protocol),
    "",
    ...models(figures, protocol),
  ];
}

function simulation({ figures, command: again, on, machine }: Measured<SweepFigures>): string[] {
  const { seeds, violations, nodeHours, events, operations, faults, crashes, forks } = figures;
  const { seconds, jobs } = figures;
  const coreMinutes = (seconds * jobs) / 60;
  const rows = [
    ["seeds lived", count(seeds)],
    ["violations", count(violations)],
    ["simulated node-hours", nodeHours.toFixed(1)],
    ["simulator events", count(events)],
    ["client operations completed", count(operations)],
    ["scheduled faults that struck", count(faults)],
    ["crashes", count(crashes)],
    ["worlds forked from a quorum of platters", count(forks)],
    ["node-hours per core-minute", (nodeHours / coreMinutes).toFixed(2)],
    ["events per second and core", count(Math.round(events / (seconds * jobs)))],
  ];
  return [
    ...markdownTable(["simulation", `${on}, ${took(seconds)}`], rows),
    "",
    `Again: ${command(again)} (${machine})`,
  ];
}

/** What struck, and what was reached, with all that never was. */
function situations(counts: SweepFigures["probes"], { probes }: ProtocolFacts): string[] {
  const all = probes.map(({ name }) => name);
  const cells = (name: string): string[] => {
    const found = counts[name];
    if (found === undefined) return [name, NOT_MEASURED, ""];
    return [name, count(found.times), count(found.seeds)];
  };
  const never = all.filter((name) => counts[name]?.seeds === 0);
  const reached = all.filter((name) => (counts[name]?.seeds ?? 0) > 0);
  return [
    ...markdownTable(["fault", "times", "in seeds"], all.filter(isFault).map(cells)),
    "",
    `Situations that lives should reach (probes): ${all.length}, reached: ${reached.length}.`,
    `Never: ${never.length === 0 ? "none" : never.join("; ")}.`,
  ];
}

function isFault(probe: string): boolean {
  return FAULT.test(probe);
}

function models(figures: ReliabilityFigures, { models: runs }: ProtocolFacts): string[] {
  if (runs.length === 0) return ["Whole state spaces: none on record."];
  const rows = runs.map(({ what, args, states, transitions }) => {
    const words = `explore ${args.join(" ")}`;
    const measured = figures.models[words];
    const rate =
      measured === undefined
        ? NOT_MEASURED
        : count(Math.round(measured.figures.transitions / measured.figures.seconds));
    return [what, count(states), count(transitions), rate, command(`npm run synod -- ${words}`)];
  });
  const head = ["whole state space, no violation", "states", "transitions", "per second", "again"];
  return markdownTable(head, rows);
}
