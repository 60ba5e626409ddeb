import type { Mutant } from "../sim/mutants.ts";
import type { ReliabilityFacts } from "./facts.ts";
import type { MutantFate, MutantVerdict, ReliabilityFigures } from "./figures.ts";
import { markdownTable } from "./markdown-table.ts";
import { command, NOT_MEASURED, took } from "./wording.ts";

/** Seeded bugs, and who kills them. */
export function mutantsSection(figures: ReliabilityFigures, facts: ReliabilityFacts): string[] {
  const fates = figures.mutants?.figures.mutants ?? [];
  const layers = Object.keys(fates[0]?.layers ?? { "killed by": null });
  const rows = facts.mutants.map((mutant) => [
    ...namesOf(mutant),
    ...cells(
      fates.find(({ name }) => name === mutant.name),
      layers,
    ),
  ]);
  return [
    "## Seeded bugs",
    "",
    `${facts.mutants.length} bugs that consensus systems have had, put into the code one by one.`,
    "M01 to M36 are rows of a list of bugs that any such system should kill; the others are ours.",
    "",
    ...markdownTable(["bug", "row", "class", "what is wrong", ...layers], rows),
    "",
    ...summary(figures, layers),
  ];
}

function namesOf({ name, row, class: kind, says }: Mutant): string[] {
  return [`\`${name}\``, row ?? "", kind, says];
}

function cells(fate: MutantFate | undefined, layers: readonly string[]): string[] {
  if (fate === undefined) return layers.map((_, at) => (at === 0 ? NOT_MEASURED : ""));
  return layers.map((layer) => verdictText(fate.layers[layer] ?? null));
}

function verdictText(verdict: MutantVerdict | null): string {
  if (verdict === null) return "";
  const { killed, by, seconds } = verdict;
  return `${killed ? "" : "**survived** "}${by}, ${seconds.toFixed(1)} s`;
}

function summary({ mutants }: ReliabilityFigures, layers: readonly string[]): string[] {
  if (mutants === null) return [`Again: ${command("npm run mutants")}`];
  const { mutants: fates, seconds } = mutants.figures;
  const killers = fates.map((fate) => layers.filter((layer) => fate.layers[layer]?.killed));
  const several = killers.filter((each) => each.length > 1).length;
  const byLayer = layers.map((layer) => {
    return `${layer} ${killers.filter((each) => each.includes(layer)).length}`;
  });
  const killed = `${fates.filter(isKilled).length} of ${fates.length}`;
  return [
    `Killed: ${killed}, ${several} of them by more than one layer (${byLayer.join(", ")}), in`,
    `${took(seconds)}.`,
    "",
    `Again: ${command(mutants.command)} (${mutants.on}, ${mutants.machine})`,
  ];
}

export function isKilled({ layers }: MutantFate): boolean {
  return Object.values(layers).some((verdict) => verdict?.killed === true);
}
