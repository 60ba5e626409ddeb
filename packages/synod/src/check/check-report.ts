import {
  type CellInput,
  type CellOutput,
  type CheckVerdict,
  type RecordedHistory,
  tellCounterExample,
  writeHistory,
} from "@synod/simulator";

export interface Checked {
  readonly file: string;
  readonly history: RecordedHistory;
  readonly verdict: CheckVerdict<CellInput, CellOutput>;
  readonly ms: number;
}

const WORDS = {
  linearizable: "linearizable",
  "not-linearizable": "not linearizable",
  undecided: "undecided",
} as const;

const KEYS_SHOWN = 5;

/** The verdict on one file for people, as lines. */
export function reportText({ file, history, verdict, ms }: Checked): string {
  const { operations, model } = history;
  const count = plural(operations.length, "operation");
  const cost = `${count}, ${plural(verdict.steps, "step")}, ${Math.round(ms)} ms`;
  const head = `${file}: ${WORDS[verdict.kind]} (${cost})`;
  const body =
    verdict.kind === "not-linearizable" ? tellCounterExample(verdict.counterExample, model) : [];
  const open = verdict.kind === "undecided" ? [undecidedText(verdict.keys)] : [];
  return [head, ...[...body, ...open].map((line) => `  ${line}`)]
    .map((line) => `${line}\n`)
    .join("");
}

/** The verdict on one file for programs: one line of JSON. */
export function reportJson({ file, history, verdict, ms }: Checked): string {
  const { format, operations } = history;
  const head = { file, format, verdict: verdict.kind, operations: operations.length };
  const cost = { steps: verdict.steps, ms: Math.round(ms * 1000) / 1000 };
  return `${JSON.stringify({ ...head, ...cost, ...details(verdict) })}\n`;
}

function details(verdict: CheckVerdict<CellInput, CellOutput>): object {
  if (verdict.kind === "linearizable") return {};
  if (verdict.kind === "undecided") return { keys: verdict.keys };
  const { key, operations, culprit, total, shortest } = verdict.counterExample;
  const [, ...lines] = writeHistory(operations).trimEnd().split("\n");
  const shown = lines.map((line): unknown => JSON.parse(line));
  const example = { key, total, shortest, culprit: operations.indexOf(culprit), operations: shown };
  return { counterExample: example };
}

function undecidedText(keys: readonly string[]): string {
  const named = keys.slice(0, KEYS_SHOWN).map((key) => JSON.stringify(key));
  const more = keys.length > named.length ? ` and ${keys.length - named.length} more` : "";
  const on = keys.length === 1 && keys[0] === "" ? "" : ` on ${named.join(", ")}${more}`;
  return `the steps ran out before a verdict${on}; --steps gives more`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
