import { type Command, createPrng, EMPTY_FOOTPRINT, nextBelow } from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
import type { Executed } from "../execution.ts";
import type { Outcome } from "../outcome.ts";
import { Requests } from "./requests.ts";

const SELF = 3;
const OWN = "~3.7";
const LIMITS = { outstandingMax: 5, outstandingBytesMax: 1_000, resubmitMs: 100 };

let answers: string[];
let requests: Requests;

beforeEach(() => {
  answers = [];
  requests = create();
});

function create(limits = LIMITS): Requests {
  return new Requests(OWN, SELF, limits, {
    answered: (token, outcome) => answers.push(`${token} ${word(outcome)}`),
    sessionLost: () => answers.push("session lost"),
  });
}

function word(outcome: Outcome): string {
  if (outcome.kind === "failed") return `${outcome.code}/${outcome.applied}`;
  const again = outcome.repeated ? " again" : "";
  return `done@${outcome.position.index}${again} ${outcome.result.join()}`;
}

function own(token: number, payload: number[] = [token], now = 0, deadline = 5_000): void {
  const body = {
    kind: "apply",
    payload: Uint8Array.from(payload),
    footprint: EMPTY_FOOTPRINT,
  } as const;
  requests.addOwn(token, body, now, deadline);
}

function user(client: string, sequence: number, payload: number[] = [1]): Command {
  return {
    kind: "apply",
    client,
    sequence,
    acknowledged: 1,
    origin: 0,
    payload: Uint8Array.from(payload),
    footprint: EMPTY_FOOTPRINT,
  };
}

function propose(now = 0): Command[] {
  return requests.takeUnproposed(100_000, now).flat();
}

function executed(command: Command, what: Executed, now = 0): void {
  requests.executed(command, what, now);
}

function done(index: number, result: number[] = [], repeated = false): Executed {
  return { kind: "done", position: { log: 0, index }, result: Uint8Array.from(result), repeated };
}

describe("the node's own session", () => {
  test("numbers its commands from 1 and acknowledges what was answered", () => {
    own(10);
    own(11);
    expect(propose().map((c) => [c.client, c.sequence, c.acknowledged, c.origin])).toEqual([
      [OWN, 1, 1, SELF],
      [OWN, 2, 1, SELF],
    ]);
    executed({ ...user(OWN, 2), payload: Uint8Array.of(11) }, done(5, [7]));
    own(12);
    expect(propose().map((c) => [c.sequence, c.acknowledged])).toEqual([[3, 1]]);
    executed({ ...user(OWN, 1), payload: Uint8Array.of(10) }, done(6));
    own(13);
    expect(propose().map((c) => [c.sequence, c.acknowledged])).toEqual([[4, 3]]);
    expect(answers).toEqual(["11 done@5 7", "10 done@6 "]);
  });

  test("proposes a barrier though it has no payload, alone and among others", () => {
    requests.addBarrier(0, 1_000);
    expect(propose().map((c) => c.kind)).toEqual(["barrier"]);
    requests.tick(1_000);
    own(1);
    requests.addBarrier(1_000, 2_000);
    expect(propose().map((c) => c.kind)).toEqual(["apply", "barrier"]);
  });

  test("has one barrier outstanding at most, under whatever name, until it ends", () => {
    requests.addBarrier(0, 1_000);
    requests.addBarrier(0, 1_000);
    expect(propose().map((c) => [c.client, c.sequence])).toEqual([[OWN, 1]]);
    requests.renew("~3.9");
    requests.addBarrier(0, 1_000);
    expect(propose().map((c) => [c.client, c.sequence])).toEqual([["~3.9", 1]]);
    expect(requests.outstanding).toBe(1);
    executed({ ...user("~3.9", 1), kind: "barrier" }, done(5));
    expect(requests.outstanding).toBe(0);
    requests.addBarrier(1_000, 2_000);
    expect(propose().map((c) => [c.kind, c.sequence])).toEqual([["barrier", 2]]);
  });
});

describe("batches", () => {
  test("hold about as many payload bytes as they may, in order, or one larger command", () => {
    requests = create({ ...LIMITS, outstandingMax: 10 });
    for (const [token, size] of [40, 40, 40, 250, 10, 0, 0].entries())
      own(
        token,
        Array.from({ length: size }, () => token),
      );
    const sizes = requests
      .takeUnproposed(100, 0)
      .map((batch) => batch.map((c) => c.payload.length));
    expect(sizes).toEqual([[40, 40], [40], [250], [10, 0, 0]]);
    expect(requests.hasUnproposed).toBe(false);
    expect(requests.takeUnproposed(100, 0)).toEqual([]);
  });
});

