import { type Command, hash64, type Protocol } from "@synod/core";
import { keyValue } from "@synod/machines";
import type { DiskImage } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { stateHash } from "../state-hash.ts";
import { Lab } from "../testing/lab.ts";
import { type State, twoLanes } from "../testing/two-lanes.ts";
import type { Message } from "../testing/two-lanes-messages.ts";

/** Not Multi-Paxos: no leader, no slots, an order by conflict only. The same host must carry it. */
const ROLES = [[], [], []];
/** Segments and limits so small that a few hundred writes make snapshots. */
const SMALL = { segmentBytes: 8_192, journalBytesMax: 16_384, chunkBytes: 512, resubmitMs: 300 };

type TwoLab = Lab<State, Message>;

function lab(
  options: Partial<ConstructorParameters<typeof Lab<State, Message>>[0]> = {},
  images?: DiskImage[],
): TwoLab {
  return new Lab<State, Message>(
    { protocol: twoLanes, roles: ROLES, tuning: SMALL, ...options },
    images,
  );
}

function started(options: Parameters<typeof lab>[0] = {}): TwoLab {
  const made = lab(options);
  made.startAll();
  expect(made.runUntil(() => made.nodes.every((node) => node.isUp))).toBe(true);
  return made;
}

/** First byte of the result of a get that found something. */
const FOUND = 0x11;

/** Writes `count` values to 20 keys, from all `at` in turn, a few at a time. */
function write(running: TwoLab, count: number, at: readonly number[] = [0, 1, 2]): number[] {
  const tokens: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const node = at[index % at.length] as number;
    tokens.push(
      running.put(node, `key-${index % 20}`, `value-${running.scheduler.steps}-${index}`),
    );
    if (index % 7 === 0) running.run(1);
  }
  return tokens;
}

/** What each key was given, in the order in which this machine executed it. */
function perKey(applied: readonly Uint8Array[]): Map<string, string[]> {
  const histories = new Map<string, string[]>();
  for (const payload of applied) {
    const operation = keyValue.operation(payload);
    if (operation.kind !== "put") continue;
    const history = histories.get(operation.key) ?? [];
    history.push(hash64(payload));
    histories.set(operation.key, history);
  }
  return new Map([...histories].sort());
}

function contents(running: TwoLab): string[] {
  return running.nodes.map(({ machine }) => stateHash(machine?.freeze() as never));
}

function settled(running: TwoLab): boolean {
  return running.runUntil(
    () => new Set(executedUpTo(running)).size === 1 && running.nodes.every((node) => node.isUp),
  );
}

function executedUpTo(running: TwoLab): number[] {
  return running.nodes.map(({ host }) => host?.status().executedUpTo.index ?? -1);
}

/** The bytes of every snapshot on every platter, by name. */
function snapshotFiles(running: TwoLab): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const { disk } of running.nodes) {
    const image = disk.platter();
    for (const name of image
      .names()
      .filter((file) => /^snapshot-\d+\.(data|manifest)$/.test(file))) {
      const hashes = files.get(name) ?? [];
      const file = image.file(name);
      hashes.push(hash64(file?.read(0, file.size) ?? new Uint8Array(0)));
      files.set(name, hashes);
    }
  }
  return files;
}

test("the host fills in footprints with the keys of the machine and the session", () => {
  const proposed: Command[] = [];
  const protocol: Protocol<State, Message> = {
    ...twoLanes,
    step: (state, input, now) => {
      if (input.kind === "propose") proposed.push(...input.commands);
      return twoLanes.step(state, input, now);
    },
  };
  const running = started({ protocol });
  const tokens = [
    running.put(0, "a", "1"),
    running.put(1, "b", "2", { client: "c", sequence: 1, acknowledged: 1 }),
  ];
  expect(running.runUntil(() => running.allDone(tokens))).toBe(true);
  const footprints = new Set(proposed.map(({ footprint }) => JSON.stringify(footprint)));
  expect([...footprints].sort()).toEqual([
    '{"reads":[],"writes":["a","session:~0"]}',
    '{"reads":[],"writes":["b","session:c"]}',
  ]);
});

test("nodes that were formatted one by one meet, register each other and vote", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    // Whatever introduces them to each other can be lost as well.
    const network = { loss: seed % 2 === 0 ? 0.3 : 0 };
    const running = started({ strangers: true, seed, network });
    const votes = (): boolean => running.nodes.every(({ host }) => host?.status().voter === true);
    expect(running.runUntil(votes), `seed ${seed}`).toBe(true);
    const tokens = write(running, 3);
    expect(running.runUntil(() => running.allDone(tokens))).toBe(true);
  }
});

