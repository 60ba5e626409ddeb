import type { Clock } from "@synod/core";
import { beforeEach, expect, test } from "vitest";
import { SpareTime } from "./spare-time.ts";

let now = 0;
let timers: { readonly at: number; readonly run: () => void }[] = [];
let spare: SpareTime;

beforeEach(() => {
  now = 0;
  timers = [];
  const setTimer = (ms: number, run: () => void): number => timers.push({ at: now + ms, run });
  const clock: Clock = {
    now: () => now,
    setTimer,
    clearTimer: () => undefined,
    defer: (run) => void setTimer(0, run),
  };
  spare = new SpareTime(clock);
});

/** Takes so long on the event loop. */
function work(ms: number): void {
  now += ms;
}

/** When the next timer falls due; it runs. */
function next(): number {
  const timer = timers.shift();
  if (timer === undefined) return Number.NaN;
  now = Math.max(now, timer.at);
  timer.run();
  return timer.at;
}

/** Slices of 5 ms, one after the other: when each of them begins. */
function slices(count: number): number[] {
  const begun: number[] = [];
  const slice = (): void => {
    begun.push(now);
    work(5);
    if (begun.length < count) spare.soon(slice);
  };
  spare.soon(slice);
  for (let run = 0; run < count; run += 1) next();
  return begun;
}

test("while no commands come, one slice follows the other", () => {
  expect(slices(4)).toEqual([0, 5, 10, 15]);
});

test("while commands come, a twentieth of the time is for slices", () => {
  spare.commandsCame(false);
  expect(slices(3)).toEqual([0, 100, 200]);
});

test("a quarter of it, where they cannot be executed before the slices are done", () => {
  spare.commandsCame(true);
  expect(slices(3)).toEqual([0, 20, 40]);
});

test("commands come for a while after the last of them, and then no more", () => {
  spare.commandsCame(false);
  expect(slices(5)).toEqual([0, 100, 200, 205, 210]);
});

test("a node that is not told of commands takes it that they come", () => {
  spare.hearsOfCommands(false);
  expect(slices(4)).toEqual([0, 100, 200, 300]);
  spare.hearsOfCommands(true);
  const from = now;
  expect(slices(2)).toEqual([from, from + 5]);
});

test("what was counted is rested from, whoever comes next and however it was nested", () => {
  spare.commandsCame(false);
  const inner = spare.counted((ms: number) => work(ms));
  spare.counted(() => {
    work(3);
    inner(4);
  })();
  expect(now).toBe(7);
  let ran = Number.NaN;
  spare.whenRested(() => {
    ran = now;
  });
  expect(next()).toBe(140);
  expect(ran).toBe(140);
});

test("a slice that asks for the next one before it ends rests from what it has taken", () => {
  spare.commandsCame(false);
  spare.counted(() => {
    work(5);
    spare.whenRested(() => undefined);
  })();
  expect(next()).toBe(100);
});

test("what is rested runs at once", () => {
  spare.commandsCame(false);
  let ran = false;
  spare.whenRested(() => {
    ran = true;
  });
  expect([ran, timers.length]).toEqual([true, 0]);
});

test("what throws has taken its time all the same", () => {
  spare.commandsCame(false);
  const failing = spare.counted(() => {
    work(2);
    throw new Error("no");
  });
  expect(failing).toThrow("no");
  spare.soon(() => undefined);
  expect(next()).toBe(40);
});
