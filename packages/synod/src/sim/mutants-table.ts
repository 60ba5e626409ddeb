import { CommandFailure } from "../exit-codes.ts";
import { createStatusLine } from "../status-line.ts";
import { LAYERS, type LayerName, type Verdict } from "./mutant-layers.ts";
import { type Mutant, readMutants } from "./mutants.ts";

export interface MutantsTableOptions {
  /** Mutants that are tried side by side. */
  readonly jobs: number;
  /** One line of JSON in the place of the table. */
  readonly json: boolean;
  /** Only this one; absent: all. */
  readonly mutant?: string;
}

const LAYER_NAMES = Object.keys(LAYERS) as LayerName[];

/** Null: that layer has nothing on record for this mutant. */
type Verdicts = Readonly<Record<LayerName, Verdict | null>>;

interface Judged {
  readonly mutant: Mutant;
  readonly verdicts: Verdicts;
}

/**
 * Runs every seeded bug on the test, the bounds and the seeds that are known to kill it, and prints
 * who killed it, and how fast. Fails if one survives them all.
 */
export async function mutantsTable(
  options: MutantsTableOptions,
  list: readonly Mutant[] = readMutants(),
): Promise<void> {
  const mutants = list.filter(({ name }) => (options.mutant ?? name) === name);
  if (mutants.length === 0)
    throw new CommandFailure("usage", `there is no mutant ${options.mutant}`);
  const began = performance.now();
  const status = createStatusLine(process.stderr);
  const tell = (line: string): void => {
    if (options.json) return;
    status.wipe();
    process.stdout.write(`${line}\n`);
  };
  tell(headOf(mutants));
  const judged = await judgeAll(mutants, options.jobs, {
    progress: (done) =>
      status.show(() => `${done} of ${mutants.length} mutants, ${secondsSince(began)} s`),
    next: (one) => tell(rowOf(one, mutants)),
  });
  status.wipe();
  const seconds = secondsSince(began);
  if (options.json) process.stdout.write(`${JSON.stringify(figures(judged, seconds, options))}\n`);
  else tell(summary(judged, seconds));
  const alive = judged.filter(({ verdicts }) => killers(verdicts).length === 0);
  if (alive.length === 0) return;
  throw new CommandFailure(
    "failure",
    `alive: ${alive.map(({ mutant }) => mutant.name).join(", ")}`,
  );
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10;
}

interface Listener {
  progress(done: number): void;
  /** In the order of the list. */
  next(judged: Judged): void;
}

async function judgeAll(
  mutants: readonly Mutant[],
  jobs: number,
  listener: Listener,
): Promise<Judged[]> {
  const judged: Judged[] = [];
  let taken = 0;
  let done = 0;
  let told = 0;
  const work = async (): Promise<void> => {
    while (taken < mutants.length) {
      const at = taken;
      taken += 1;
      const mutant = mutants[at] as Mutant;
      judged[at] = { mutant, verdicts: await judge(mutant) };
      done += 1;
      listener.progress(done);
      for (let next = judged[told]; next !== undefined; next = judged[told]) {
        listener.next(next);
        told += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, mutants.length) }, work));
  return judged;
}

async function judge(mutant: Mutant): Promise<Verdicts> {
  const test = await LAYERS.test(mutant);
  const random = await LAYERS.random(mutant);
  const model = await LAYERS.model(mutant);
  const simulation = await LAYERS.simulation(mutant);
  return { test, random, model, simulation };
}

function killers(verdicts: Verdicts): LayerName[] {
  return LAYER_NAMES.filter((layer) => verdicts[layer]?.killed === true);
}

/** Columns of text; the last one is as wide as it likes. */
function columns(cells: readonly string[], mutants: readonly Mutant[]): string {
  const name = Math.max(...mutants.map((mutant) => mutant.name.length));
  const widths = [3, name, 10, 30, 35, 24, 0];
  return cells
    .map((cell, at) => cell.padEnd(widths[at] ?? 0))
    .join("  ")
    .trimEnd();
}

function headOf(mutants: readonly Mutant[]): string {
  return columns(["row", "mutant", "class", ...LAYER_NAMES], mutants);
}

function rowOf({ mutant, verdicts }: Judged, mutants: readonly Mutant[]): string {
  const cells = LAYER_NAMES.map((layer) => cellOf(verdicts[layer]));
  return columns([mutant.row ?? "", mutant.name, mutant.class, ...cells], mutants);
}

function cellOf(verdict: Verdict | null): string {
  if (verdict === null) return "-";
  const { killed, by, seconds } = verdict;
  return `${killed ? "" : "SURVIVED "}${by}, ${seconds.toFixed(1)} s`;
}

function summary(judged: readonly Judged[], seconds: number): string {
  const killed = judged.filter(({ verdicts }) => killers(verdicts).length > 0).length;
  const twice = judged.filter(({ verdicts }) => killers(verdicts).length > 1).length;
  const layers = LAYER_NAMES.map((layer) => {
    const tried = judged.flatMap(({ verdicts }) => verdicts[layer] ?? []);
    const time = tried.reduce((sum, verdict) => sum + verdict.seconds, 0);
    return `${layer} ${tried.filter((verdict) => verdict.killed).length} in ${time.toFixed(0)} s`;
  });
  return (
    `${killed} of ${judged.length} mutants killed, ${twice} by more than one layer; ` +
    `${layers.join(", ")}; ${seconds} s in all`
  );
}

function figures(judged: readonly Judged[], seconds: number, options: MutantsTableOptions) {
  return {
    mutants: judged.map(({ mutant: { name, row, class: kind, says }, verdicts }) => ({
      name,
      row,
      class: kind,
      says,
      killers: killers(verdicts),
      layers: verdicts,
    })),
    seconds,
    jobs: options.jobs,
  };
}
