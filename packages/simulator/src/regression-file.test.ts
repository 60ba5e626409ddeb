import { describe, expect, it } from "vitest";
import { drawLife } from "./life.ts";
import { type Regression, readRegression, writeRegression } from "./regression-file.ts";

const drawn = drawLife(7);
const life = {
  ...drawn,
  clients: drawn.clients.map((plan, index) => ({
    ...plan,
    script: index === 1 ? null : [{ atMs: 1.5 + index, number: 3 }],
  })),
};
const regression: Regression = {
  protocol: "multipaxos",
  mutant: "quorum-off-by-one",
  oracle: "order",
  says: "node 1 went back",
  life,
};
const text = writeRegression(regression);

describe("regression files", () => {
  it("give back what was written, for every kind of fault", () => {
    expect(readRegression(text)).toEqual(regression);
    for (let seed = 1; seed <= 60; seed += 1) {
      const whole = { ...regression, mutant: null, life: drawLife(seed) };
      expect(readRegression(writeRegression(whole))).toEqual(whole);
    }
  });

  it("may hold comments and empty lines", () => {
    const lines = text.split("\n");
    const commented = [lines[0], "# why", "", ...lines.slice(1)].join("\n");
    expect(readRegression(commented)).toEqual(regression);
  });

  it.each([
    ["another header", 1, "synod-regression 2", '"synod-regression 1"'],
    ["an unknown word", 2, "protocols multipaxos", "protocol, mutant"],
    ["no JSON", 6, "life {", "an object in JSON"],
    ["a missing field", 6, 'life {"seed":1}', '"nodes" (list)'],
    ["an unknown fault", 7, 'fault {"kind":"flood","atMs":1}', "a fault of kind crash"],
    ["a wrong type", 7, 'fault {"kind":"flap","atMs":"1","target":0}', '"atMs" (number)'],
    ["a field too many", 7, 'fault {"kind":"flap","atMs":1,"target":0,"x":1}', 'no "x"'],
    ["a stray operation", 7, 'operation {"client":99,"number":1,"atMs":1}', "named before"],
  ])("are refused with the line: %s", (_what, line, instead, expected) => {
    const lines = text.split("\n");
    lines[line - 1] = instead;
    const problem = readRegression(lines.join("\n"));
    expect(problem).toMatchObject({ line });
    expect("expected" in problem ? problem.expected : "").toContain(expected);
  });

  it("need a protocol and a life", () => {
    expect(readRegression("synod-regression 1\n")).toMatchObject({ line: 2 });
  });
});
