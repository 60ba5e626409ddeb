import { describe, expect, it } from "vitest";
import { draw } from "./addressed.ts";
import { Scheduler } from "./scheduler.ts";

describe("Scheduler", () => {
  it("runs events by time, and those of one time in the order they were scheduled", () => {
    const scheduler = new Scheduler();
    const expected: [number, number][] = [];
    const ran: [number, number][] = [];
    for (let n = 0; n < 2_000; n += 1) {
      const ms = draw(7, "timer", n) % 50;
      expected.push([ms, n]);
      scheduler.after(ms, 0, "frame", () => ran.push([scheduler.now, n]));
    }
    while (scheduler.step());
    expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    expect(ran).toEqual(expected);
  });

  it("never goes back in time, whatever events schedule", () => {
    const scheduler = new Scheduler();
    let last = 0;
    let left = 500;
    const event = (): void => {
      expect(scheduler.now).toBeGreaterThanOrEqual(last);
      last = scheduler.now;
      left -= 1;
      if (left > 0) scheduler.after((draw(3, "delay", left) % 9) - 2, 0, "frame", event);
    };
    scheduler.after(1, 0, "frame", event);
    scheduler.after(4, 0, "frame", event);
    while (scheduler.step());
    expect(left).toBeLessThanOrEqual(0);
  });

  it("forgets cancelled timers", () => {
    const scheduler = new Scheduler();
    const ran: string[] = [];
    const handle = scheduler.after(1, 0, "timer", () => ran.push("cancelled"));
    scheduler.after(1, 0, "timer", () => ran.push("kept"));
    scheduler.cancel(handle);
    while (scheduler.step());
    expect(ran).toEqual(["kept"]);
  });

  it("holds the events of a paused owner back, in order, and nobody else's", () => {
    const scheduler = new Scheduler();
    const ran: string[] = [];
    for (const ms of [1, 2, 3]) {
      scheduler.after(ms, 0, "frame", () => ran.push(`a${ms}@${scheduler.now}`));
      scheduler.after(ms, 1, "frame", () => ran.push(`b${ms}@${scheduler.now}`));
    }
    scheduler.pause(0, 10);
    while (scheduler.step());
    expect(ran).toEqual(["b1@1", "b2@2", "b3@3", "a1@10", "a2@10", "a3@10"]);
  });
});
