import {
  ABOUT_META,
  type Clock,
  type Deliver,
  type Done,
  type Effect,
  type Input,
  type JournalRecord,
  type Protocol,
  type ProtocolStatus,
} from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
import { createGuard, guardedClock } from "../guard.ts";
import type { Journal } from "../journal/journal.ts";
import { Replica } from "./replica.ts";

type Message = string;

let log: string[];
/** What the protocol answers to an input, by the input's name. */
let script: Record<string, Effect<Message>[]>;
let timers: Map<number, { ms: number; callback: () => void }>;
let deferred: (() => void)[];
let flushes: Done[];
let stopped: boolean;
let replica: Replica<null, Message>;

function nameOf(input: Input<Message>): string {
  if (input.kind === "message") return `${input.message} from ${input.from}`;
  return input.kind === "timeout" ? `timeout ${input.name}` : input.kind;
}

const protocol = {
  name: "scripted",
  create: () => null,
  step: (_: null, input: Input<Message>) => {
    log.push(`step ${nameOf(input)}`);
    return script[nameOf(input)] ?? [];
  },
  status: () => ({ role: "scripted" }) as ProtocolStatus,
} as unknown as Protocol<null, Message>;

const journal = {
  append: (record: JournalRecord) => log.push(`append ${record.record[0]}`),
  checkpoint: (records: readonly JournalRecord[]) => log.push(`checkpoint of ${records.length}`),
  flush: (done: Done) => {
    log.push("flush");
    flushes.push(done);
  },
  close: (done: Done) => {
    log.push("close");
    done(null);
  },
} as unknown as Journal;

beforeEach(() => {
  log = [];
  script = {};
  timers = new Map();
  deferred = [];
  flushes = [];
  stopped = false;
  let handles = 0;
  const clock: Clock = {
    now: () => 0,
    setTimer: (ms, callback) => {
      handles += 1;
      timers.set(handles, { ms, callback });
      return handles;
    },
    clearTimer: (handle) => timers.delete(handle),
    defer: (callback) => deferred.push(callback),
  };
  replica = new Replica<null, Message>({
    protocol,
    settings: { self: 0, members: [0, 1], quorums: null as never, seed: 1, roles: [], tuning: {} },
    clock: guardedClock(
      clock,
      createGuard(
        () => stopped,
        (reason) => log.push(`died: ${reason.split("\n")[0]}`),
      ),
    ),
    journal,
    handler: {
      transmit: (to, message) => log.push(`${message} to ${to.join("+")}`),
      deliver: (effect) => log.push(`deliver ${effect.position.index}`),
      release: () => log.push("release"),
      readable: () => log.push("readable"),
      requestState: () => log.push("requestState"),
      observe: (effect) => log.push(`observe ${effect.event}`),
      journalFailed: (error) => log.push(`journal failed: ${error.code}`),
      journalWorks: () => undefined,
    },
  });
});

const persist = (byte: number): Effect<Message> => ({
  kind: "persist",
  record: Uint8Array.of(byte),
  about: ABOUT_META,
});
const note = (byte: number): Effect<Message> =>
  ({ ...persist(byte), kind: "note" }) as Effect<Message>;
const send = (message: string, ...to: number[]): Effect<Message> => ({ kind: "send", to, message });
const timer = (name: string, ms: number | null): Effect<Message> => ({ kind: "timer", name, ms });
const hear = (message: string): void => replica.input({ kind: "message", from: 1, message });

function take(): string[] {
  return log.splice(0);
}

function turn(): void {
  for (const callback of deferred.splice(0)) callback();
}

/** The flush under way ends. */
function flushed(error: Parameters<Done>[0] = null): void {
  flushes.shift()?.(error);
}

function fire(ms: number): void {
  const found = [...timers].find(([, timer]) => timer.ms === ms);
  if (found === undefined) throw new Error(`no timer of ${ms} ms`);
  timers.delete(found[0]);
  found[1].callback();
}

