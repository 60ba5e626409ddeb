import {
  type Clock,
  type Command,
  type Deliver,
  EMPTY_FOOTPRINT,
  type Position,
} from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
import type { Execution } from "../execution.ts";
import { Deliveries } from "./deliveries.ts";

const TURN = 2048;

let log: string[];
let turns: (() => void)[];
/** Turns that come after a rest, and how long that is. */
let rests: { readonly ms: number; readonly turn: () => void }[];
let now: number;
/** Of each command. */
let takesMs: number;
let isAwaited: boolean;
let executedUpTo: Position;
let deliveries: Deliveries;
let onBarrier: () => void;

/** Executes by writing down; the position moves only when a delivery is whole. */
const execution = {
  get executedUpTo(): Position {
    return executedUpTo;
  },
  execute: (position: Position, command: Command) => {
    log.push(`${position.index}:${command.sequence}`);
    now += takesMs;
    return { kind: "done", position, result: new Uint8Array(0), repeated: false };
  },
  advance: (position: Position) => {
    executedUpTo = position;
  },
} as unknown as Execution;

beforeEach(() => {
  log = [];
  turns = [];
  rests = [];
  now = 0;
  takesMs = 0;
  isAwaited = false;
  onBarrier = () => undefined;
  executedUpTo = { log: 0, index: 0 };
  const clock = {
    now: () => now,
    defer: (turn: () => void) => turns.push(turn),
    setTimer: (ms: number, turn: () => void) => rests.push({ ms, turn }),
  } as unknown as Clock;
  deliveries = new Deliveries(execution, clock, {
    executed: (_, executed, position) => {
      if (executed.kind !== "done" || executed.position !== position) log.push("wrong answer");
    },
    barrier: (position, image) => {
      log.push(`barrier ${position.index} ${image.join()} at ${executedUpTo.index}`);
      onBarrier();
    },
    stopped: (position, _, stop) => log.push(`stopped ${position.index} by ${stop.sequence}`),
    advanced: () => log.push(`advanced ${executedUpTo.index}`),
    isAwaited: () => isAwaited,
  });
});

function command(sequence: number, kind: Command["kind"] = "apply"): Command {
  return {
    kind,
    client: "c",
    sequence,
    acknowledged: 1,
    origin: 0,
    payload: new Uint8Array(0),
    footprint: EMPTY_FOOTPRINT,
  };
}

function delivery(index: number, commands: readonly Command[], image: number[] = []): Deliver {
  return {
    kind: "deliver",
    position: { log: 0, index },
    commands,
    image: Uint8Array.from(image),
  };
}

function many(count: number): Command[] {
  return Array.from({ length: count }, (_, index) => command(index + 1));
}

function take(): string[] {
  return log.splice(0);
}

function nextTurn(): void {
  for (const callback of turns.splice(0)) callback();
}

test("executes at once, in order, and then says how far it came", () => {
  deliveries.add(delivery(1, [command(1), command(2)]));
  deliveries.add(delivery(4, [command(3)]));
  expect(take()).toEqual(["1:1", "1:2", "advanced 1", "4:3", "advanced 4"]);
});

test("advances over an instance with nothing to execute", () => {
  deliveries.add(delivery(3, []));
  expect(take()).toEqual(["advanced 3"]);
});

test("tells of a barrier or a stop when its whole delivery is executed, with its image", () => {
  deliveries.add(delivery(1, [command(1), command(2, "barrier"), command(3)], [7, 8]));
  expect(take()).toEqual(["1:1", "1:2", "1:3", "barrier 1 7,8 at 1", "advanced 1"]);
  deliveries.add(delivery(2, [command(4, "stop")]));
  expect(take()).toEqual(["2:4", "stopped 2 by 4", "advanced 2"]);
});

