import type { CounterExample } from "./counter-example.ts";
import type { HistoryOperation } from "./history.ts";
import type { Model } from "./model.ts";

const TEXT_MAX = 72;
const TEXT_END = 28;
/** Operations in the table; of a longer counter-example the last ones are shown. */
const ROWS_MAX = 40;
/** Events drawn as columns. */
const COLUMNS_MAX = 60;

/**
 * A counter-example as lines of text: a table in the order of calls, with the times drawn beside
 * it.
 */
export function tellCounterExample<State, Input, Output>(
  example: CounterExample<Input, Output>,
  model: Model<State, Input, Output>,
): readonly string[] {
  const { operations, culprit, key } = example;
  const rows = operations.slice(-ROWS_MAX);
  const spans = drawSpans(rows);
  const table = [
    ["called", "returned", "process", "operation", ""],
    ...rows.map((operation, row) => [
      String(operation.call),
      operation.returned === null ? "never" : String(operation.returned),
      operation.process,
      cut(model.describe(operation.input, operation.output)),
      `${spans[row] ?? ""}${operation === culprit ? "  no order explains this answer" : ""}`,
    ]),
  ];
  const on = key === "" ? "" : ` on key ${cut(JSON.stringify(key))}`;
  const skipped = operations.length - rows.length;
  return [
    `these ${operations.length} of the ${example.total} operations${on} have no legal order:`,
    ...align(table, [true, true, true, false, false]).map((line) => `  ${line}`),
    ...(skipped > 0 ? [`  (${skipped} earlier ones are not shown)`] : []),
    closing(example),
  ];
}

function closing({ total, operations, shortest }: CounterExample<unknown, unknown>): string {
  if (!shortest) return "some of them may be superfluous: shortening was given up";
  const others = total - operations.length;
  const none = "none of them can be left out";
  if (others === 0) return none;
  return `${none}; the other ${others} explain nothing, whether and whenever they took effect`;
}

/** One text per operation: events as columns, in the order of time. */
function drawSpans(operations: readonly HistoryOperation<unknown, unknown>[]): string[] {
  const events = operations.flatMap(({ call, returned }, row) => [
    { row, time: call, isCall: true },
    ...(returned === null ? [] : [{ row, time: returned, isCall: false }]),
  ]);
  if (events.length > COLUMNS_MAX) return [];
  events.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
  return operations.map((operation, row) => {
    const first = events.findIndex((event) => event.row === row);
    const last = events.findLastIndex((event) => event.row === row);
    const isOpen = operation.returned === null;
    const length = (isOpen ? events.length : last) - first;
    return `${" ".repeat(first * 2)}├${"──".repeat(length).slice(1)}${isOpen ? "┄" : "┤"}`.padEnd(
      events.length * 2 + 1,
    );
  });
}

function cut(text: string): string {
  if (text.length <= TEXT_MAX) return text;
  return `${text.slice(0, TEXT_MAX - TEXT_END - 1)}…${text.slice(-TEXT_END)}`;
}

function align(table: readonly string[][], toTheRight: readonly boolean[]): string[] {
  const widths = toTheRight.map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? "").length)),
  );
  return table.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return toTheRight[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
