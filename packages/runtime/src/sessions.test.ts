import { type Command, createPrng, EMPTY_FOOTPRINT, nextBelow } from "@synod/core";
import { describe, expect, test } from "vitest";
import { type SessionLimits, SessionTable } from "./sessions.ts";
import { nodeClient, parseNodeClient, sessionKey } from "./sessions-name.ts";

const LIMITS: SessionLimits = { sessionsMax: 4, sessionResultsMax: 3, expiredMax: 3 };

/** `client sequence/acknowledged payload` */
function command(text: string): Command {
  const match = /^(\S*) (\d+)\/(\d+)(?: (\w+))?$/.exec(text);
  if (match === null) throw new Error(text);
  const [, client, sequence, acknowledged, payload] = match;
  return {
    kind: "apply",
    client: client!,
    sequence: Number(sequence),
    acknowledged: Number(acknowledged),
    origin: 0,
    payload: new TextEncoder().encode(payload ?? "p"),
    footprint: EMPTY_FOOTPRINT,
  };
}

/**
 * Executes as the host does; what became of it in one word, with the place of the first execution.
 */
function play(table: SessionTable, index: number, text: string): string {
  if (text === "barrier") {
    table.barrier();
    return "barrier";
  }
  const wanted = command(text);
  const admission = table.admit(wanted);
  if (admission.kind === "refused") return admission.code;
  if (admission.kind === "answer") return `repeated ${admission.position.index}`;
  table.record(admission, wanted, { log: 0, index }, Uint8Array.of(index));
  return "executed";
}

interface Story {
  readonly name: string;
  readonly order?: "total" | "conflict";
  /** Position is the place in the list, from 1. */
  readonly steps: readonly (readonly [string, string])[];
}

