import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { runMain } from "../testing/run-main.ts";
import { PROTOCOLS, type ProtocolBounds } from "./explore-models.ts";
import { count, createProgress } from "./explore-progress.ts";
import { playAgain, readTrace, type Trace } from "./explore-trace.ts";

const folder = mkdtempSync(join(tmpdir(), "synod-explore-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const run = (...args: string[]) => runMain("explore", ...args);

const SMALL_BOUNDS: ProtocolBounds = {
  nodes: 3,
  slots: 1,
  leaders: 1,
  elections: 1,
  crashes: 0,
  wipes: 0,
  duplicates: 0,
  losses: 0,
  messages: "phases",
  timers: {},
};

/** One leader, no command: small enough for a test of the command. */
const SMALL = ["multipaxos", "--leaders", "1", "--slots", "1"];

describe("exploring a protocol", () => {
  test("everything seen and nothing wrong is 0, with the counts", async () => {
    const { code, out, err } = await run(...SMALL);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(
      /^\d+ unique states, [\d,]+ transitions, depth \d+: no violation \([\d.]+ s, [\d,]+ trans/,
    );
  });

  test("--json gives the counts to programs", async () => {
    const { code, out } = await run(...SMALL, "--json");
    const { seconds, ...counts } = JSON.parse(out);
    expect(counts).toMatchObject({ complete: true, depth: expect.any(Number) });
    expect(counts.transitions).toBeGreaterThan(counts.states);
    expect(seconds).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  test("more may happen, more states", async () => {
    const states = async (...more: string[]): Promise<number> => {
      const { code, out } = await run(...SMALL, ...more);
      expect(code).toBe(0);
      return Number(out.split(" ")[0]);
    };
    const few = await states();
    for (const more of [
      ["--nodes", "4"],
      ["--elections", "2"],
      ["--crashes", "1"],
      ["--wipes", "1"],
      ["--duplicates", "1"],
      ["--losses", "1"],
      ["--messages", "chosen"],
      ["--timers", "resend=1"],
    ])
      expect(await states(...more)).toBeGreaterThan(few);
    expect(await states("--order", "depth")).toBe(few);
  });

  test("each leader begins with a no-op and fills the other slots with commands", () => {
    for (const slots of [1, 2, 3]) {
      const model = PROTOCOLS.multipaxos.model({ ...SMALL_BOUNDS, slots });
      const queues = model.initial[0]?.replicas.map((replica) => replica.state.queue.length);
      expect(queues).toEqual([slots - 1, 0, 0]);
      expect(model.initial[0]?.replicas[0]?.state.tuning).toMatchObject({ window: slots });
    }
  });

  test("each proposer of a single decree wants a value of its own, and another one later", () => {
    const model = PROTOCOLS.paxos.model({ ...SMALL_BOUNDS, leaders: 2, crashes: 1 });
    const wanted = (state: (typeof model.initial)[number] | undefined | null) =>
      state?.replicas.map((replica) => replica.state.requests);
    const [initial] = model.initial;
    const [a, b] = [
      { client: "a", sequence: 1 },
      { client: "b", sequence: 1 },
    ];
    expect(wanted(initial)).toEqual([[a], [b], []]);
    const crash = { node: 0, event: 2, letter: -1, fate: "arrives" } as const;
    const crashed = initial === undefined ? null : model.apply(initial, crash);
    expect(wanted(crashed)).toEqual([[{ client: "a", sequence: 2 }], [b], []]);
  });

  test("the replica beside each leader of PMMC wants a command for each slot", () => {
    const model = PROTOCOLS.pmmc.model({ ...SMALL_BOUNDS, slots: 2 });
    const proposed = model.initial[0]?.replicas.map((replica) => [
      ...replica.state.replica.proposals.keys(),
    ]);
    expect(proposed).toEqual([[1, 2], [], []]);
  });

  test("each holder of a broadcast has a message for each slot", () => {
    const model = PROTOCOLS.broadcast.model({ ...SMALL_BOUNDS, slots: 2 });
    const held = model.initial[0]?.replicas.map(({ state }) =>
      state.pending.map(({ key, slot }: { key: string; slot: number }) => `${key} in ${slot}`),
    );
    expect(held).toEqual([["1 a in 1", "2 a in 2"], [], []]);
  });

  test("the whole of a small broadcast", async () => {
    const { code, out } = await run("broadcast", "--leaders", "1", "--slots", "1");
    expect(code).toBe(0);
    expect(out).toMatch(/^311 unique states, 838 transitions, .* no violation/m);
  });

  test("the whole of a small PMMC", async () => {
    const { code, out } = await run("pmmc", "--leaders", "1", "--slots", "1");
    expect(code).toBe(0);
    expect(out).toMatch(/unique states, .* no violation/);
  });

  test("what was not all seen is 3", async () => {
    for (const limit of [
      ["--states", "20"],
      ["--depth", "4"],
    ]) {
      const { code, out, err } = await run(...SMALL, ...limit);
      expect(code).toBe(3);
      expect(out).toContain(": cut short (");
      expect(err).toBe("synod: not all states were seen; raise --states or --depth, or ask less\n");
    }
  });
});

test("a calibration model has exactly the states that others counted", async () => {
  const { code, out } = await run("--model", "paxos-2c3s");
  expect(code).toBe(0);
  expect(out).toMatch(/^16668 unique states, 32,970 transitions, depth 20: no violation/);
  expect((await run("--model", "abd-2c2s", "--states", "100")).code).toBe(3);
  expect((await run("--model", "2pc-5rm-sorted")).out).toMatch(/^665 unique states, /);
  const other = await run("--model", "2pc-5rm-sorted", "--order", "breadth");
  expect(other.code).toBe(1);
  expect(other.err).toMatch(/^synod: 665 states expected \(.*\), 508 found\n$/);
});

describe("a trace", () => {
  const bounds = { ...SMALL_BOUNDS, slots: 2 };

  /** The first steps of a life, as a trace that claims to end badly. */
  function traceOf(length: number): Trace {
    const model = PROTOCOLS.multipaxos.model(bounds);
    let [state] = model.initial;
    const steps: string[] = [];
    while (steps.length < length && state !== undefined) {
      const [action] = model.actions(state);
      if (action === undefined) break;
      steps.push(model.describe(state, action));
      state = model.apply(state, action) ?? undefined;
    }
    const of = { protocol: "multipaxos", bounds };
    return { trace: "synod explore", version: 1, of, problem: "something", steps };
  }

  function file(name: string, content: unknown): string {
    const path = join(folder, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, null, 1));
    return path;
  }

  test("is played again step by step, and tells when its violation is gone", async () => {
    const trace = traceOf(6);
    const { code, out } = await run("--replay", file("good.json", trace));
    expect(code).toBe(0);
    expect(out.split("\n").slice(0, 4)).toEqual([
      "   1  timeout 0 election",
      "   2  sync 0",
      "          0 > 1 leaves: prepare ballot=1.0 chosenUpTo=0",
      "          0 > 2 leaves: prepare ballot=1.0 chosenUpTo=0",
    ]);
    for (const step of trace.steps) expect(out).toContain(`  ${step}\n`);
    expect(out.trimEnd().split("\n").at(-1)).toBe("no violation any more; there was: something");
  });

  test("that no longer fits the code is refused with its step", async () => {
    const trace = traceOf(6);
    const path = file("old.json", { ...trace, steps: [...trace.steps.slice(0, 3), "sync 2"] });
    const { code, err } = await run("--replay", path);
    expect(code).toBe(2);
    expect(err).toBe(
      `synod: ${path}: step 4 cannot be taken: the code or the file has changed since\n`,
    );
  });

  test.each([
    ["no JSON", "{", ": expected a trace of synod explore, in JSON"],
    ["another file", { trace: "else" }, ':2: expected "trace": "synod explore" and "version": 1'],
    ["steps missing", { ...traceOf(1), steps: [1] }, "expected steps, each a line of text"],
    [
      "an unknown protocol",
      { ...traceOf(1), of: { protocol: "raft", bounds } },
      ":4: expected a protocol: broadcast, multipaxos, paxos, pmmc",
    ],
    [
      "bounds out of bounds",
      { ...traceOf(1), of: { protocol: "multipaxos", bounds: { ...bounds, nodes: 99 } } },
      ":7: expected nodes, a number from 0 to 9",
    ],
    [
      "an unknown timer",
      { ...traceOf(1), of: { protocol: "multipaxos", bounds: { ...bounds, timers: { x: 1 } } } },
      "expected numbers for some of resend, gossip, heartbeat, check, catchUp",
    ],
  ])("%s is refused in one line", async (name, content, expected) => {
    const path = file(`${name}.json`, content);
    const { code, out, err } = await run("--replay", path);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^synod: [^\n]+\n$/);
    expect(err).toContain(path);
    expect(err).toContain(expected);
  });

  test("plays a violation to its end", () => {
    const model = PROTOCOLS.multipaxos.model(bounds);
    const check: typeof model.check = (state) =>
      state.letters.length > 0 ? "a message is under way" : null;
    const { steps } = traceOf(2);
    const told: string[] = [];
    const end = playAgain({ ...model, check }, steps, (at, text) => told.push(`${at} ${text}`));
    expect(end).toEqual({ problem: "a message is under way" });
    expect(told).toEqual(["1 timeout 0 election", "2 sync 0"]);
  });

  test("that is missing is refused", () => {
    expect(() => readTrace(join(folder, "nowhere.json"))).toThrow("nowhere.json: ENOENT");
  });
});

describe("bad options are 2, in one line", () => {
  test.each([
    [[]],
    [["multipaxos", "--model", "abd-2c2s"]],
    [["raft"]],
    [["--model", "raft"]],
    [["multipaxos", "--slots", "0"]],
    [["multipaxos", "--leaders", "4"]],
    [["multipaxos", "--timers", "coffee=1"]],
    [["paxos", "--timers", "quiet=1"]],
    [["multipaxos", "--messages", "none"]],
    [["multipaxos", "--order", "random"]],
  ])("%j", async (args) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err.startsWith("synod: ")).toBe(true);
  });
});

test("the progress line is redrawn on a terminal and printed now and then elsewhere", () => {
  const state = { states: 12_345, transitions: 40_000, depth: 7, waiting: 678 };
  for (const isTTY of [true, false]) {
    let text = "";
    let at = 0;
    const out = { isTTY, write: (part: string) => (text += part) };
    const progress = createProgress(out as unknown as NodeJS.WriteStream, () => at);
    at = 100;
    progress.on(state);
    expect(text).toBe("");
    at = 10_000;
    progress.on(state);
    expect(text).toContain("12,345 states, 678 waiting, depth 7, 4,000 transitions/s, 10 s");
    expect(text.endsWith("\n")).toBe(!isTTY);
    progress.end();
    expect(text.endsWith(isTTY ? "\r\u001b[2K" : "\n")).toBe(true);
  }
  expect([1, 12, 1234, 1_234_567].map(count)).toEqual(["1", "12", "1,234", "1,234,567"]);
});

test("a violation is 1, its way is printed and kept", async () => {
  const path = join(folder, "found.json");
  const real = PROTOCOLS.multipaxos.model;
  const seeded = (bounds: ProtocolBounds) => {
    const model = real(bounds);
    return {
      ...model,
      check: (state: (typeof model.initial)[number]) =>
        state.replicas.some((replica) => replica.delivered.length > 0) ? "delivered" : null,
    };
  };
  vi.spyOn(PROTOCOLS.multipaxos, "model").mockImplementation(seeded);
  const { code, out, err } = await run(...SMALL, "--trace", path);
  expect(code).toBe(1);
  expect(out).toContain(": a violation (");
  const trace = JSON.parse(readFileSync(path, "utf8")) as Trace;
  expect(err).toBe(`synod: after ${trace.steps.length} steps: delivered\n`);
  expect(trace.problem).toBe("delivered");
  for (const [index, step] of trace.steps.entries())
    expect(out).toContain(`${String(index + 1).padStart(4)}  ${step}\n`);
  const again = await run("--replay", path);
  expect(again.code).toBe(1);
  expect(again.out).toContain("delivers slot 1: -");
});
