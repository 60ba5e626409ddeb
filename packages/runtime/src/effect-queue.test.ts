import type { Effect, JournalRecord } from "@synod/core";
import { ABOUT_META, createPrng, EFFECT_KINDS, InvariantViolation, nextBelow } from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
import { type EffectHandler, EffectQueue } from "./effect-queue.ts";

const SELF = 0;
const NO_IMAGE = new Uint8Array(0);
type Message = string;

/** Writes down what the queue found to be due, one word each. */
function recorder(log: string[]): EffectHandler<Message> {
  return {
    append: (record, waitedFor) =>
      log.push(`${waitedFor ? "persist" : "note"} ${record.record[0]}`),
    checkpoint: (effect) => log.push(`checkpoint ${effect.records.length}`),
    transmit: (to, message) => log.push(`${message} to ${to.join("+")}`),
    loopback: (message) => log.push(`${message} to self`),
    deliver: (effect) => log.push(`deliver ${effect.position.index}`),
    release: (effect) => log.push(`release ${effect.outcome}`),
    readable: (effect) => log.push(`readable ${effect.reads.join("+")}`),
    requestState: (effect) => log.push(`requestState ${effect.position.index}`),
    timer: (effect) => log.push(`timer ${effect.name} ${effect.ms}`),
    observe: (effect) => log.push(`observe ${effect.event}`),
  };
}

function record(byte: number): JournalRecord {
  return { record: Uint8Array.of(byte), about: ABOUT_META };
}

const persist = (byte: number): Effect<Message> => ({ kind: "persist", ...record(byte) });
const note = (byte: number): Effect<Message> => ({ kind: "note", ...record(byte) });
const send = (message: string, ...to: number[]): Effect<Message> => ({ kind: "send", to, message });
const checkpoint = (): Effect<Message> => ({ kind: "checkpoint", records: [record(1), record(2)] });

let log: string[];
let queue: EffectQueue<Message>;

beforeEach(() => {
  log = [];
  queue = new EffectQueue(SELF, recorder(log));
});

function take(): string[] {
  return log.splice(0);
}

describe("send", () => {
  test("leaves at once when nothing is on its way to the disk", () => {
    queue.submit([send("a", 1, 2)]);
    expect(take()).toEqual(["a to 1+2"]);
  });

  test("waits for a persist before it in the same step, not for one after it", () => {
    queue.submit([send("early", 1), persist(1), send("late", 1)]);
    expect(take()).toEqual(["early to 1", "persist 1"]);
    queue.durable(1);
    expect(take()).toEqual(["late to 1"]);
  });

  test("waits for a persist of an earlier step", () => {
    queue.submit([persist(1)]);
    queue.submit([send("a", 1)]);
    expect(take()).toEqual(["persist 1"]);
    expect(queue.waiting).toBe(1);
    queue.durable(1);
    expect([take(), queue.waiting]).toEqual([["a to 1"], 0]);
  });

  test("goes by the barrier before it: one sync may free some and not others", () => {
    queue.submit([persist(1), send("a", 1), persist(2), send("b", 1), send("c", 2)]);
    take();
    queue.durable(1);
    expect(take()).toEqual(["a to 1"]);
    queue.durable(2);
    expect(take()).toEqual(["b to 1", "c to 2"]);
  });

  test("waits for a checkpoint as for a persist", () => {
    queue.submit([checkpoint(), send("a", 1)]);
    expect(take()).toEqual(["checkpoint 2"]);
    queue.durable(1);
    expect(take()).toEqual(["a to 1"]);
  });

  test("does not wait for a note", () => {
    queue.submit([note(1), send("a", 1)]);
    expect(take()).toEqual(["note 1", "a to 1"]);
    expect(queue.appended).toBe(0);
  });

  test("to oneself comes back through the same barrier, without the network", () => {
    queue.submit([persist(1), send("voted", SELF)]);
    expect(take()).toEqual(["persist 1"]);
    queue.durable(1);
    expect(take()).toEqual(["voted to self"]);
  });

  test("to oneself and others is both, once each", () => {
    queue.submit([send("m", 1, SELF, 2)]);
    expect(take()).toEqual(["m to 1+2", "m to self"]);
  });

  test("keeps its order among sends, to oneself too", () => {
    queue.submit([persist(1), send("a", SELF), send("b", SELF), send("c", 1)]);
    take();
    queue.durable(1);
    expect(take()).toEqual(["a to self", "b to self", "c to 1"]);
  });
});

describe("what waits for nothing", () => {
  test("sendNow passes every barrier", () => {
    queue.submit([persist(1), { kind: "sendNow", to: [1, 2], message: "accept" }]);
    expect(take()).toEqual(["persist 1", "accept to 1+2"]);
  });

  test("so does everything else that is no send, in program order", () => {
    queue.submit([
      persist(1),
      { kind: "deliver", position: { log: 0, index: 7 }, commands: [], image: NO_IMAGE },
      { kind: "release", requests: "all", outcome: "unknown" },
      { kind: "readable", reads: [3, 4], position: { log: 0, index: 7 } },
      { kind: "requestState", position: { log: 0, index: 9 }, from: [1] },
      { kind: "timer", name: "election", ms: 150 },
      { kind: "timer", name: "election", ms: null },
      { kind: "observe", event: "elected", detail: {} },
    ]);
    expect(take()).toEqual([
      "persist 1",
      "deliver 7",
      "release unknown",
      "readable 3+4",
      "requestState 9",
      "timer election 150",
      "timer election null",
      "observe elected",
    ]);
  });
});