describe("a user's session", () => {
  test("takes retries of one request as one", () => {
    expect(requests.addUser(1, user("a", 1), 0, 1_000)).toBe(true);
    expect(requests.addUser(2, user("a", 1), 0, 1_000)).toBe(true);
    expect(requests.addUser(3, user("b", 1), 0, 1_000)).toBe(true);
    expect(propose().map((c) => `${c.client}${c.sequence} from ${c.origin}`)).toEqual([
      "a1 from 3",
      "b1 from 3",
    ]);
    expect(requests.outstanding).toBe(2);
    executed(user("a", 1), done(4));
    expect(answers).toEqual(["1 done@4 ", "2 done@4 "]);
  });

  test("refuses another payload under a sequence that is under way, but not later", () => {
    requests.addUser(1, user("a", 1, [1]), 0, 1_000);
    expect(requests.addUser(2, user("a", 1, [2]), 0, 1_000)).toBe(false);
    expect(requests.addUser(2, user("a", 1, [1, 0]), 0, 1_000)).toBe(false);
    executed(user("a", 1, [1]), done(4));
    // Now only the session table can tell.
    expect(requests.addUser(3, user("a", 1, [2]), 0, 1_000)).toBe(true);
  });

  test("is not answered by another node's command under the same sequence", () => {
    requests.addUser(1, user("a", 1, [1]), 0, 1_000);
    executed(user("a", 1, [2]), done(4, [9]));
    expect(answers).toEqual([]);
    executed(user("a", 1, [1]), { kind: "refused", code: "sequence-reused" });
    expect(answers).toEqual(["1 sequence-reused/no"]);
  });
});

describe("a deadline", () => {
  test("is `unknown` once proposed and `no` before", () => {
    own(1, [1], 0, 100);
    propose();
    own(2, [2], 0, 100);
    requests.tick(99);
    expect(answers).toEqual([]);
    requests.tick(100);
    expect(answers).toEqual(["1 deadline/unknown", "2 deadline/no"]);
    expect([requests.outstanding, propose()]).toEqual([0, []]);
  });

  test("is `no` when the protocol gave up all that was proposed, for good", () => {
    own(1, [1], 0, 50);
    propose();
    requests.released([{ client: OWN, sequence: 1 }], "never", 10);
    requests.tick(50);
    expect(answers).toEqual(["1 deadline/no"]);
  });

  test("stays `unknown` when one of two copies may still be executed", () => {
    own(1, [1], 0, 1_000);
    propose();
    requests.released("all", "unknown", 10);
    expect(propose()).toHaveLength(1);
    requests.released([{ client: OWN, sequence: 1 }], "never", 20);
    requests.tick(1_000);
    expect(answers).toEqual(["1 deadline/unknown"]);
  });

  test("that passed is not held against a command that is executed later", () => {
    own(1, [1], 0, 50);
    propose();
    requests.tick(50);
    executed({ ...user(OWN, 1), payload: Uint8Array.of(1) }, done(9));
    expect(answers).toEqual(["1 deadline/unknown"]);
  });
});

describe("resubmission", () => {
  const proposedAt = (until: number): number[] => {
    const times: number[] = [];
    for (let now = 0; now <= until; now += 25) {
      requests.tick(now);
      if (propose(now).length > 0) times.push(now);
    }
    return times;
  };

  test("comes after pauses that double", () => {
    own(1, [1], 0, 100_000);
    expect(proposedAt(2_000)).toEqual([0, 100, 300, 700, 1_500]);
  });

  test("keeps client and sequence, so that sessions can execute it once", () => {
    own(1);
    const [first] = propose();
    requests.tick(100);
    expect(propose()).toEqual([first]);
  });

  test("comes at once after `unknown`, after a part of the pause after `never`", () => {
    own(1, [1], 0, 100_000);
    propose();
    requests.released("all", "unknown", 10);
    expect(propose()).toHaveLength(1);
    requests.released([{ client: OWN, sequence: 1 }], "never", 20);
    expect(propose()).toHaveLength(0);
    requests.tick(44);
    expect(propose()).toHaveLength(0);
    requests.tick(45);
    expect(propose()).toHaveLength(1);
  });

  test("of everything, after a state transfer", () => {
    own(1);
    requests.addUser(2, user("a", 1), 0, 1_000);
    expect(propose()).toHaveLength(2);
    requests.caughtUp(() => null);
    requests.caughtUp(() => null);
    expect(propose()).toHaveLength(2);
  });

  test("does not concern what has not been proposed yet", () => {
    own(1);
    requests.released("all", "unknown", 0);
    expect(propose()).toHaveLength(1);
  });
});

test("nobody waits for a barrier of the host's own", () => {
  requests.addBarrier(0, 1_000);
  expect([requests.outstanding, requests.isAwaited]).toEqual([1, false]);
  own(1);
  expect(requests.isAwaited).toBe(true);
});

