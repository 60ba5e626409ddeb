import type { CellInput, CellValue } from "./cell.ts";
import type { LineFormat } from "./line-format.ts";
import { type Ending, OpenOperations, sameInput } from "./open-operations.ts";

const GAP = "[ \\t]+";
const WORDS = [
  "INFO",
  "jepsen\\.util",
  "-",
  "(\\d+)",
  ":(invoke|ok|fail|info)",
  ":(read|write|cas)",
  "(\\S.*?)[ \\t\\r]*",
];
const LINE = new RegExp(`^${WORDS.join(GAP)}$`);
/** What the log says of the tester's own fault injection is no operation. */
const NEMESIS = /^INFO[ \t]+jepsen\.util[ \t]+-[ \t]+:nemesis[ \t]/;
const NUMBER = /^-?\d+$/;
const PAIR = /^\[(-?\d+)[ \t]+(-?\d+)\]$/;

const SHAPE = "INFO  jepsen.util - PROCESS :invoke|:ok|:fail|:info :read|:write|:cas ARGUMENT";

/**
 * The log of a Jepsen test of one register: fields apart by spaces or tabs, values whole numbers or
 * nil. `:info` is not looked at, so that its operation stays open for good.
 */
export function createRegisterLog(): LineFormat {
  const open = new OpenOperations();
  const retired = new Set<string>();
  return {
    line(text, line) {
      const [, process, type, name, argument] = LINE.exec(text) ?? [];
      if (process === undefined || name === undefined || argument === undefined)
        return NEMESIS.test(text) ? null : SHAPE;
      if (type === "info") {
        retired.add(process);
        return null;
      }
      const input = type === "invoke" ? inputOf(name, argument) : null;
      if (type === "invoke") {
        if (input === null) return argumentOf(name);
        if (retired.delete(process)) open.end(process, { kind: "unknown" }, line);
        return open.begin(process, "", input, line);
      }
      const begun = open.current(process);
      if (begun === null) return `:invoke of process ${process} before its :${type}`;
      if (nameOf(begun.input) !== name)
        return (
          `:${type} :${nameOf(begun.input)}, ` + `as process ${process} began in line ${begun.line}`
        );
      const ending =
        type === "ok" ? okEnding(begun.input, argument) : failEnding(begun.input, argument);
      if (ending === null) return `the argument of line ${begun.line}, or a value that was read`;
      open.end(process, ending, line);
      return null;
    },
    operations: () => open.all(),
  };
}

function inputOf(name: string, argument: string): CellInput | null {
  if (name === "read") return argument === "nil" ? { kind: "read" } : null;
  if (name === "write") return NUMBER.test(argument) ? { kind: "write", value: argument } : null;
  const [, expected, value] = PAIR.exec(argument) ?? [];
  if (expected === undefined || value === undefined) return null;
  return { kind: "cas", expected, value };
}

function argumentOf(name: string): string {
  if (name === "read") return "nil after :invoke :read";
  return name === "write" ? "a whole number after :write" : "[EXPECTED NEW] after :cas";
}

function nameOf(input: CellInput): string {
  return input.kind;
}

function okEnding(input: CellInput, argument: string): Ending | null {
  if (input.kind === "read") {
    if (argument !== "nil" && !NUMBER.test(argument)) return null;
    const value: CellValue = argument === "nil" ? null : argument;
    return { kind: "answered", output: { kind: "value", value } };
  }
  const again = inputOf(input.kind, argument);
  if (again === null || !sameInput(again, input)) return null;
  if (input.kind === "cas") return { kind: "answered", output: { kind: "matched", matched: true } };
  return { kind: "answered", output: { kind: "done" } };
}

/** A timeout tells nothing; a failed cas did not match; a failed write was not carried out. */
function failEnding(input: CellInput, argument: string): Ending | null {
  if (argument === ":timed-out" || input.kind === "read") return { kind: "unknown" };
  const again = inputOf(input.kind, argument);
  if (again === null || !sameInput(again, input)) return null;
  if (input.kind === "cas")
    return { kind: "answered", output: { kind: "matched", matched: false } };
  return { kind: "refused" };
}
