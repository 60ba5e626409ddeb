import { assertNever } from "@synod/core";
import type { CellInput, CellOutput, CellValue } from "./cell.ts";
import { createCellAutomaton } from "./cell-automaton.ts";
import type { Model } from "./model.ts";

export type CellModel = Model<CellValue, CellInput, CellOutput>;

export interface CellWords {
  readonly read: string;
  readonly write: string;
}

/** A register with read, write and compare-and-set, at first without a value. */
export const registerModel: CellModel = createCellModel(null, { read: "read", write: "write" });

/** One key of a map of texts with get, put and append, at first the empty text. */
export const stringMapModel: CellModel = createCellModel("", { read: "get", write: "put" });

/** One key of a map with get, put, delete, append and cas, at first absent. */
export const keyValueModel: CellModel = createCellModel(null, { read: "get", write: "put" });

function createCellModel(initial: CellValue, words: CellWords): CellModel {
  return {
    initial,
    step: stepCell,
    key: (state) => (state === null ? "" : `=${state}`),
    describe: (input, output) => describeCell(words, input, output),
    preserves: preservesCell,
    automaton: (operations) => createCellAutomaton(initial, operations),
  };
}

function stepCell(
  state: CellValue,
  input: CellInput,
  output: CellOutput | null,
): CellValue | undefined {
  if (output !== null && !isAnswer(state, input, output)) return undefined;
  switch (input.kind) {
    case "read":
      return state;
    case "write":
      return input.value;
    case "append":
      return (state ?? "") + input.value;
    case "delete":
      return null;
    case "cas":
      return state === input.expected ? input.value : state;
    default:
      return assertNever(input);
  }
}

function isAnswer(state: CellValue, input: CellInput, output: CellOutput): boolean {
  switch (output.kind) {
    case "done":
      return input.kind === "write" || input.kind === "append" || input.kind === "delete";
    case "value":
      return input.kind === "read" && output.value === state;
    case "existed":
      return (
        (input.kind === "write" || input.kind === "delete") && output.existed === (state !== null)
      );
    case "matched":
      return input.kind === "cas" && output.matched === (state === input.expected);
    default:
      return assertNever(output);
  }
}

function preservesCell(input: CellInput, output: CellOutput | null): boolean {
  if (input.kind === "read") return true;
  if (input.kind === "cas") return output?.kind === "matched" && !output.matched;
  return input.kind === "delete" && output?.kind === "existed" && !output.existed;
}

function describeCell(words: CellWords, input: CellInput, output: CellOutput | null): string {
  return operationInWords(words, input) + answerInWords(input, output);
}

function operationInWords(words: CellWords, input: CellInput): string {
  switch (input.kind) {
    case "read":
      return words.read;
    case "write":
      return `${words.write} ${quote(input.value)}`;
    case "append":
      return `append ${quote(input.value)}`;
    case "delete":
      return "delete";
    case "cas":
      return `cas ${quote(input.expected)} to ${quote(input.value)}`;
    default:
      return assertNever(input);
  }
}

/** Nothing where the answer tells nothing: then an operation without an answer acts just alike. */
function answerInWords(input: CellInput, output: CellOutput | null): string {
  if (output === null) return input.kind === "read" || input.kind === "cas" ? " → ?" : "";
  switch (output.kind) {
    case "done":
      return "";
    case "value":
      return ` → ${quote(output.value)}`;
    case "existed":
      return output.existed ? " → there was a value" : " → there was none";
    case "matched":
      return output.matched ? " → matched" : " → did not match";
    default:
      return assertNever(output);
  }
}

function quote(value: CellValue): string {
  return value === null ? "nothing" : JSON.stringify(value);
}