describe("the disk", () => {
  test("one flush serves all that a turn appended; sends wait for it", () => {
    script = { "a from 1": [persist(1), send("A", 1)], "b from 1": [persist(2), send("B", 1)] };
    hear("a");
    hear("b");
    expect(take()).toEqual(["step a from 1", "append 1", "step b from 1", "append 2"]);
    turn();
    expect(take()).toEqual(["flush"]);
    flushed();
    expect(take()).toEqual(["A to 1", "B to 1"]);
  });

  test("what comes during a flush waits for the next, which begins at once", () => {
    script = { "a from 1": [persist(1), send("A", 1)], "b from 1": [persist(2), send("B", 1)] };
    hear("a");
    turn();
    hear("b");
    turn();
    expect(take().filter((word) => word === "flush")).toHaveLength(1);
    flushed();
    expect(take()).toEqual(["A to 1", "flush"]);
    expect(replica.waitingForDisk).toBe(2);
    flushed();
    expect([take(), replica.waitingForDisk]).toEqual([["B to 1"], 0]);
  });

  test("a message to oneself is a step of its own, once what was before it is durable", () => {
    script = { "a from 1": [persist(1), send("mine", 0, 1)], "mine from 0": [send("B", 1)] };
    hear("a");
    turn();
    take();
    flushed();
    expect(take()).toEqual(["mine to 1", "step mine from 0", "B to 1"]);
  });

  test("nothing is flushed for a step that appends nothing", () => {
    script = { "a from 1": [send("A", 1)] };
    hear("a");
    turn();
    expect([take(), deferred.length]).toEqual([["step a from 1", "A to 1"], 0]);
  });

  test("notes travel with the next barrier, or alone after a while", () => {
    script = { "a from 1": [note(1)] };
    hear("a");
    turn();
    expect(take()).toEqual(["step a from 1", "append 1"]);
    fire(50);
    expect(take()).toEqual(["flush"]);
    flushed();
    hear("a");
    expect(timers.size).toBe(1);
  });

  test("without room is tried again; everything else is told and left", () => {
    script = { "a from 1": [persist(1), send("A", 1)] };
    hear("a");
    turn();
    flushed({ code: "no-space", message: "full" });
    expect(take().slice(2)).toEqual(["flush", "journal failed: no-space"]);
    fire(1000);
    flushed();
    expect(take()).toEqual(["flush", "A to 1"]);
    hear("a");
    turn();
    flushed({ code: "io", message: "broken" });
    expect(take().slice(2)).toEqual(["flush", "journal failed: io"]);
    expect(timers.size).toBe(0);
  });
});

describe("steps", () => {
  test("one input after the other: effects that cause inputs do not interrupt the step", () => {
    const delivery: Deliver = {
      kind: "deliver",
      position: { log: 0, index: 1 },
      commands: [],
      image: new Uint8Array(0),
    };
    script = {
      "a from 1": [send("first", 0), send("second", 0), delivery],
      "first from 0": [send("third", 0)],
    };
    hear("a");
    expect(take()).toEqual([
      "step a from 1",
      "deliver 1",
      "step first from 0",
      "step second from 0",
      "step third from 0",
    ]);
  });

  test("what a step throws ends the host, by the guard of whoever fed it", () => {
    script = { "timeout t": null as never };
    script["a from 1"] = [timer("t", 5)];
    hear("a");
    const step = protocol.step;
    Object.assign(protocol, {
      step: () => {
        throw new Error("a bug");
      },
    });
    fire(5);
    Object.assign(protocol, { step });
    expect(take()).toContain("died: Error: a bug");
  });
});

describe("timers", () => {
  test("are set, moved and cleared by name", () => {
    script = {
      "set from 1": [timer("t", 10), timer("u", 20)],
      "move from 1": [timer("t", 30)],
      "clear from 1": [timer("u", null), timer("never set", null)],
    };
    hear("set");
    hear("move");
    hear("clear");
    expect([...timers.values()].map(({ ms }) => ms)).toEqual([30]);
    take();
    fire(30);
    expect([take(), timers.size]).toEqual([["step timeout t"], 0]);
  });
});

describe("the end", () => {
  test("closing flushes what was appended, and then the journal", () => {
    script = { "a from 1": [persist(1), send("A", 1), timer("t", 9)] };
    hear("a");
    take();
    replica.close(() => log.push("closed"));
    expect([take(), timers.size]).toEqual([["flush"], 0]);
    flushed();
    expect(take()).toEqual(["close", "closed"]);
    hear("a");
    turn();
    expect(take()).toEqual([]);
  });

  test("closing waits for a flush under way, though its host is stopped already", () => {
    script = { "a from 1": [persist(1), send("A", 1)] };
    hear("a");
    turn();
    take();
    stopped = true;
    replica.close(() => log.push("closed"));
    expect(take()).toEqual([]);
    flushed();
    expect(take()).toEqual(["flush"]);
    flushed();
    expect(take()).toEqual(["close", "closed"]);
  });

  test("stopping leaves everything as it is", () => {
    script = { "a from 1": [persist(1), send("A", 1), timer("t", 9), note(2)] };
    hear("a");
    turn();
    take();
    replica.stop();
    flushed();
    expect([take(), timers.size]).toEqual([[], 0]);
  });
});
