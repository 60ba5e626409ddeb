import { afterEach, expect, test, vi } from "vitest";
import { runMain } from "../testing/run-main.ts";

afterEach(() => vi.restoreAllMocks());

test.each([
  ["--minutes", "0"],
  ["--minutes", "soon"],
  ["--writes", "many"],
  ["--nodes", "8"],
  ["--faults", "luck"],
  ["--faults", "bit flips,luck"],
])("%s %s is refused in one line, and nothing is started", async (...args) => {
  const { code, out, err } = await runMain("soak", ...args);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(/^synod: option '--[^\n]+\n/);
});
