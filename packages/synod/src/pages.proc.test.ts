import { afterEach, beforeEach, expect, test } from "vitest";
import { expectPageIsTrue } from "./testing/console-page.ts";
import { type Demo, freeBasePort, temporaryFolder } from "./testing/demo-process.ts";

let folder: ReturnType<typeof temporaryFolder>;
let basePort: number;
let demo: Demo | null;

beforeEach(async () => {
  folder = temporaryFolder();
  basePort = await freeBasePort();
  demo = null;
});

afterEach(async () => {
  await demo?.stop();
  folder.remove();
});

test.each([
  ["README.md", 12],
  ["docs/guide/paxos-from-scratch.md", 8],
  ["docs/guide/replicated-log.md", 0],
] as const)("every command of %s does what is shown", { timeout: 120_000 }, async (page, least) => {
  const place = { folder: folder.path, basePort };
  const steps = await expectPageIsTrue(page, place, (started) => {
    demo = started;
  });
  expect(steps).toBeGreaterThan(least);
});