describe("when a newer life of this node has closed its session", () => {
  const NEWER = "~3.50";
  const expired: Executed = { kind: "refused", code: "session-expired" };

  test("nothing is answered, the owner is told; then all goes out anew under the new name", () => {
    own(1);
    own(2);
    propose();
    executed({ ...user(OWN, 1), payload: Uint8Array.of(1) }, expired);
    executed({ ...user(OWN, 2), payload: Uint8Array.of(2) }, expired);
    expect(answers).toEqual(["session lost", "session lost"]);
    expect(propose()).toEqual([]);
    requests.renew(NEWER);
    expect(requests.client).toBe(NEWER);
    const renewed = propose().map((c) => [c.client, c.sequence, c.acknowledged, c.payload[0]]);
    expect(renewed).toEqual([
      [NEWER, 1, 1, 1],
      [NEWER, 2, 1, 2],
    ]);
  });

  test("answers are those of the new session; what comes late of the old one is nobody's", () => {
    own(1);
    own(2);
    propose();
    requests.renew(NEWER);
    propose();
    executed({ ...user(OWN, 1), payload: Uint8Array.of(1) }, expired);
    executed({ ...user(OWN, 2), payload: Uint8Array.of(2) }, done(4));
    expect(answers).toEqual([]);
    executed({ ...user(NEWER, 2), payload: Uint8Array.of(2) }, done(6));
    executed({ ...user(NEWER, 1), payload: Uint8Array.of(1) }, done(7));
    expect(answers).toEqual(["2 done@6 ", "1 done@7 "]);
    expect(requests.outstanding).toBe(0);
    expect(requests.isFull(LIMITS.outstandingBytesMax, 5_000)).toBe(false);
  });

  test("the numbers go on behind what was taken along", () => {
    own(1);
    propose();
    requests.renew(NEWER);
    own(2);
    expect(propose().map((c) => [c.client, c.sequence, c.acknowledged])).toEqual([
      [NEWER, 1, 1],
      [NEWER, 2, 1],
    ]);
    executed({ ...user(NEWER, 1), payload: Uint8Array.of(1) }, done(7));
    own(3);
    expect(propose().map((c) => [c.sequence, c.acknowledged])).toEqual([[3, 2]]);
  });

  test("numbers and acknowledgements begin anew, whatever had been answered before", () => {
    for (const token of [1, 2, 3, 4]) own(token, [token], 0, 100);
    propose();
    executed({ ...user(OWN, 1), payload: Uint8Array.of(1) }, done(4));
    executed({ ...user(OWN, 2), payload: Uint8Array.of(2) }, done(5));
    own(5, [5], 0, 100);
    expect(propose().map((c) => [c.sequence, c.acknowledged])).toEqual([[5, 3]]);
    requests.renew(NEWER);
    own(6, [6], 0, 100);
    expect(propose().map((c) => [c.sequence, c.acknowledged, c.payload[0]])).toEqual([
      [1, 1, 3],
      [2, 1, 4],
      [3, 1, 5],
      [4, 1, 6],
    ]);
    requests.tick(100);
    expect(answers.slice(2)).toEqual([3, 4, 5, 6].map((token) => `${token} deadline/unknown`));
    expect(requests.outstanding).toBe(0);
  });

  test("what had not gone out yet goes out once, under the new name", () => {
    own(1);
    requests.renew(NEWER);
    expect(propose().map((c) => c.client)).toEqual([NEWER]);
    expect(propose()).toEqual([]);
  });

  test("copies of the old name count no more: not proposed since, it was not applied", () => {
    own(1, [1], 0, 100);
    propose();
    requests.renew(NEWER);
    requests.tick(100);
    expect(answers).toEqual(["1 deadline/no"]);
  });

  test("users' sessions stay as they are, and their own expiry is an answer", () => {
    requests.addUser(1, user("a", 1), 0, 1_000);
    requests.addUser(2, user("b", 1), 0, 1_000);
    propose();
    requests.renew(NEWER);
    expect(propose()).toEqual([]);
    executed(user("a", 1), done(4));
    executed(user("b", 1), expired);
    expect(answers).toEqual(["1 done@4 ", "2 session-expired/no"]);
  });
});

describe("bounds", () => {
  test("count requests and payload bytes, and both fall again", () => {
    for (let token = 0; token < 4; token += 1) own(token);
    expect(requests.isFull(1, 5_000)).toBe(false);
    expect(requests.isFull(997, 5_000)).toBe(true);
    own(4);
    expect(requests.isFull(0, 5_000)).toBe(true);
    propose();
    executed({ ...user(OWN, 1), payload: Uint8Array.of(0) }, done(1));
    expect(requests.isFull(1, 5_000)).toBe(false);
    requests.stop();
    expect(requests.outstanding).toBe(0);
    expect(requests.isFull(1_000, 5_000)).toBe(false);
  });
});

