import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Supervised, type Supervision, supervise } from "./supervise.ts";

let folder: string;
let events: string[];
let pids: number[];
let supervised: Supervised | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synod-supervise-"));
  events = [];
  pids = [];
  supervised = null;
});

afterEach(async () => {
  await supervised?.stop();
  rmSync(folder, { recursive: true });
});

/** Supervises a program given as JavaScript. */
function run(program: string): Supervised {
  const options: Supervision = {
    command: process.execPath,
    args: ["-e", program],
    logFile: join(folder, "log"),
    started: (pid) => {
      pids.push(pid);
      events.push("started");
    },
    died: (how, delayMs) => events.push(`${how}, ${delayMs}`),
    complained: (line) => events.push(`complained ${line}`),
    hopeless: (exit, complaint) => events.push(`hopeless ${exit} ${complaint}`),
  };
  supervised = supervise(options);
  return supervised;
}

const WAITS = "process.stdin.resume(); console.log('up')";

function until(condition: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(condition()).toBe(true), { timeout: 8000, interval: 10 });
}

function log(): string {
  return readFileSync(join(folder, "log"), "utf8");
}

test("starts again whoever dies, with growing pauses", async () => {
  run(WAITS);
  for (const starts of [1, 2, 3]) {
    await until(() => log().length === starts * 3);
    process.kill(pids.at(-1) ?? 0, "SIGKILL");
    await until(() => pids.length === starts + 1);
  }
  expect(events.filter((event) => event !== "started")).toEqual([
    "was ended by SIGKILL, 100",
    "was ended by SIGKILL, 200",
    "was ended by SIGKILL, 400",
  ]);
  expect(new Set(pids).size).toBe(4);
});

test("gives up on one that says that its configuration is wrong, with its last words", async () => {
  run("console.error('first'); console.error('synod: port 1 is taken'); process.exitCode = 3");
  await until(() => events.length >= 4);
  expect(events).toEqual([
    "started",
    "complained first",
    "complained synod: port 1 is taken",
    "hopeless port synod: port 1 is taken",
  ]);
});

test("tries again with that one when it has worked before", async () => {
  run("process.exitCode = 3").markWorking();
  await until(() => pids.length === 2);
  expect(events[1]).toBe("ended with exit code 3, 100");
});

test("stops when asked, and starts no more", async () => {
  const running = run(
    `process.on("SIGTERM", () => { console.log("bye"); process.exit() }); ${WAITS}`,
  );
  await until(() => log() === "up\n");
  await running.stop();
  expect([log(), events]).toEqual(["up\nbye\n", ["started"]]);
});

test("one that ends by itself after it was retired is not started again", async () => {
  const running = run(WAITS);
  await until(() => log() === "up\n");
  running.retire();
  process.kill(pids[0] ?? 0, "SIGTERM");
  await running.stop();
  await new Promise((done) => setTimeout(done, 300));
  expect(events).toEqual(["started"]);
});

test("stops also between two starts", async () => {
  const running = run("process.exitCode = 1");
  await until(() => events.length === 2);
  await running.stop();
  await new Promise((done) => setTimeout(done, 300));
  expect(events).toEqual(["started", "ended with exit code 1, 100"]);
});

test("one that cannot be started at all is tried again", async () => {
  supervised = supervise({
    command: join(folder, "missing"),
    args: [],
    logFile: join(folder, "log"),
    started: () => events.push("started"),
    died: (how) => events.push(how),
    complained: () => {},
    hopeless: () => events.push("hopeless"),
  });
  await until(() => events.length === 2);
  expect(events[0]).toMatch(/could not be started .*ENOENT/);
});
