import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProtocolName } from "@synod/server";
import { type CellHistory, checkHistory, keyValueModel, writeHistory } from "@synod/simulator";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readEverywhere } from "./soak/read-everywhere.ts";
import { type RunningWorkload, startWorkload, type Workload } from "./soak/workload.ts";
import { type Demo, freeBasePort, startDemo, temporaryFolder } from "./testing/demo-process.ts";

/** Far more than any of it takes on a quiet machine: a loaded one must not fail for being slow. */
const PATIENCE_MS = 30_000;

interface Endurance {
  readonly protocol: ServerProtocolName;
  /** How often the leader is killed, and then all nodes at once. */
  readonly leaders: number;
  readonly all: number;
}

/** What `synod soak --protocol` does for as long as one likes is here kept short. */
const ENDURANCE: readonly Endurance[] = [
  { protocol: "multipaxos", leaders: 10, all: 3 },
  { protocol: "omnipaxos", leaders: 3, all: 1 },
];

let folder: ReturnType<typeof temporaryFolder>;
let demo: Demo;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  await demo.stop();
  folder.remove();
});

async function start(protocol: ServerProtocolName): Promise<RunningWorkload> {
  const args = ["--protocol", protocol];
  demo = startDemo({ folder: folder.path, basePort: await freeBasePort(), args });
  const all = await demo.ready(PATIENCE_MS);
  expect(all.map((status) => status.protocol)).toEqual([protocol, protocol, protocol]);
  return startWorkload(demo.urls);
}

async function leader(): Promise<{ id: number; pid: number }> {
  const all = await demo.ready(PATIENCE_MS);
  const found = all.find(({ id, leader }) => id === leader);
  if (found === undefined) throw new Error("nobody leads");
  return found;
}

/** Until the clients have got so many more answers. */
async function work(workload: RunningWorkload, answers: number): Promise<void> {
  const goal = workload.progress() + answers;
  const deadline = Date.now() + PATIENCE_MS;
  while (workload.progress() < goal) {
    if (Date.now() > deadline) throw new Error("the clients make no progress");
    await sleep(10);
  }
}

/** Leaves the history behind for `synod check` when no order explains it. */
function expectLinearizable(history: CellHistory): void {
  const verdict = checkHistory(history, keyValueModel);
  if (verdict.kind === "linearizable") return;
  const file = join(mkdtempSync(join(tmpdir(), "synod-history-")), "history.jsonl");
  writeFileSync(file, writeHistory(history));
  throw new Error(`${verdict.kind}: synod check ${file}`);
}

/** What all clients saw fits one order, and nothing that was acknowledged is missing anywhere. */
async function expectNothingLost(workload: Workload): Promise<void> {
  expect(workload.violations).toEqual([]);
  const keys = [...new Set(workload.history.map(({ key }) => key))];
  const last = await readEverywhere(demo.urls, keys);
  const missing = new Set(workload.acknowledged);
  const lost = last.filter(
    ({ key, output }) => missing.has(key) && output?.kind === "value" && output.value !== key,
  );
  expect(lost).toEqual([]);
  expect(last.filter(({ key }) => missing.has(key))).toHaveLength(3 * missing.size);
  expectLinearizable([...workload.history, ...last]);
}

test.each(ENDURANCE)(
  "$protocol: kill -9 of the leader $leaders times, then of all $all times",
  async ({ protocol, leaders, all: rounds }) => {
    const workload = await start(protocol);
    for (let kill = 0; kill < leaders; kill += 1) {
      const { pid } = await leader();
      await work(workload, 100);
      process.kill(pid, "SIGKILL");
      await work(workload, 20);
    }
    for (let kill = 0; kill < rounds; kill += 1) {
      const all = await demo.ready(PATIENCE_MS);
      await work(workload, 100);
      for (const { pid } of all) process.kill(pid, "SIGKILL");
      await work(workload, 20);
    }
    const seen = await workload.stop();
    const after = await demo.ready(PATIENCE_MS);
    expect(after.map(({ voter }) => voter)).toEqual([true, true, true]);
    const starts = after.reduce((sum, { incarnation }) => sum + incarnation, 0);
    expect(starts).toBe(3 + leaders + 3 * rounds);
    expect(seen.acknowledged.length).toBeGreaterThan(100);
    expect(seen.repeated.attempts).toBeGreaterThan(seen.repeated.writes);
    await expectNothingLost(seen);
  },
  180_000,
);

test("a leader that stands still for ten seconds and goes on", async () => {
  const workload = await start("multipaxos");
  const { id, pid } = await leader();
  await work(workload, 100);
  process.kill(pid, "SIGSTOP");
  const stoppedAt = Date.now();
  try {
    const others = demo.urls.map((_, node) => node).filter((node) => node !== id);
    const leaders = () =>
      Promise.all(others.map(async (node) => (await demo.status(node)).leader ?? id));
    await expect.poll(leaders, { timeout: 9_000 }).not.toContain(id);
    await work(workload, 200);
    await sleep(Math.max(0, stoppedAt + 10_000 - Date.now()));
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await demo.ready(PATIENCE_MS);
  await work(workload, 200);
  const seen = await workload.stop();
  const after = await demo.ready(PATIENCE_MS);
  expect(after.find((status) => status.id === id)?.pid).toBe(pid);
  await expectNothingLost(seen);
}, 120_000);
