import { createPrng, type Hello, nextBelow, type Remembered } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { Identity } from "../identity-codec.ts";
import { isRegisteredAt, judgeHello, registrationsNeeded, selfProblem } from "./peers.ts";

const CLUSTER = "c".repeat(32);

function identityOf(node: number, change: Partial<Identity> = {}): Identity {
  return {
    cluster: CLUSTER,
    node,
    dataId: `${node}`.repeat(32),
    formatted: true,
    incarnation: 1,
    boot: 100 + node,
    starts: [],
    met: 0,
    registered: false,
    peers: [],
    protocol: "",
    tenure: null,
    ...change,
  };
}

function helloOf(identity: Identity): Hello {
  const { cluster, node, dataId, incarnation, boot, formatted, starts, peers } = identity;
  return {
    cluster,
    node,
    dataId,
    incarnation,
    boot,
    formatted,
    starts,
    protocol: "p",
    version: 1,
    remembers: peers,
  };
}

function memoryOf({ node, dataId, incarnation, boot }: Identity): Remembered {
  return { node, dataId, incarnation, boot };
}

describe("the hello of a member", () => {
  const one = identityOf(1, { incarnation: 5, boot: 55 });
  const mine = identityOf(0, { peers: [memoryOf(one)] });
  const judge = (change: Partial<Identity>, memory = mine): string =>
    judgeHello(memory, helloOf({ ...one, ...change })).kind;

  test("that is as remembered changes nothing", () => {
    expect(judgeHello(mine, helloOf(one))).toEqual({
      kind: "known",
      identity: mine,
      changed: false,
    });
  });

  test("that was never met is remembered, in order of node ids", () => {
    const verdict = judgeHello(identityOf(2, { peers: [memoryOf(identityOf(4))] }), helloOf(one));
    expect(verdict).toMatchObject({ kind: "known", changed: true });
    const peers = verdict.kind === "known" ? verdict.identity.peers : [];
    expect(peers).toEqual([memoryOf(one), memoryOf(identityOf(4))]);
  });

  test("of a later start replaces the memory of the earlier one", () => {
    const verdict = judgeHello(mine, helloOf({ ...one, incarnation: 6, boot: 66 }));
    const peers = verdict.kind === "known" ? verdict.identity.peers : [];
    expect(peers).toEqual([{ ...memoryOf(one), incarnation: 6, boot: 66 }]);
  });

  test.each([
    ["a blank disk", { formatted: false }, "stranger"],
    ["a blank disk of the same data id", { formatted: false, incarnation: 9 }, "stranger"],
    ["another data directory", { dataId: "f".repeat(32) }, "stranger"],
    [
      "another data directory with more starts",
      { dataId: "f".repeat(32), incarnation: 99 },
      "stranger",
    ],
    ["an older start", { incarnation: 4 }, "stale"],
    ["a second start under the same number", { boot: 56 }, "stale"],
    ["a later start", { incarnation: 6, boot: 1 }, "known"],
  ])("with %s is judged", (_, change, kind) => {
    expect(judge(change)).toBe(kind);
  });

  test("pre-registered without a boot number is known whatever number its first start drew", () => {
    const formatted = identityOf(0, { peers: [{ ...memoryOf(one), incarnation: 0, boot: 0 }] });
    expect(judge({ incarnation: 1, boot: 9 }, formatted)).toBe("known");
    expect(judge({ incarnation: 0, boot: 9 }, formatted)).toBe("known");
  });

  test("never changes the memory of its judge when it is refused", () => {
    const stale = judgeHello(
      mine,
      helloOf({ ...one, incarnation: 4, peers: [memoryOf(identityOf(2))] }),
    );
    expect(stale).not.toHaveProperty("identity");
  });
});