describe("refuses", () => {
  test("sendNow to oneself: it would say that something is durable which is not", () => {
    const self: Effect<Message> = { kind: "sendNow", to: [1, SELF], message: "m" };
    expect(() => queue.submit([self])).toThrow(InvariantViolation);
  });

  test("durability that falls back or runs ahead", () => {
    queue.submit([persist(1), persist(2)]);
    queue.durable(1);
    expect(() => queue.durable(3)).toThrow(InvariantViolation);
    expect(() => queue.durable(0)).toThrow(InvariantViolation);
    queue.durable(1);
    expect([queue.appended, queue.durableUpTo]).toEqual([2, 1]);
  });

  test("an effect that does not exist", () => {
    const forged = { kind: "unheard-of" } as unknown as Effect<Message>;
    expect(() => queue.submit([forged])).toThrow(InvariantViolation);
  });
});

test("a self-send that answers with effects at once does not overtake what was due with it", () => {
  const handler = { ...recorder(log), loopback: () => queue.submit([persist(9), send("next", 1)]) };
  queue = new EffectQueue<Message>(SELF, handler);
  queue.submit([persist(1), send("self", SELF), send("due", 1)]);
  take();
  queue.durable(1);
  expect(take()).toEqual(["persist 9", "due to 1"]);
  queue.durable(2);
  expect(take()).toEqual(["next to 1"]);
});

/** The rules, said as naively as possible: looks at the whole history again every time. */
function naiveTwin() {
  const history: Effect<Message>[] = [];
  const left = new Set<number>();
  const isBarrier = (effect: Effect<Message>) =>
    effect.kind === "persist" || effect.kind === "checkpoint";
  return {
    submit: (effects: readonly Effect<Message>[]) => history.push(...effects),
    barriers: () => history.filter(isBarrier).length,
    /** Messages that leave now, oldest first, given how many barriers are durable. */
    due(durable: number): string[] {
      const out: string[] = [];
      for (const [index, effect] of history.entries()) {
        if (left.has(index) || (effect.kind !== "send" && effect.kind !== "sendNow")) continue;
        const before = history.slice(0, index).filter(isBarrier).length;
        if (effect.kind === "send" && before > durable) continue;
        left.add(index);
        out.push(effect.message);
      }
      return out;
    },
  };
}

test("does what the naive twin does, over 2,000 random programs and disks", () => {
  const random = createPrng(7);
  for (let program = 0; program < 2000; program += 1) {
    const seen: string[] = [];
    const quiet = recorder([]);
    const tested = new EffectQueue<Message>(SELF, {
      ...quiet,
      transmit: (_, message) => seen.push(message),
      loopback: (message) => seen.push(message),
    });
    const twin = naiveTwin();
    let durable = 0;
    for (let step = 0; step < 12; step += 1) {
      const effects = Array.from({ length: nextBelow(random, 5) }, (_, index): Effect<Message> => {
        const message = `${step}.${index}`;
        switch (nextBelow(random, 6)) {
          case 0:
            return persist(index);
          case 1:
            return nextBelow(random, 4) === 0 ? checkpoint() : note(index);
          case 2:
            return { kind: "sendNow", to: [1], message };
          case 3:
            return send(message, SELF);
          default:
            return send(message, 1, 2);
        }
      });
      // The twin sees one effect at a time, for a step's messages leave in its order.
      const expected: string[] = [];
      for (const effect of effects) {
        twin.submit([effect]);
        expected.push(...twin.due(durable));
      }
      tested.submit(effects);
      expect(seen.splice(0)).toEqual(expected);
      expect(tested.appended).toBe(twin.barriers());
      durable += nextBelow(random, tested.appended - durable + 1);
      tested.durable(durable);
      expect(seen.splice(0)).toEqual(twin.due(durable));
    }
    tested.durable(tested.appended);
    expect([seen, tested.waiting]).toEqual([twin.due(tested.appended), 0]);
  }
});

test("every kind of effect is interpreted", () => {
  const samples: Record<(typeof EFFECT_KINDS)[number], Effect<Message>> = {
    persist: persist(1),
    note: note(1),
    send: send("m", 1),
    sendNow: { kind: "sendNow", to: [1], message: "m" },
    deliver: { kind: "deliver", position: { log: 0, index: 1 }, commands: [], image: NO_IMAGE },
    release: { kind: "release", requests: [], outcome: "never" },
    readable: { kind: "readable", reads: [1], position: { log: 0, index: 1 } },
    requestState: { kind: "requestState", position: { log: 0, index: 1 }, from: [] },
    checkpoint: checkpoint(),
    timer: { kind: "timer", name: "t", ms: 1 },
    observe: { kind: "observe", event: "e", detail: {} },
  };
  for (const kind of EFFECT_KINDS) {
    const fresh: string[] = [];
    new EffectQueue<Message>(SELF, recorder(fresh)).submit([samples[kind]]);
    expect(fresh).toHaveLength(1);
  }
});