test("a protocol without a leader is ready without one", () => {
  const running = started();
  expect(
    running.runUntil(() => running.nodes.every(({ host }) => host?.status().ready === true)),
  ).toBe(true);
});

test("keys are executed in one order everywhere, commands in several", () => {
  const running = started({ tuning: {} });
  const tokens: number[] = [];
  for (let index = 0; index < 300; index += 1) {
    const session = {
      client: `c${index % 30}`,
      sequence: 1 + Math.floor(index / 30),
      acknowledged: 1,
    };
    tokens.push(running.put(index % 3, `key-${index % 20}`, `${index}`, session));
    if (index % 5 === 0) running.run(1);
  }
  expect(running.runUntil(() => running.allDone(tokens))).toBe(true);
  expect(settled(running)).toBe(true);
  const [first, second, third] = running.nodes.map(({ applied }) => applied);
  expect(first?.length).toBe(300);
  expect(perKey(second ?? [])).toEqual(perKey(first ?? []));
  expect(perKey(third ?? [])).toEqual(perKey(first ?? []));
  const orders = new Set(
    [first, second, third].map((applied) => applied?.map((p) => hash64(p)).join()),
  );
  expect(orders.size, "the replicas happened to agree on everything").toBeGreaterThan(1);
  expect(new Set(contents(running)).size).toBe(1);
});

test("at a barrier all replicas hold the same state, sessions included, byte by byte", () => {
  const running = started();
  const seen = new Map<string, Set<string>>();
  let compared = 0;
  for (let round = 0; round < 18; round += 1) {
    const session = { client: `user-${round}`, sequence: 1, acknowledged: 1 };
    const tokens = [...write(running, 60), running.put(round % 3, "own", `${round}`, session)];
    expect(running.runUntil(() => running.allDone(tokens))).toBe(true);
    for (const [name, hashes] of snapshotFiles(running)) {
      const known = seen.get(name) ?? new Set();
      for (const hash of hashes) known.add(hash);
      seen.set(name, known);
      compared = Math.max(compared, hashes.length);
    }
  }
  expect(seen.size).toBeGreaterThan(4);
  expect(compared).toBe(3);
  expect([...seen].filter(([, hashes]) => hashes.size > 1)).toEqual([]);
  for (const { events } of running.nodes)
    expect(events.filter((event) => event.startsWith("snapshot written")).length).toBeGreaterThan(
      2,
    );
});

test("the journal stays short, because snapshots cut it", () => {
  const running = started();
  for (let round = 0; round < 10; round += 1) {
    const tokens = write(running, 100);
    expect(running.runUntil(() => running.allDone(tokens))).toBe(true);
  }
  running.run(5_000);
  for (const { host } of running.nodes) {
    expect(host?.status().journalBytes).toBeLessThan(4 * SMALL.journalBytesMax);
    expect(host?.status().snapshotPosition.index).toBeGreaterThan(500);
  }
});

describe("reads", () => {
  test("reflect every write that was acknowledged before, on any node", () => {
    const running = started();
    for (let round = 0; round < 40; round += 1) {
      const written = running.put(round % 3, "x", `${round}`);
      expect(running.runUntil(() => running.allDone([written]))).toBe(true);
      const read = running.get((round + 1 + (round % 2)) % 3, "x");
      expect(running.runUntil(() => running.allDone([read]))).toBe(true);
      expect(running.value(read)).toBe(`${round}`);
    }
  });

  test("wait while an owner is away; stale ones do not", () => {
    const running = started();
    const written = running.put(2, "x", "1");
    expect(running.runUntil(() => running.allDone([written]))).toBe(true);
    running.crash(0);
    const read = running.get(2, "x");
    const stale = running.get(2, "x", "stale");
    running.run(3_000);
    expect([running.outcomes.has(read), running.value(stale)]).toEqual([false, "1"]);
    running.start(0);
    expect(running.runUntil(() => running.allDone([read]))).toBe(true);
    expect(running.value(read)).toBe("1");
  });
});