describe("memories of third members in a hello", () => {
  const two = identityOf(2, { incarnation: 3, boot: 33 });
  const adopt = (known: Remembered[], told: Remembered): readonly Remembered[] => {
    const verdict = judgeHello(
      identityOf(0, { peers: known }),
      helloOf(identityOf(1, { peers: [told] })),
    );
    return verdict.kind === "known" ? verdict.identity.peers.filter((peer) => peer.node === 2) : [];
  };

  test("are adopted when new, or of a later start of the same directory", () => {
    expect(adopt([], memoryOf(two))).toEqual([memoryOf(two)]);
    const later = { ...memoryOf(two), incarnation: 4, boot: 44 };
    expect(adopt([memoryOf(two)], later)).toEqual([later]);
  });

  test("do not replace a later start or another directory", () => {
    expect(adopt([memoryOf(two)], { ...memoryOf(two), incarnation: 2 })).toEqual([memoryOf(two)]);
    const other = { ...memoryOf(two), dataId: "e".repeat(32), incarnation: 99 };
    expect(adopt([memoryOf(two)], other)).toEqual([memoryOf(two)]);
  });

  test("of the judge itself are not put into its memory of peers", () => {
    const mine = identityOf(0);
    const verdict = judgeHello(mine, helloOf(identityOf(1, { peers: [memoryOf(mine)] })));
    expect(verdict.kind === "known" && verdict.identity.peers.map((peer) => peer.node)).toEqual([
      1,
    ]);
  });
});

describe("what others remember of this node", () => {
  const mine = identityOf(0, { incarnation: 5, boot: 55 });
  const told = (change: Partial<Remembered>): string | null =>
    selfProblem(mine, [memoryOf(identityOf(1)), { ...memoryOf(mine), ...change }]);

  test("speaks against it when it is another directory or a later start", () => {
    expect(told({ dataId: "f".repeat(32) })).toMatch(/another data directory/);
    expect(told({ incarnation: 6 })).toMatch(/an old copy/);
    expect(told({ boot: 56 })).toMatch(/an old copy/);
  });

  test("does not when it is this start or an earlier one, or nothing", () => {
    expect(told({})).toBeNull();
    expect(told({ incarnation: 4, boot: 9 })).toBeNull();
    expect(selfProblem(mine, [])).toBeNull();
  });

  test("registers it when it is the same directory, of whatever start", () => {
    expect(isRegisteredAt(mine, [{ ...memoryOf(mine), incarnation: 1, boot: 0 }])).toBe(true);
    expect(isRegisteredAt(mine, [{ ...memoryOf(mine), dataId: "f".repeat(32) }])).toBe(false);
    expect(isRegisteredAt(mine, [memoryOf(identityOf(1))])).toBe(false);
  });
});

test("the registrations that it takes are more than half of the others", () => {
  const needed = [1, 2, 3, 4, 5, 6, 7].map((count) =>
    registrationsNeeded(Array.from({ length: count }, (_, node) => node)),
  );
  expect(needed).toEqual([0, 1, 2, 2, 3, 3, 4]);
});

test("two directories of one member are never both registered, whoever meets whom and when", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = createPrng(seed);
    const count = 2 + nextBelow(random, 6);
    const others = Array.from({ length: count - 1 }, (_, index) => identityOf(index + 1));
    // Node 0's disk is lost and formatted again now and then.
    let mine = identityOf(0, { dataId: "a".repeat(32) });
    let registeredAt = new Set<number>();
    const voted = new Set<string>();
    let format = 0;
    for (let meeting = 0; meeting < 60; meeting += 1) {
      if (nextBelow(random, 15) === 0) {
        format += 1;
        mine = identityOf(0, { dataId: `${format}`.repeat(32).slice(0, 32), boot: 1_000 + format });
        registeredAt = new Set();
      }
      const at = nextBelow(random, others.length);
      const from =
        nextBelow(random, 2) === 0 ? mine : (others[nextBelow(random, others.length)] as Identity);
      if (from.node === at + 1) continue;
      const verdict = judgeHello(others[at] as Identity, helloOf(from));
      if (verdict.kind === "known") others[at] = verdict.identity;
      if (from !== mine) continue;
      const { peers, node } = others[at] as Identity;
      if (isRegisteredAt(mine, peers)) registeredAt.add(node);
      const members = [0, ...others.map((other) => other.node)];
      if (registeredAt.size >= registrationsNeeded(members)) voted.add(mine.dataId);
    }
    expect(voted.size, `seed ${seed}`).toBeLessThanOrEqual(1);
  }
});