const stories: Story[] = [
  {
    name: "a repeated request is answered from the table",
    steps: [
      ["a 1/1 x", "executed"],
      ["a 1/1 x", "repeated 1"],
      ["a 2/1 y", "executed"],
      ["a 1/1 x", "repeated 1"],
      ["a 2/1 y", "repeated 3"],
    ],
  },
  {
    name: "another payload under a used sequence is refused, and the first answer stays",
    steps: [
      ["a 1/1 x", "executed"],
      ["a 1/1 y", "sequence-reused"],
      ["a 1/1 x", "repeated 1"],
    ],
  },
  {
    name: "what is acknowledged is forgotten, whether it was executed or not",
    steps: [
      ["a 1/1", "executed"],
      ["a 5/1", "executed"],
      ["a 6/6", "executed"],
      ["a 5/1", "sequence-forgotten"],
      ["a 3/1", "sequence-forgotten"],
      ["a 6/1", "repeated 3"],
    ],
  },
  {
    name: "a request that acknowledges itself is not executed",
    steps: [
      ["a 1/1", "executed"],
      ["a 2/3", "sequence-forgotten"],
      ["a 3/3", "executed"],
    ],
  },
  { name: "sequences begin at 1", steps: [["a 0/1", "sequence-forgotten"]] },
  {
    name: "requests may come out of order, each executed once",
    steps: [
      ["a 3/1", "executed"],
      ["a 1/1", "executed"],
      ["a 2/1", "executed"],
      ["a 3/1", "repeated 1"],
      ["a 1/1", "repeated 2"],
    ],
  },
  {
    name: "beyond the results that are kept, the lowest sequences are forgotten",
    steps: [
      ["a 1/1", "executed"],
      ["a 3/1", "executed"],
      ["a 4/1", "executed"],
      ["a 5/1", "executed"],
      ["a 1/1", "sequence-forgotten"],
      ["a 2/1", "executed"],
      ["a 2/1", "sequence-forgotten"],
      ["a 3/1", "repeated 2"],
    ],
  },
  {
    name: "a session opens only with nothing acknowledged",
    steps: [
      ["a 7/2", "session-expired"],
      ["a 7/1", "executed"],
      ["a 8/7", "executed"],
    ],
  },
  {
    name: "total order: opening one session too many closes the longest unused, for good",
    steps: [
      ["a 1/1", "executed"],
      ["b 1/1", "executed"],
      ["c 1/1", "executed"],
      ["d 1/1", "executed"],
      ["a 2/2", "executed"],
      ["e 1/1", "executed"],
      ["b 2/2", "session-expired"],
      ["b 1/1", "session-expired"],
      ["a 2/2", "repeated 5"],
      ["c 1/1", "repeated 3"],
    ],
  },
  {
    name: "total order: being answered or refused is use too",
    steps: [
      ["a 1/1", "executed"],
      ["b 1/1", "executed"],
      ["c 1/1", "executed"],
      ["d 1/1", "executed"],
      ["a 1/1", "repeated 1"],
      ["b 1/1 other", "sequence-reused"],
      ["e 1/1", "executed"],
      ["f 1/1", "executed"],
      ["c 1/1", "session-expired"],
      ["d 1/1", "session-expired"],
      ["a 1/1", "repeated 1"],
      ["b 1/1", "repeated 2"],
    ],
  },
  {
    name: "the memory of expired sessions is bounded, oldest first",
    steps: [
      ...["a", "b", "c", "d", "e", "f", "g", "h"].map(
        (name) => [`${name} 1/1`, "executed"] as const,
      ),
      ["b 1/1", "session-expired"],
      ["c 1/1", "session-expired"],
      ["d 1/1", "session-expired"],
      ["a 1/1", "executed"],
    ],
  },
  {
    name: "by conflict: nothing expires between barriers",
    order: "conflict",
    steps: [
      ...["a", "b", "c", "d", "e", "f"].map((name) => [`${name} 1/1`, "executed"] as const),
      ["a 1/1", "repeated 1"],
      ["barrier", "barrier"],
      ["a 2/2", "session-expired"],
      ["b 1/1", "session-expired"],
      ["c 1/1", "repeated 3"],
      ["f 1/1", "repeated 6"],
    ],
  },
  {
    name: "by conflict: at a barrier those go that were not used since the one before",
    order: "conflict",
    steps: [
      ...["e", "d", "c", "b"].map((name) => [`${name} 1/1`, "executed"] as const),
      ["barrier", "barrier"],
      ["d 1/1", "repeated 2"],
      ["c 1/1", "repeated 3"],
      ["a 1/1", "executed"],
      ["A 1/1", "executed"],
      ["barrier", "barrier"],
      ["b 1/1", "session-expired"],
      ["e 1/1", "session-expired"],
      ["A 1/1", "repeated 9"],
    ],
  },
  {
    name: "a node's session opens at any sequence, and closes that of its earlier incarnation",
    steps: [
      ["~2.4 10/10 x", "executed"],
      ["~2.4 10/10 x", "repeated 1"],
      ["~2.7 3/2", "executed"],
      ["~2.4 11/11", "session-expired"],
      ["~2.4 10/10 x", "session-expired"],
      ["~2.6 1/1", "session-expired"],
      ["~2.7 2/2", "executed"],
      ["~3.1 1/1", "executed"],
      ["~2.7 3/2", "repeated 3"],
    ],
  },
  {
    name: "nodes' sessions do not count, and do not expire",
    steps: [
      ["~1.1 1/1", "executed"],
      ["~2.1 1/1", "executed"],
      ...["a", "b", "c", "d", "e", "f"].map((name) => [`${name} 1/1`, "executed"] as const),
      ["~1.1 1/1", "repeated 1"],
      ["c 1/1", "repeated 5"],
      ["b 1/1", "session-expired"],
    ],
  },
  {
    name: "names that only look like a node's open nothing",
    steps: [
      "~",
      "~1",
      "~1.",
      "~.1",
      "~1.0",
      "~01.1",
      "~1.01",
      "~70000.1",
      "~1.1.1",
      "~a.1",
      "~1.99999999999999999",
    ].map((name) => [`${name} 1/1`, "session-expired"] as const),
  },
];