test("stopping answers everything once, with what is known of it", () => {
  own(1);
  propose();
  requests.addUser(2, user("a", 1), 0, 1_000);
  requests.addUser(3, user("a", 1), 0, 1_000);
  requests.stop();
  requests.stop();
  expect(answers).toEqual(["1 stopped/unknown", "2 stopped/no", "3 stopped/no"]);
  expect(propose()).toEqual([]);
});

/** What {@link Requests} owes its callers, by lists and searches. */
class NaiveRequests {
  readonly open: { token: number; command: Command; deadline: number; copies: number }[] = [];
  readonly answers: string[] = [];

  propose(commands: readonly Command[]): void {
    for (const command of commands)
      for (const entry of this.open) if (same(entry.command, command)) entry.copies += 1;
  }

  executed(command: Command, index: number): void {
    for (const entry of this.open.splice(0)) {
      if (same(entry.command, command)) this.answers.push(`${entry.token} done@${index} `);
      else this.open.push(entry);
    }
  }

  /** What could not be answered in time is refused, but only as long as no copy of it is out. */
  refused(answered: readonly string[]): void {
    for (const entry of this.open.splice(0)) {
      const refusal = `${entry.token} overload/no`;
      if (entry.copies === 0 && answered.includes(refusal)) this.answers.push(refusal);
      else this.open.push(entry);
    }
  }

  tick(now: number): void {
    for (const entry of this.open.splice(0)) {
      if (now < entry.deadline) this.open.push(entry);
      else this.answers.push(`${entry.token} deadline/${entry.copies === 0 ? "no" : "unknown"}`);
    }
  }
}

function same(a: Command, b: Command): boolean {
  return a.client === b.client && a.sequence === b.sequence;
}

test("answers each token exactly once, as lists and searches would", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const random = createPrng(seed);
    answers = [];
    requests = create({ ...LIMITS, resubmitMs: 40 });
    const naive = new NaiveRequests();
    const proposed: Command[] = [];
    let token = 0;
    let sequence = 0;
    for (let now = 0; now < 1_500; now += 10) {
      const deadline = now + 10 + nextBelow(random, 300);
      const what = nextBelow(random, 6);
      if (what < 2) {
        token += 1;
        sequence += 1;
        own(token, [token & 0xff], now, deadline);
        const command = { ...user(OWN, sequence), payload: Uint8Array.of(token & 0xff) };
        naive.open.push({ token, command, deadline, copies: 0 });
      } else if (what < 3) {
        token += 1;
        const command = user(`client-${nextBelow(random, 3)}`, 1 + nextBelow(random, 40));
        const joined = naive.open.find((entry) => same(entry.command, command));
        requests.addUser(token, command, now, deadline);
        naive.open.push({ ...(joined ?? { deadline, copies: 0 }), token, command });
      } else if (what < 4) {
        const commands = propose(now);
        proposed.push(...commands);
        naive.refused(answers);
        naive.propose(commands);
      } else if (what < 5 && proposed.length > 0) {
        const [command] = proposed.splice(nextBelow(random, proposed.length), 1);
        executed(command as Command, done(now), now);
        naive.executed(command as Command, now);
      } else if (nextBelow(random, 10) === 0) requests.released("all", "unknown", now);
      requests.tick(now);
      naive.tick(now);
      expect([...answers].sort(), `seed ${seed} at ${now}`).toEqual([...naive.answers].sort());
    }
    expect(new Set(answers.map((answer) => answer.split(" ")[0])).size).toBe(answers.length);
  }
});

describe("what can never be executed any more", () => {
  test("ends at once and definitely, however many copies of it are out", () => {
    own(10);
    requests.addUser(20, user("a", 1), 0, 5_000);
    propose();
    requests.released("all", "unknown", 1);
    propose();
    requests.closed([{ client: "a", sequence: 1 }], () => null);
    expect(answers).toEqual(["20 decided/no"]);
    expect(requests.outstanding).toBe(1);
    requests.closed("all", () => null);
    expect(answers).toEqual(["20 decided/no", "10 decided/no"]);
    requests.tick(10_000);
    expect([propose(), answers.length]).toEqual([[], 2]);
  });

  test("is answered as executed when it was, by another proposal", () => {
    requests.addUser(20, user("a", 1), 0, 5_000);
    requests.addUser(21, user("b", 1), 0, 5_000);
    propose();
    requests.closed("all", ({ client }) =>
      client === "a" ? done(1, [7], true) : { kind: "refused", code: "sequence-reused" },
    );
    expect(answers).toEqual(["20 done@1 again 7", "21 sequence-reused/no"]);
  });

  test("strangers' requests are none of its business", () => {
    own(10);
    requests.closed([{ client: "z", sequence: 1 }], () => null);
    expect(answers).toEqual([]);
  });
});
