import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { askStatus } from "./status-command.ts";
import {
  freeBasePort,
  type Running,
  startDemo,
  startSynod,
  temporaryFolder,
} from "./testing/demo-process.ts";

const GUIDE = fileURLToPath(new URL("../../../docs/guide/leaders.md", import.meta.url));
const PATIENCE_MS = 30_000;

let folder: ReturnType<typeof temporaryFolder>;
let nodes: Running[];

beforeEach(() => {
  folder = temporaryFolder();
  nodes = [];
});

afterEach(async () => {
  for (const { child } of nodes) child.kill("SIGTERM");
  await Promise.all(nodes.map(({ finished }) => finished));
  folder.remove();
});

/** The starts that the guide shows, of the cluster in the folder. */
function shown(): string[][] {
  const lines = readFileSync(GUIDE, "utf8").match(/^synod start .*$/gm) ?? [];
  return lines.map((line) => {
    const words = line.split(" ").slice(1);
    return words.map((word) => word.replace(".synod", folder.path));
  });
}

// The wait is four rounds of half a second each; what is shown is the wait and two starts.
test("the guide's preferred node leads as soon as it is there", async () => {
  const basePort = await freeBasePort();
  const demo = startDemo({ folder: folder.path, basePort, args: ["--protocol", "omnipaxos"] });
  await demo.ready(PATIENCE_MS);
  const { urls } = demo;
  await demo.stop();
  const [first = [], second = [], preferred = []] = shown();
  const leader = async (): Promise<unknown> => {
    const asked = urls.slice(0, nodes.length);
    const all = await Promise.all(asked.map((url) => askStatus(url, 1_000)));
    return all.map(({ status }) => status?.leader ?? null);
  };
  nodes = [startSynod(first), startSynod(second)];
  await expect.poll(leader, { timeout: PATIENCE_MS }).not.toContain(null);
  nodes.push(startSynod(preferred));
  await expect.poll(leader, { timeout: PATIENCE_MS, interval: 100 }).toEqual([2, 2, 2]);
});
