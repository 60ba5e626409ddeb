import { expect, it } from "vitest";
import { createClock } from "./clock.ts";

it("runs timers in time and never before their time", async () => {
  const clock = createClock();
  const early: number[] = [];
  await Promise.all(
    Array.from({ length: 60 }, (_, index) => {
      const ms = index / 3;
      const due = clock.now() + ms;
      return new Promise<void>((resolve) => {
        clock.setTimer(ms, () => {
          if (clock.now() < due) early.push(ms);
          resolve();
        });
      });
    }),
  );
  expect(early).toEqual([]);
});

it("does not run what was cleared, nor anything after it was closed", async () => {
  const clock = createClock();
  const ran: string[] = [];
  const cleared = clock.setTimer(1, () => ran.push("cleared"));
  clock.setTimer(1, () => ran.push("kept"));
  clock.setTimer(40, () => ran.push("late"));
  clock.clearTimer(cleared);
  clock.clearTimer(12_345);
  await new Promise((resolve) => setTimeout(resolve, 20));
  clock.defer(() => ran.push("deferred"));
  clock.close();
  clock.setTimer(1, () => ran.push("set after close"));
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(ran).toEqual(["kept"]);
});

it("defers behind what is under way, in order", async () => {
  const clock = createClock();
  const order: number[] = [];
  clock.defer(() => order.push(2));
  clock.defer(() => order.push(3));
  queueMicrotask(() => order.push(1));
  order.push(0);
  await new Promise((resolve) => clock.defer(() => resolve(null)));
  expect(order).toEqual([0, 1, 2, 3]);
});
