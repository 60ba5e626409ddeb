import { expect, test } from "vitest";
import { functionLengths } from "./function-lengths.ts";

test("a nested function counts as one line of its parent", () => {
  const source = [
    "// ö: offsets are characters, not bytes",
    "export function outer(): number {",
    "  const inner = (n: number): number => {",
    "    const twice = n + n;",
    "    return twice;",
    "  };",
    "  return inner(1);",
    "}",
    "",
  ].join("\n");
  expect(functionLengths("a.ts", source)).toEqual([
    { line: 2, lines: 4 },
    { line: 3, lines: 4 },
  ]);
});
