import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { MemberList } from "@synod/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readEverywhere } from "../soak/read-everywhere.ts";
import {
  type Demo,
  freeBasePort,
  type Running,
  runSynod,
  startDemo,
  startSynod,
  temporaryFolder,
} from "../testing/demo-process.ts";
import { startSteadyWriter } from "../testing/steady-writer.ts";

const GUIDE = fileURLToPath(new URL("../../../../docs/guide/changing-members.md", import.meta.url));
const PATIENCE = { timeout: 30_000 };
/** How long a writer may have to wait while members come and go. */
const WAIT_MS = 2_000;
/** What a command may say before it is done. */
const WAITING = /^synod: the change waits: .*\n/gm;

let folder: ReturnType<typeof temporaryFolder>;
let demo: Demo;
let newcomers: Running[];

beforeEach(() => {
  folder = temporaryFolder();
  newcomers = [];
});

afterEach(async () => {
  for (const { child, finished } of newcomers) {
    child.kill("SIGTERM");
    await finished;
  }
  await demo.stop();
  folder.remove();
});

/** The commands of the guide, with the folder and the ports of this cluster. */
function guide(): readonly string[][] {
  const page = readFileSync(GUIDE, "utf8");
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  const commands = blocks.join("").trim().split("\n");
  const portOf = (kind: string, id: string): string =>
    String(demo.basePort + (kind === "9" ? 1_000 : 0) + Number(id));
  return commands.map((command) =>
    command
      .replaceAll(".synod/", `${folder.path}/`)
      .replace(/\b([89])08(\d)\b/g, (_, kind: string, id: string) => portOf(kind, id))
      .split(" ")
      .slice(1),
  );
}

/** Does what the guide says, and gives what each command printed. */
async function perform(args: readonly string[]): Promise<string> {
  const [name = "", ...rest] = args;
  if (name === "member") return member(...rest);
  if (name === "start") {
    const node = startSynod(args);
    newcomers.push(node);
    await expect.poll(() => node.stdout(), PATIENCE).toMatch(/serves http.*does not vote/);
    return node.stdout();
  }
  const finished = await runSynod(args);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  return finished.stdout;
}

async function member(...args: readonly string[]): Promise<string> {
  const urls = demo.urls.slice(1).join();
  const patience = ["--timeout", "20000"];
  const finished = await runSynod(["member", ...args, "--url", urls, ...patience]);
  expect([finished.code, finished.stderr.replaceAll(WAITING, "")]).toEqual([0, ""]);
  return finished.stdout;
}

async function ids(): Promise<number[]> {
  const list = JSON.parse(await member("list", "--json")) as MemberList;
  return list.members.map(({ id }) => id);
}

/** All that was acknowledged, at each of these nodes. */
async function expectAllAt(urls: readonly string[], keys: readonly string[]): Promise<void> {
  const held = await readEverywhere(urls, keys);
  expect(held).toHaveLength(urls.length * keys.length);
  const lost = held.filter(({ key, output }) => output?.kind === "value" && output.value !== key);
  expect(lost).toEqual([]);
}

test.each(["multipaxos", "omnipaxos"])(
  "%s: one is added, one killed and replaced, as the guide says",
  async (protocol) => {
    const basePort = await freeBasePort();
    demo = startDemo({ folder: folder.path, basePort, args: ["--protocol", protocol] });
    await demo.ready();
    const writer = startSteadyWriter(demo.urls.slice(1));
    const steps = guide();
    expect(steps).toHaveLength(8);
    for (const step of steps.slice(0, 3)) await perform(step);
    expect(await ids()).toEqual([0, 1, 2, 3]);
    for (const step of steps.slice(3, 5)) await perform(step);
    process.kill((await demo.status(0)).pid, "SIGKILL");
    expect(await perform(steps[5] ?? [])).toMatch(/^configuration 3 goes on after slot \d+\n$/);
    await expect.poll(ids, PATIENCE).toEqual([1, 2, 3, 4]);
    expect(await perform(steps[6] ?? [])).toMatch(
      /^NODE +PEER[\s\S]*^configuration 3, after slot/m,
    );
    const membership = async () => (await demo.status(0).catch(() => null))?.membership;
    await expect.poll(membership, PATIENCE).toMatch(/^retir(ing|ed)$/);
    const written = writer.acknowledged.length;
    await expect.poll(() => writer.acknowledged.length, PATIENCE).toBeGreaterThan(written + 50);
    await writer.stop();
    const urls = [1, 2, 3, 4].map((id) => `http://127.0.0.1:${basePort + id}`);
    await expectAllAt(urls, [...writer.acknowledged]);
    expect(writer.longestWaitMs()).toBeLessThan(WAIT_MS + 2 * writer.longestStallMs());
    expect(await perform(steps[7] ?? [])).toMatch(/^configuration 4 goes on after slot \d+\n$/);
    await expect.poll(ids, PATIENCE).toEqual([1, 2]);
    await demo.stop();
    demo = startDemo({ folder: folder.path, basePort });
    await expect.poll(() => demo.stdout(), PATIENCE).toContain("members by now: 1, 2 (conf");
  },
  120_000,
);
