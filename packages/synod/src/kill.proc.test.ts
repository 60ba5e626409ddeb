import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask } from "./http.ts";
import { type Demo, freeBasePort, startDemo, temporaryFolder } from "./testing/demo-process.ts";
import { whyNotLinearizable } from "./testing/register-history.ts";
import { type RunningWorkload, startWorkload, type Workload } from "./testing/workload.ts";

let folder: ReturnType<typeof temporaryFolder>;
let demo: Demo;

beforeEach(async () => {
  folder = temporaryFolder();
  demo = startDemo({ folder: folder.path, basePort: await freeBasePort() });
  await demo.ready();
});

afterEach(async () => {
  await demo.stop();
  folder.remove();
});

async function leader(): Promise<{ id: number; pid: number }> {
  const all = await demo.ready();
  const found = all.find(({ id, leader }) => id === leader);
  if (found === undefined) throw new Error("nobody leads");
  return found;
}

/** Until the clients have got so many more answers. */
async function work(workload: RunningWorkload, answers: number): Promise<void> {
  const goal = workload.progress() + answers;
  const deadline = Date.now() + 20_000;
  while (workload.progress() < goal) {
    if (Date.now() > deadline) throw new Error("the clients make no progress");
    await sleep(10);
  }
}

async function get(node: number, key: string): Promise<string | null> {
  const url = demo.urls[node] ?? "";
  const answer = await ask({ method: "GET", url, path: `/${key}`, timeoutMs: 10_000 });
  if (answer.status !== 200 && answer.status !== 404) throw new Error(`${answer.status}`);
  return answer.status === 404 ? null : answer.body.toString();
}

/** What all clients saw fits one order, and nothing that was acknowledged is missing anywhere. */
async function expectNothingLost(workload: Workload): Promise<void> {
  expect(workload.violations).toEqual([]);
  const lost: string[] = [];
  for (const [index, key] of workload.acknowledged.entries())
    if ((await get(index % demo.urls.length, key)) !== key) lost.push(key);
  expect(lost).toEqual([]);
  const last = [];
  for (const node of demo.urls.keys()) {
    for (const key of ["left", "right", "middle"]) {
      const startMs = performance.now();
      const value = await get(node, key);
      last.push({ kind: "read" as const, key, value, startMs, endMs: performance.now() });
    }
  }
  expect(whyNotLinearizable([...workload.history, ...last])).toBeNull();
}

test("kill -9 of the leader ten times, and of all nodes at once three times", async () => {
  const workload = startWorkload(demo.urls);
  for (let kill = 0; kill < 10; kill += 1) {
    const { pid } = await leader();
    await work(workload, 100);
    process.kill(pid, "SIGKILL");
    await work(workload, 20);
  }
  for (let kill = 0; kill < 3; kill += 1) {
    const all = await demo.ready();
    await work(workload, 100);
    for (const { pid } of all) process.kill(pid, "SIGKILL");
    await work(workload, 20);
  }
  const seen = await workload.stop();
  const after = await demo.ready();
  expect(after.map(({ voter }) => voter)).toEqual([true, true, true]);
  const starts = after.reduce((sum, { incarnation }) => sum + incarnation, 0);
  expect(starts).toBeGreaterThanOrEqual(3 + 10 + 9);
  expect(seen.acknowledged.length).toBeGreaterThan(100);
  expect(seen.repeated.attempts).toBeGreaterThan(seen.repeated.writes);
  await expectNothingLost(seen);
}, 180_000);

test("a leader that stands still for ten seconds and goes on", async () => {
  const workload = startWorkload(demo.urls);
  const { id, pid } = await leader();
  await work(workload, 100);
  process.kill(pid, "SIGSTOP");
  try {
    const others = demo.urls.map((_, node) => node).filter((node) => node !== id);
    const until = Date.now() + 10_000;
    await sleep(2_500);
    const before = workload.progress();
    for (const node of others) expect((await demo.status(node)).leader).not.toBe(id);
    await sleep(until - Date.now());
    expect(workload.progress() - before).toBeGreaterThan(200);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await demo.ready();
  await work(workload, 200);
  const seen = await workload.stop();
  const after = await demo.ready();
  expect(after.find((status) => status.id === id)?.pid).toBe(pid);
  await expectNothingLost(seen);
}, 120_000);
