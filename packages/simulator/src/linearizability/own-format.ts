import type { CellHistory, CellInput, CellOutput, CellValue } from "./cell.ts";
import type { HistoryOperation } from "./history.ts";
import type { LineFormat } from "./line-format.ts";

export const HISTORY_VERSION = 1;

type Operation = HistoryOperation<CellInput, CellOutput>;
type Fields = Readonly<Record<string, unknown>>;

/**
 * Our own format: a line of JSON with the version, then one line an operation, in any order. Each
 * field is explained in docs/checker.md.
 */
export function createOwnFormat(): LineFormat {
  const operations: Operation[] = [];
  let isVersionKnown = false;
  return {
    line(text) {
      const fields = parseFields(text);
      if (fields === null) return "one JSON object";
      if (!isVersionKnown) {
        isVersionKnown = fields["history"] === "synod" && fields["version"] === HISTORY_VERSION;
        return isVersionKnown ? null : `{"history":"synod","version":${HISTORY_VERSION}} first`;
      }
      const operation = parseOperation(fields);
      if (typeof operation === "string") return operation;
      if (operation !== null) operations.push(operation);
      return null;
    },
    operations: () => operations,
  };
}

/** The text of a history in our own format; the opposite of reading it. */
export function writeHistory(history: CellHistory): string {
  const lines: object[] = [{ history: "synod", version: HISTORY_VERSION }];
  for (const { process, key, input, output, call, returned } of history) {
    const op = OP_NAMES[input.kind];
    const outcome = returned === null ? "unknown" : "ok";
    const { kind: _, ...values } = input;
    lines.push({
      client: process,
      call,
      return: returned,
      op,
      key,
      ...values,
      ...resultOf(output),
      outcome,
    });
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

const OP_NAMES = {
  read: "get",
  write: "put",
  append: "append",
  delete: "delete",
  cas: "cas",
} as const;

function resultOf(output: CellOutput | null): { readonly result?: CellValue | boolean } {
  if (output === null || output.kind === "done") return {};
  if (output.kind === "value") return { result: output.value };
  return { result: output.kind === "existed" ? output.existed : output.matched };
}

function parseFields(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Fields) : null;
  } catch {
    return null;
  }
}

/** Null for an operation that took no effect; a text for what was expected. */
function parseOperation(fields: Fields): Operation | string | null {
  const { client, call, return: returned, key, outcome } = fields;
  if (typeof client !== "string" && typeof client !== "number")
    return '"client": a text or a number';
  if (typeof key !== "string") return '"key": a text';
  if (typeof call !== "number") return '"call": a time as a number';
  if (returned !== null && typeof returned !== "number") return '"return": a time or null';
  if (returned !== null && returned < call) return '"return" no earlier than "call"';
  if (outcome !== "ok" && outcome !== "failed" && outcome !== "unknown")
    return '"outcome": "ok", "failed" or "unknown"';
  const input = parseInput(fields);
  if (typeof input === "string") return input;
  if (outcome === "failed") return null;
  const begun = { process: String(client), key, input, call };
  if (outcome === "unknown") return { ...begun, output: null, returned: null };
  if (returned === null) return '"return": a time, as the outcome is "ok"';
  const output = parseOutput(input, fields["result"]);
  return typeof output === "string" ? output : { ...begun, output, returned };
}

function parseInput({ op, value, expected }: Fields): CellInput | string {
  switch (op) {
    case "get":
      return { kind: "read" };
    case "delete":
      return { kind: "delete" };
    case "put":
    case "append":
      if (typeof value !== "string") return `"value": a text to ${op}`;
      return { kind: op === "put" ? "write" : "append", value };
    case "cas":
      if (typeof value !== "string") return '"value": a text to set';
      if (typeof expected !== "string" && expected !== null) return '"expected": a text or null';
      return { kind: "cas", expected, value };
    default:
      return '"op": "get", "put", "delete", "append" or "cas"';
  }
}

function parseOutput(input: CellInput, result: unknown): CellOutput | string {
  switch (input.kind) {
    case "read":
      if (typeof result !== "string" && result !== null) return '"result": the text, or null';
      return { kind: "value", value: result };
    case "cas":
      if (typeof result !== "boolean") return '"result": whether it matched';
      return { kind: "matched", matched: result };
    default:
      if (result === undefined || result === null) return { kind: "done" };
      if (input.kind === "append") return 'no "result" of an append';
      if (typeof result !== "boolean") return '"result": whether there was a value';
      return { kind: "existed", existed: result };
  }
}
