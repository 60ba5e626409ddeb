import { afterEach, describe, expect, it, vi } from "vitest";
import { LAYERS } from "./mutant-layers.ts";
import { type Mutant, readMutants } from "./mutants.ts";
import { mutantsTable } from "./mutants-table.ts";

afterEach(() => vi.restoreAllMocks());

const mutants = readMutants();

describe("seeded bugs", () => {
  const lived = mutants.filter(({ random }) => random !== undefined);

  it.concurrent.each(lived)("$name is found by random runs", async (mutant) => {
    expect(await LAYERS.random(mutant)).toMatchObject({ killed: true });
  });

  const modelled = mutants.filter(({ explore }) => explore !== undefined);

  it.concurrent.each(modelled)("$name is found by the explorer", async (mutant) => {
    const verdict = await LAYERS.model(mutant);
    expect(verdict).toMatchObject({ killed: true, by: expect.stringMatching(/^[\d,]+ states$/) });
  });
});

const REUSED = mutants.find(({ name }) => name === "read-round-reused") as Mutant;
const { random: _, ...WITHOUT_RANDOM_RUNS } = REUSED;

/** A bug whose killers are sent to look where it is not. */
const HIDDEN: Mutant = {
  ...WITHOUT_RANDOM_RUNS,
  test: { file: "packages/core/src/ballot.test.ts", name: "the round decides before the proposer" },
  explore: ["multipaxos", "--leaders", "1", "--slots", "1"],
  seeds: [],
};

describe("a bug that nobody finds", () => {
  it("survives a test that passes, and one that is not there", async () => {
    const by = async (name: string) =>
      LAYERS.test({ ...HIDDEN, test: { file: "packages/core/src/ballot.test.ts", name } });
    const passed = await by("the round decides before the proposer");
    expect(passed).toMatchObject({ killed: false, by: "ballot.test.ts, passed" });
    const absent = await by("the round");
    expect(absent).toMatchObject({ killed: false, by: "ballot.test.ts, no such test" });
  });

  it("is no bug that cannot be put into the code: nothing has killed that", async () => {
    const bug = { ...HIDDEN, random: REUSED.random, name: "no-such-bug", seeds: [1] } as Mutant;
    for (const judge of Object.values(LAYERS))
      expect(await judge(bug)).toMatchObject({ killed: false });
  });

  it("is shown in the table, and fails the run", async () => {
    let out = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      out += String(text);
      return true;
    });
    const run = mutantsTable({ jobs: 1, json: false }, [HIDDEN]);
    await expect(run).rejects.toThrow("alive: read-round-reused");
    expect(out).toMatch(
      /^row +mutant +class +test +random +model +simulation\nM20 +read-round-reused +safety/,
    );
    expect(out).toMatch(
      /SURVIVED ballot\.test\.ts, passed, .* - +SURVIVED exit code 0, [\d.]+ s +-\n/,
    );
    expect(out).toMatch(/\n0 of 1 mutants killed, 0 by more than one layer; .* s in all\n$/);
  });
});