describe("rules", () => {
  for (const { name, steps, order } of stories) {
    test(name, () => {
      const table = new SessionTable(LIMITS, order ?? "total");
      const seen = steps.map(([step], index) => [step, play(table, index + 1, step)]);
      expect(seen).toEqual(steps.map((step) => [...step]));
    });
  }

  test("a result is that of the first execution", () => {
    const table = new SessionTable(LIMITS, "total");
    play(table, 7, "a 1/1");
    expect(table.admit(command("a 1/1"))).toMatchObject({
      kind: "answer",
      position: { log: 0, index: 7 },
      result: Uint8Array.of(7),
    });
  });

  test("what became of a command can be asked without changing anything", () => {
    const table = new SessionTable(LIMITS, "total");
    for (const [index, text] of ["a 1/1 x", "a 2/1 y", "a 3/3 z", "~4.2 1/1 n"].entries())
      play(table, index + 1, text);
    const ask = (text: string): string | number | null => {
      const recalled = table.recall(command(text));
      return recalled?.kind === "answer" ? recalled.position.index : (recalled?.code ?? null);
    };
    expect(ask("a 3/1 z")).toBe(3);
    expect(ask("a 3/4 other")).toBe("sequence-reused");
    expect(ask("a 2/1 y")).toBe("sequence-forgotten");
    expect(ask("a 4/4 w")).toBeNull();
    expect(ask("b 1/1 x")).toBeNull();
    expect(ask("~4.2 1/1 n")).toBe(4);
    expect([ask("~4.1 1/1 n"), ask("~4.3 1/1 n")]).toEqual(["session-expired", null]);
    expect(table.size).toBe(1);
    for (const name of ["b", "c", "d", "e"]) play(table, 5, `${name} 1/1 x`);
    expect(ask("a 3/3 z")).toBe("session-expired");
  });

  test("by conflict, a table that overflows asks for a barrier", () => {
    const table = new SessionTable(LIMITS, "conflict");
    for (const name of ["a", "b", "c", "d", "e"]) play(table, 1, `${name} 1/1`);
    expect(table.wantsBarrier).toBe(false);
    play(table, 1, "f 1/1");
    expect(table.wantsBarrier).toBe(true);
    table.barrier();
    expect([table.wantsBarrier, table.size]).toEqual([false, 4]);
  });

  test("the incarnation of a node that was last seen is told", () => {
    const table = new SessionTable(LIMITS, "total");
    expect(table.nodeIncarnation(2)).toBe(0);
    play(table, 1, "~2.9 1/1");
    play(table, 2, "~2.3 1/1");
    expect(table.nodeIncarnation(2)).toBe(9);
  });
});

describe("by conflict", () => {
  test("clients may come in any order between barriers: at every barrier the tables agree", () => {
    const prng = createPrng(12);
    for (let round = 0; round < 100; round += 1) {
      const tables = [0, 1, 2].map(() => new SessionTable(LIMITS, "conflict"));
      for (let barrier = 0; barrier < 6; barrier += 1) {
        const perClient = Array.from({ length: 7 }, (_, name) =>
          Array.from(
            { length: nextBelow(prng, 3) },
            (_, at) => `c${name} ${barrier * 3 + at + 1}/1`,
          ),
        );
        const outcomes = tables.map((table, replica) => {
          const clients = [...perClient.keys()];
          // Each replica has another order of clients; one client's requests keep theirs.
          const shuffled = clients.map((at) => (at * (replica + 2) + round) % clients.length);
          const seen = [...new Set([...shuffled, ...clients])].map((at) => [
            at,
            perClient[at]!.map((text, nth) => play(table, 100 * barrier + 10 * at + nth, text)),
          ]);
          table.barrier();
          return seen.sort(([a], [b]) => Number(a) - Number(b));
        });
        expect(outcomes[1]).toEqual(outcomes[0]);
        expect(outcomes[2]).toEqual(outcomes[0]);
        expect(new Set(tables.map((table) => table.size)).size).toBe(1);
      }
    }
  });
});

describe("names of nodes' sessions", () => {
  test("come back as they were made", () => {
    for (const node of [0, 1, 65_535])
      for (const incarnation of [1, 12, Number.MAX_SAFE_INTEGER])
        expect(parseNodeClient(nodeClient(node, incarnation))).toEqual({ node, incarnation });
  });

  test("all incarnations of a node conflict, and nothing else does", () => {
    expect(sessionKey("~2.7")).toBe(sessionKey("~2.8"));
    expect(sessionKey("~2.7")).not.toBe(sessionKey("~3.7"));
    expect(sessionKey("a")).not.toBe(sessionKey("b"));
  });
});
