import { expect, it } from "vitest";
import { LAYERS } from "./mutant-layers.ts";
import { readMutants } from "./mutants.ts";

const simulated = readMutants().filter(({ seeds }) => seeds.length > 0);

it.concurrent.each(simulated)("$name is found by its seeds", async (mutant) => {
  const verdict = await LAYERS.simulation(mutant);
  expect(verdict).toMatchObject({ killed: true, by: expect.stringMatching(/^"[^"]+", seed \d+$/) });
});
