import type { CellInput } from "./cell.ts";
import type { LineFormat } from "./line-format.ts";
import { type Ending, OpenOperations, sameInput } from "./open-operations.ts";

const TEXT = '"((?:[^"\\\\]|\\\\.)*)"';
const LINE = new RegExp(
  "^\\{[ \\t]*:process (\\d+), :type :(invoke|ok|fail|info), :f :(get|put|append), " +
    `:key ${TEXT}, :value (?:nil|${TEXT})[ \\t]*\\}[ \\t\\r]*$`,
);

const SHAPE = '{:process N, :type :invoke|:ok, :f :get|:put|:append, :key "K", :value nil|"V"}';

/** The log of a test of a map of texts: one map in EDN a line, keys always in the same order. */
export function createStringMapLog(): LineFormat {
  const open = new OpenOperations();
  return {
    line(text, line) {
      const match = LINE.exec(text);
      if (match === null) return SHAPE;
      const [, process = "", type = "", name = "", rawKey = "", rawValue] = match;
      const key = unescaped(rawKey);
      const value = rawValue === undefined ? null : unescaped(rawValue);
      const input = inputOf(name, value);
      if (type === "invoke") {
        if (input === null) return `${name === "get" ? "nil" : "a text"} as :value of :${name}`;
        return open.begin(process, key, input, line);
      }
      const begun = open.current(process);
      if (begun === null) return `:invoke of process ${process} before its :${type}`;
      const isRead = name === "get" && begun.input.kind === "read";
      const isSame = isRead || (input !== null && sameInput(input, begun.input));
      if (begun.key !== key || !isSame)
        return `the end of what process ${process} began in line ${begun.line}`;
      const ending = endingOf(type, begun.input, value);
      if (ending === null) return "a text as :value of an answered :get";
      open.end(process, ending, line);
      return null;
    },
    operations: () => open.all(),
  };
}

function inputOf(name: string, value: string | null): CellInput | null {
  if (name === "get") return value === null ? { kind: "read" } : null;
  if (value === null) return null;
  return name === "put" ? { kind: "write", value } : { kind: "append", value };
}

function endingOf(type: string, input: CellInput, value: string | null): Ending | null {
  if (type === "info") return { kind: "unknown" };
  if (type === "fail") return { kind: "refused" };
  if (input.kind !== "read") return { kind: "answered", output: { kind: "done" } };
  return value === null ? null : { kind: "answered", output: { kind: "value", value } };
}

function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  const named: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
  return text.replace(/\\(.)/g, (_, letter: string) => named[letter] ?? letter);
}
