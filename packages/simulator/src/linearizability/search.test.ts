import { expect, test } from "vitest";
import type { CellInput, CellOutput } from "./cell.ts";
import { registerModel } from "./cell-model.ts";
import { createProblem } from "./problem.ts";
import { Search, type SearchStatus } from "./search.ts";
import type { CellOperation } from "./testing/random-history.ts";
import { VisitedSet } from "./visited-set.ts";

function operation(
  input: CellInput,
  output: CellOutput,
  call: number,
  returned: number,
): CellOperation {
  return { process: "", key: "", input, output, call, returned };
}

const write = (value: string, call: number, returned: number): CellOperation =>
  operation({ kind: "write", value }, { kind: "done" }, call, returned);

const read = (value: string, call: number, returned: number): CellOperation =>
  operation({ kind: "read" }, { kind: "value", value }, call, returned);

const cas = (expected: string, value: string, call: number, returned: number): CellOperation =>
  operation({ kind: "cas", expected, value }, { kind: "matched", matched: true }, call, returned);

function search(operations: readonly CellOperation[], loose: readonly number[]): SearchStatus {
  const problem = createProblem(registerModel, operations);
  return new Search({ problem, visited: new VisitedSet(1024), salt: 0, loose }).run(100_000);
}

test("a loose operation may take effect within its time, again and again, or not at all", () => {
  const loose = write("1", 10, 50);
  expect(search([loose, read("1", 20, 21)], [0])).toBe("linearizable");
  expect(search([loose, write("2", 1, 2), read("2", 60, 61)], [0])).toBe("linearizable");
  const again = [loose, read("1", 20, 21), write("2", 22, 23), read("1", 24, 25)];
  expect(search(again, [0])).toBe("linearizable");
  expect(search(again, [])).toBe("illegal");
});

test("a loose operation takes no effect outside its time", () => {
  expect(search([write("1", 10, 50), read("1", 1, 9)], [0])).toBe("illegal");
  const over = [write("1", 10, 50), write("2", 51, 52), read("1", 53, 54)];
  expect(search(over, [0])).toBe("illegal");
});

test("the one that returns first goes first only where that ends the time of nothing loose", () => {
  // Of the writes the second returns first, but only the first one can precede the cas.
  const operations = [write("1", 1, 100), write("1", 50, 90), cas("1", "2", 10, 20)];
  expect(search([...operations, read("2", 30, 60)], [2])).toBe("linearizable");
});

test("a read that is taken at once ends the time of nothing loose", () => {
  // The last read is legal right after the first write, but the cas comes between them.
  const operations = [write("1", 1, 2), cas("1", "2", 10, 20), read("2", 12, 40)];
  expect(search([...operations, write("1", 12, 40), read("1", 30, 31)], [1])).toBe("linearizable");
});

test("it goes on where it stopped", () => {
  const writes = Array.from({ length: 9 }, (_, n) => write(String(n), 1, 10));
  const problem = createProblem(registerModel, [...writes, read("none", 11, 12)]);
  const whole = new Search({ problem, visited: new VisitedSet(1 << 16), salt: 0 });
  const sliced = new Search({ problem, visited: new VisitedSet(1 << 16), salt: 0 });
  expect(whole.run(1_000_000)).toBe("illegal");
  for (let slices = 0; slices < 10; slices += 1) expect(sliced.run(10)).toBe("running");
  expect(sliced.run(1_000_000)).toBe("illegal");
  expect(sliced.steps).toBe(whole.steps);
  expect(sliced.culprit).toBe(9);
});
