import type { Clock, Disk } from "@synod/core";
import { describe, expect, test } from "vitest";
import { createGuard, guardedClock, guardedDisk } from "./guard.ts";

describe("a guard", () => {
  test("hands arguments through, and reports what is thrown instead of throwing it", () => {
    const reasons: string[] = [];
    const guard = createGuard(
      () => false,
      (reason) => reasons.push(reason),
    );
    const sums: number[] = [];
    guard((a: number, b: number) => sums.push(a + b))(2, 3);
    expect(sums).toEqual([5]);
    guard(() => {
      throw new Error("broken");
    })();
    expect(reasons[0]).toContain("broken");
    // With the place, so that the operator's log says where.
    expect(reasons[0]).toContain("guard.test.ts");
    expect(reasons).toHaveLength(1);
  });

  test("lets nothing through once the host has stopped", () => {
    let stopped = false;
    let calls = 0;
    const guarded = createGuard(
      () => stopped,
      () => expect.unreachable(),
    )(() => {
      calls += 1;
    });
    guarded();
    stopped = true;
    guarded();
    expect(calls).toBe(1);
  });
});

describe("guarded ports", () => {
  /** Calls every callback that it is given at once; reports by which port call it came. */
  function port<T extends object>(): T {
    return new Proxy({} as T, {
      get: (_, name) => {
        return (...args: unknown[]) => {
          const callback = args.find((arg) => typeof arg === "function");
          (callback as (name: string) => void)(String(name));
        };
      },
    });
  }

  const guard = createGuard(
    () => false,
    (reason) => stops.push(reason),
  );
  let stops: string[] = [];

  function fail(name: unknown): never {
    throw new Error(`thrown in ${name}`);
  }

  /** The port call that a reason names. */
  function place(reason: string): string {
    return /thrown in (\w+)/.exec(reason)?.[1] ?? reason;
  }

  test("no callback of the disk gets around the guard", () => {
    stops = [];
    const disk = guardedDisk(port<Disk>(), guard);
    disk.lock(fail);
    disk.unlock(fail);
    disk.list(fail);
    disk.create("a", fail);
    disk.size("a", fail);
    disk.read("a", 0, 1, fail);
    disk.write("a", 0, new Uint8Array(1), fail);
    disk.sync("a", fail);
    disk.rename("a", "b", fail);
    disk.remove("a", fail);
    disk.syncDirectory(fail);
    expect(stops.map(place)).toEqual(Object.keys(disk));
  });

  test("no callback of the clock gets around the guard", () => {
    stops = [];
    const clock = guardedClock(port<Clock>(), guard);
    clock.setTimer(1, () => fail("setTimer"));
    clock.defer(() => fail("defer"));
    expect(stops.map(place)).toEqual(["setTimer", "defer"]);
  });
});