test("a turn executes its share, in the middle of a delivery too, and the next ones go on", () => {
  deliveries.add(delivery(1, many(TURN - 1)));
  expect(take()).toHaveLength(TURN);
  deliveries.add(delivery(2, many(3)));
  expect(take()).toEqual(["2:1", "advanced 1"]);
  expect(deliveries.isReadable, "half of the batch at 2 is executed").toBe(false);
  deliveries.add(delivery(3, many(1)));
  expect(take()).toEqual(["advanced 1"]);
  expect(deliveries.waiting).toBe(2);
  nextTurn();
  expect(take()).toEqual(["2:2", "2:3", "3:1", "advanced 3"]);
  expect(deliveries.isReadable).toBe(true);
  expect(deliveries.waiting).toBe(0);
});

test("a backlog of any size is worked off by turns alone, each no longer than its share", () => {
  for (let index = 1; index <= 10; index += 1) deliveries.add(delivery(index, many(1_000)));
  let rounds = 0;
  const sizes = [take().length];
  while (turns.length > 0) {
    rounds += 1;
    nextTurn();
    sizes.push(take().filter((word) => !word.startsWith("advanced")).length);
  }
  expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(TURN);
  expect([executedUpTo.index, deliveries.waiting]).toEqual([10, 0]);
  expect(rounds).toBeLessThan(10);
});

describe("a backlog", () => {
  /** Of a hundred turns; after each of them so many more deliveries of half a turn come. */
  function backlog(arriving: number): { rested: number; left: number } {
    takesMs = 0.01;
    let index = 0;
    const add = (count: number): void => {
      for (let added = 0; added < count; added += 1) {
        index += 1;
        deliveries.add(delivery(index, many(TURN / 2)));
      }
    };
    add(200);
    let rested = 0;
    for (let turn = 0; turn < 50; turn += 1) {
      const [rest] = rests.splice(0);
      if (rest !== undefined) expect(rest.ms).toBeCloseTo(TURN * takesMs);
      rested += rest?.ms ?? 0;
      now += rest?.ms ?? 0;
      rest?.turn();
      nextTurn();
      add(arriving);
    }
    return { rested, left: deliveries.waiting };
  }

  test("is worked off in half of the time while more comes", () => {
    const { rested, left } = backlog(1);
    expect(rested).toBeCloseTo(now / 2, -2);
    expect(left).toBeLessThan(155);
  });

  test("at once when nothing more comes, or too much to get to the end of it", () => {
    expect(backlog(0)).toEqual({ rested: 0, left: 98 });
    expect(backlog(2).rested).toBe(0);
  });

  test("at once when somebody waits for it", () => {
    isAwaited = true;
    expect(backlog(1).rested).toBe(0);
  });
});

test("executes nothing while paused; afterwards what the new state covers is skipped", () => {
  deliveries.pause();
  for (const index of [1, 2, 3]) deliveries.add(delivery(index, [command(index)]));
  nextTurn();
  expect([take(), deliveries.isReadable]).toEqual([[], false]);
  executedUpTo = { log: 0, index: 2 };
  deliveries.resume();
  expect(take()).toEqual(["3:3", "advanced 3"]);
});

test("a pause in the middle of a delivery that the new state covers drops its rest", () => {
  deliveries.add(delivery(1, many(TURN + 5)));
  take();
  deliveries.pause();
  executedUpTo = { log: 0, index: 1 };
  deliveries.resume();
  nextTurn();
  expect(take().filter((word) => word.startsWith("1:"))).toEqual([]);
  deliveries.add(delivery(2, [command(9)]));
  nextTurn();
  expect(take()).toContain("2:9");
});

test("a pause that a barrier causes stops the deliveries behind it", () => {
  onBarrier = () => deliveries.pause();
  deliveries.add(delivery(1, many(TURN + 1)));
  deliveries.add(delivery(2, [command(1, "barrier")]));
  deliveries.add(delivery(3, [command(2)]));
  take();
  nextTurn();
  expect(take().filter((word) => !word.startsWith("advanced"))).toEqual([
    `1:${TURN + 1}`,
    "2:1",
    "barrier 2  at 2",
  ]);
  expect(deliveries.waiting).toBe(1);
  deliveries.resume();
  expect(take()).toEqual(["3:2", "advanced 3"]);
});