test.each([
  ["process", 0],
  ["process", 1],
  ["power", 0],
  ["power", 1],
  ["power", 2],
] as const)(
  "a node that loses its %s (node %d) again and again loses nothing acknowledged",
  (how, victim) => {
    const running = started();
    const others = [0, 1, 2].filter((node) => node !== victim);
    const expected = new Map<string, string>();
    for (let round = 0; round < 6; round += 1) {
      const last = running.put(others[round % 2] as number, `round-${round}`, `${round}`);
      const tokens = write(running, 80, others);
      running.run(round * 3);
      running.crash(victim, how);
      running.run(round * 100);
      running.start(victim);
      expect(
        running.runUntil(() => running.allDone([...tokens, last])),
        `round ${round}`,
      ).toBe(true);
      expected.set(`round-${round}`, `${round}`);
    }
    expect(settled(running)).toBe(true);
    expect(new Set(contents(running)).size).toBe(1);
    for (const [key, value] of expected) {
      const read = running.get(victim, key);
      expect(running.runUntil(() => running.allDone([read]))).toBe(true);
      expect(running.value(read)).toBe(value);
    }
  },
);

test("a replica that was away too long gets the state, and goes on from there", () => {
  const running = started();
  running.crash(2);
  for (let round = 0; round < 8; round += 1) {
    const tokens = write(running, 80, [0, 1]);
    expect(running.runUntil(() => running.allDone(tokens))).toBe(true);
  }
  running.run(3_000);
  running.start(2);
  expect(
    running.runUntil(() =>
      running.node(2).events.some((event) => event.startsWith("state installed")),
    ),
  ).toBe(true);
  const tokens = write(running, 40);
  expect(running.runUntil(() => running.allDone(tokens))).toBe(true);
  expect(settled(running)).toBe(true);
  expect(new Set(contents(running)).size).toBe(1);
  const executed = running.node(2).applied.length;
  expect(executed).toBeLessThan(400);
  // And it stands on its own feet: the state and what came after it survive a restart.
  running.crash(2);
  running.start(2);
  expect(settled(running)).toBe(true);
  expect(new Set(contents(running)).size).toBe(1);
});

describe("a crash at every port call of a short life", () => {
  /** A cluster whose disks hold some snapshots already: every life begins with these. */
  const base = ((): DiskImage[] => {
    const running = started();
    const tokens = write(running, 150);
    if (!running.runUntil(() => running.allDone(tokens)))
      throw new Error("the base did not settle");
    running.run(3_000);
    for (const { id } of running.nodes) running.crash(id);
    return running.nodes.map(({ disk }) => disk.copy());
  })();

  /**
   * One life with a crash at the `call`-th port call of `victim`; false when it lived to the end.
   */
  function live(victim: number, call: number): boolean {
    const running = lab({ seed: 1_000 + call }, base);
    running.startAll();
    running.node(victim).fence.fallAt(call);
    running.runUntil(() => running.nodes.every(({ isUp, fence }) => isUp || fence.down), 5_000);
    const tokens = new Map<number, string>();
    for (let index = 0; index < 90; index += 1) {
      const node = index % 3;
      if (running.node(node).isUp)
        tokens.set(running.put(node, `${call}-${index}`, "x"), `${call}-${index}`);
      if (index % 7 === 0) running.run(1);
    }
    running.run(800);
    const isDone = (token: number): boolean => running.outcomes.get(token)?.kind === "done";
    const acknowledged = [...tokens].filter(([token]) => isDone(token)).map(([, key]) => key);
    const fell = running.node(victim).fence.down;
    if (!fell) running.node(victim).fence.fallAt(Number.POSITIVE_INFINITY);
    else {
      running.crash(victim, call % 2 === 0 ? "power" : "process");
      running.start(victim);
    }
    expect(settled(running), `node ${victim}, call ${call}`).toBe(true);
    expect(running.nodes.map(({ ended }) => ended)).toEqual([null, null, null]);
    const after = write(running, 6);
    expect(
      running.runUntil(() => running.allDone(after)),
      `node ${victim}, call ${call}`,
    ).toBe(true);
    expect(settled(running)).toBe(true);
    expect(new Set(contents(running)).size, `node ${victim}, call ${call}`).toBe(1);
    const { machine } = running.node(victim);
    const missing = acknowledged.filter((key) => machine?.query(keyValue.get(key))[0] !== FOUND);
    expect(missing, `node ${victim}, call ${call}`).toEqual([]);
    return fell;
  }

  test.each([0, 1, 2])("of node %d", (victim) => {
    let call = 1;
    while (live(victim, call)) call += call < 60 ? 1 : 9;
    expect(call).toBeGreaterThan(200);
  });
});
