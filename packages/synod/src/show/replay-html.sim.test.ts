import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeRegression } from "@synod/simulator";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "../testing/demo-process.ts";
import { runMain } from "../testing/run-main.ts";
import { shortLife } from "./testing/short-life.ts";

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  vi.restoreAllMocks();
  folder.remove();
});

test("synod replay --html writes a page, or says why not", async () => {
  const life = shortLife();
  const file = join(folder.path, "life.txt");
  const about = { protocol: "multipaxos", mutant: null, oracle: "word", says: "something" };
  writeFileSync(file, writeRegression({ ...about, life }));
  const html = join(folder.path, "out.html");
  const drawn = await runMain("replay", file, "--html", html);
  expect(drawn.out).toMatch(/out\.html: \d+ messages and \d+ other events\nno violation\n$/);
  expect(drawn.code).toBe(0);
  expect(readFileSync(html, "utf8")).toContain("<h1>multipaxos, seed 2</h1>");
  const refused = await runMain("replay", file, "--html", join(folder.path, "no", "out.html"));
  expect(refused.code).toBe(2);
  expect(refused.err).toMatch(/^synod: .*out\.html: ENOENT[^\n]*\n$/);
});
