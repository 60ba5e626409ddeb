import type { Hello, Network, NodeId, PortError, Remembered } from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
import type { Tenure } from "../configuration.ts";
import type { Identity } from "../identity-codec.ts";
import { Links } from "./links.ts";

const CLUSTER = "c".repeat(32);
const ME: Identity = {
  cluster: CLUSTER,
  node: 0,
  dataId: "0".repeat(32),
  formatted: true,
  incarnation: 1,
  boot: 100,
  starts: [],
  met: 0,
  registered: false,
  peers: [],
  protocol: "",
  tenure: null,
};

let log: string[];
let saves: { identity: Identity; done: (error: PortError | null) => void }[];
let announced: Hello[];
let timers: (() => void)[];
let links: Links;

beforeEach(() => create());

function create(change: Partial<Identity> = {}, members: readonly NodeId[] = [0, 1, 2]): void {
  log = [];
  saves = [];
  announced = [];
  timers = [];
  links = new Links({
    identity: { ...ME, ...change },
    members,
    protocol: "p",
    version: 7,
    network: { announce: (hello: Hello) => announced.push(hello) } as unknown as Network,
    save: (identity, done) => saves.push({ identity, done }),
    handler: {
      linkReady: (peer) => log.push(`ready ${peer}`),
      tellKnown: (peer, remembers) => log.push(`tell ${peer} of ${nodesOf(remembers)}`),
      askKnown: (peer) => log.push(`ask ${peer}`),
      later: (_ms, run) => timers.push(run),
      admitted: () => log.push("admitted"),
      disowned: (reason) => log.push(`disowned: ${reason}`),
      failed: (error) => log.push(`failed: ${error.message}`),
    },
  });
}

function nodesOf(remembers: readonly Remembered[]): string {
  return remembers.map((peer) => peer.node).join("+") || "nobody";
}

function memory(node: NodeId, change: Partial<Remembered> = {}): Remembered {
  return { node, dataId: `${node}`.repeat(32), incarnation: 1, boot: 100 + node, ...change };
}

function hello(node: NodeId, change: Partial<Hello> = {}): Hello {
  return {
    ...memory(node),
    cluster: CLUSTER,
    formatted: true,
    starts: [],
    protocol: "p",
    version: 7,
    remembers: [],
    ...change,
  };
}

/** The oldest save under way ends. */
function saved(error: PortError | null = null): Identity {
  const save = saves.shift();
  if (save === undefined) throw new Error("nothing is being saved");
  save.done(error);
  return save.identity;
}

function take(): string[] {
  return log.splice(0);
}

describe("a connection", () => {
  test("counts only once its peer is durably remembered", () => {
    expect(links.linkUp(hello(1))).toBeNull();
    expect([links.isReady(1), take()]).toEqual([false, []]);
    expect(saved().peers).toEqual([memory(1)]);
    expect([links.isReady(1), take()]).toEqual([true, ["tell 1 of 1", "ready 1"]]);
    expect(announced.map((mine) => nodesOf(mine.remembers))).toEqual(["1"]);
  });

  test("of a peer that is remembered counts at once", () => {
    create({ peers: [memory(1)] });
    links.linkUp(hello(1));
    expect([links.isReady(1), take(), saves.length]).toEqual([true, ["tell 1 of 1", "ready 1"], 0]);
  });

  test("that ended meanwhile, or was replaced, does not become ready by an old save", () => {
    links.linkUp(hello(1));
    links.linkDown(1);
    saved();
    expect([links.isReady(1), take()]).toEqual([false, []]);
    links.linkUp(hello(1, { incarnation: 2, boot: 5 }));
    links.linkUp(hello(1, { incarnation: 3, boot: 6 }));
    saved();
    expect([links.isReady(1), take()]).toEqual([false, []]);
    expect(saved().peers[0]?.incarnation).toBe(3);
    expect([links.isReady(1), take()]).toEqual([true, ["tell 1 of 1", "ready 1"]]);
  });

  test("of a blank or foreign disk is a learner's: ready, told in status, not remembered", () => {
    create({ peers: [memory(2)] });
    links.linkUp(hello(1, { formatted: false }));
    links.linkUp(hello(2, { dataId: "f".repeat(32) }));
    expect([take(), saves.length]).toEqual([["ready 1", "ready 2"], 0]);
    expect(links.status().map((peer) => peer.refused)).toEqual([
      "its data directory may not vote",
      "its data directory is not the one that voted before",
    ]);
    expect(links.status()[1]?.dataId).toBe("f".repeat(32));
  });

  test("of somebody who is no member is a stranger's, known by the data id it shows", () => {
    create({ peers: [memory(1)] });
    links.linkUp(hello(1));
    links.linkUp(hello(9));
    expect([take(), saves.length]).toEqual([["tell 1 of 1", "ready 1", "ready 9"], 0]);
    expect(links.applicants()).toEqual([{ node: 9, dataId: hello(9).dataId }]);
    expect([links.dataIdOf(9), links.dataIdOf(8)]).toEqual([hello(9).dataId, ""]);
  });

  test.each([
    ["of an old copy of a disk", { incarnation: 0 }, /later start/],
    ["of another cluster", { cluster: "d".repeat(32) }, /not this cluster/],
    ["of another version", { version: 8 }, /version 8/],
    ["of one's own name", { node: 0 }, /node 0 is the name/],
  ])("%s is refused", (_, change, words) => {
    create({ peers: [memory(1)] });
    expect(links.linkUp(hello(1, change))).toMatch(words);
    expect([links.isReady(1), take(), saves.length]).toEqual([false, [], 0]);
  });
});

describe("what is told to others", () => {
  test("is never more than what is durable", () => {
    links.linkUp(hello(1));
    links.linkUp(hello(2));
    expect(nodesOf(links.hello().remembers)).toBe("nobody");
    saved();
    expect([take(), nodesOf(announced.at(-1)?.remembers ?? [])]).toEqual([
      ["tell 1 of 1", "ready 1"],
      "1",
    ]);
    saved();
    expect([take(), nodesOf(announced.at(-1)?.remembers ?? [])]).toEqual([
      ["tell 2 of 1+2", "ready 2"],
      "1+2",
    ]);
  });

  test("goes on in one save for all that gathered during another", () => {
    create({}, [0, 1, 2, 3]);
    for (const peer of [1, 2, 3]) links.linkUp(hello(peer));
    saved();
    expect(nodesOf(saved().peers)).toBe("1+2+3");
    while (saves.length > 0) saved();
    expect(
      take()
        .filter((word) => word.startsWith("ready"))
        .sort(),
    ).toEqual(["ready 1", "ready 2", "ready 3"]);
  });

  test("nothing, when the disk fails", () => {
    links.linkUp(hello(1));
    saved({ code: "io", message: "broken" });
    expect([take(), announced.length, links.isReady(1)]).toEqual([["failed: broken"], 0, false]);
  });
});

describe("registration", () => {
  test("is asked for again and again of those who did not tell, until it is complete", () => {
    links.begin();
    expect(take()).toEqual([]);
    links.linkUp(hello(1, { remembers: [memory(0)] }));
    links.linkUp(hello(2));
    timers.shift()?.();
    expect(take()).toEqual(["ask 2"]);
    timers.shift()?.();
    expect(take()).toEqual(["ask 2"]);
    links.heard(2, [memory(0)]);
    timers.shift()?.();
    expect([take(), timers.length]).toEqual([[], 0]);
  });

  test("is told again to whoever asks, once it is durable", () => {
    links.linkUp(hello(1));
    links.asked(1);
    expect(take()).toEqual([]);
    saved();
    take();
    links.asked(1);
    expect(take()).toEqual(["tell 1 of 1"]);
  });

  const knowsMe = (peer: NodeId): Hello => hello(peer, { remembers: [memory(0)] });

  test("admits once more than half of the others remember this node, and that is durable", () => {
    links.begin();
    links.linkUp(knowsMe(1));
    saved();
    expect(links.nonVoterReason).toBe("registered by 1 of the 2 other members that it takes");
    links.linkUp(hello(2));
    saved();
    expect([links.mayVote, take().includes("admitted")]).toEqual([false, false]);
    links.heard(2, [memory(0)]);
    expect(take()).not.toContain("admitted");
    expect(saved().registered).toBe(true);
    expect([links.mayVote, links.nonVoterReason, take()]).toEqual([true, "", ["admitted"]]);
  });

  test("by one peer counts once, however often it says so", () => {
    links.heard(1, [memory(0)]);
    links.heard(1, [memory(0)]);
    expect(saves).toHaveLength(0);
  });

  test("of another data directory does not count, and disowns this one", () => {
    links.heard(1, [memory(0, { dataId: "f".repeat(32) })]);
    links.heard(2, [memory(0)]);
    const { formatted, registered } = saved();
    expect([formatted, registered, links.mayVote]).toEqual([false, false, false]);
    expect(take()).toEqual([
      "disowned: the cluster remembers another data directory under this node id",
    ]);
    expect(announced.at(-1)?.formatted).toBe(false);
    links.heard(1, [memory(0)]);
    links.heard(2, [memory(0)]);
    expect([links.mayVote, saves.length]).toEqual([false, 0]);
  });

  test("is asked of nobody by a member without others, but saved first", () => {
    create({}, [0]);
    links.begin();
    expect(take()).toEqual([]);
    saved();
    expect([links.mayVote, take()]).toEqual([true, ["admitted"]]);
  });

  test("once durable is never asked for again", () => {
    create({ registered: true });
    links.begin();
    expect([links.mayVote, saves.length]).toEqual([true, 0]);
  });

  test("does not make a voter of a blank directory", () => {
    create({ formatted: false });
    links.begin();
    links.heard(1, [memory(0)]);
    links.heard(2, [memory(0)]);
    expect([links.mayVote, saves.length]).toEqual([false, 0]);
    expect(links.nonVoterReason).toMatch(/must be replaced/);
  });
});

test("a later start of this directory that others remember disowns it, registered or not", () => {
  create({ registered: true, incarnation: 4 });
  expect(links.linkUp(hello(1, { remembers: [memory(0, { incarnation: 5 })] }))).toBeNull();
  while (saves.length > 0) saved();
  expect(take()[0]).toMatch(/^disowned: .*old copy/);
  expect(links.mayVote).toBe(false);
});

test("the status shows all others, met or not, and why they refuse", () => {
  create({ peers: [memory(2, { incarnation: 8 })] });
  links.linkUp(hello(1, { formatted: false }));
  links.refused(2, "no room");
  expect(links.status()).toEqual([
    {
      node: 1,
      connected: true,
      dataId: "1".repeat(32),
      incarnation: 1,
      refused: "its data directory may not vote",
    },
    { node: 2, connected: false, dataId: "2".repeat(32), incarnation: 8, refused: "no room" },
  ]);
  links.linkUp(hello(2, { incarnation: 8 }));
  expect(links.status()[1]).toMatchObject({ connected: true, refused: "" });
});

describe("a configuration that is entered", () => {
  /** Node 1 under another data id, 2 as before, 3 new; 4 was a member and is none any more. */
  const members = ([0, 1, 2, 3] as const).map((id) => {
    const dataId = id === 1 ? "f".repeat(32) : `${id}`.repeat(32);
    return { id, address: "", zone: "", roles: [], dataId };
  });
  const configuration = { number: 2, cluster: CLUSTER, members, quorums: null };
  const tenure: Tenure = { configuration, began: { log: 0, index: 9 } };
  const peers = [memory(1), memory(2), memory(4)];
  const starts = [{ incarnation: 0, boot: 77 }];

  beforeEach(() => create({ peers, starts }, [0, 1, 2, 4]));

  test("for good is what a restart finds, with the members that it names", () => {
    links.enter(tenure, false, () => log.push("entered"));
    expect(take()).toEqual([]);
    const identity = saved();
    expect([take(), identity.tenure, identity.registered]).toEqual([["entered"], tenure, true]);
    expect(identity.peers.map(({ node, dataId }) => node + dataId.slice(0, 1))).toEqual([
      "1f",
      "22",
      "33",
    ]);
  });

  test("for the time being leaves a restart all by which it goes on in the one before", () => {
    links.enter(tenure, true, () => log.push("entered"));
    const identity = saved();
    expect([take(), links.mayVote, links.isMember(4)]).toEqual([["entered"], true, false]);
    expect(identity).toMatchObject({ tenure: null, registered: false, starts });
    // What the other one remembers of those who join cannot do harm there.
    expect(identity.peers.map(({ node, dataId }) => node + dataId.slice(0, 1))).toEqual([
      "11",
      "22",
      "33",
      "44",
    ]);
  });

  test("remembers later starts of members at once, and forgets none of its own", () => {
    links.enter(tenure, true, () => undefined);
    saved();
    const mine = [{ ...memory(0), boot: ME.boot }];
    for (const node of [2, 3]) {
      links.linkUp(hello(node, { incarnation: 2, starts: [memory(node)], remembers: mine }));
      expect(saved().peers.find((peer) => peer.node === node)?.incarnation).toBe(2);
    }
    links.linkUp(hello(1, { dataId: "f".repeat(32), remembers: mine }));
    expect(saved()).toMatchObject({ starts });
    links.commit(() => log.push("committed"));
    expect(saved()).toMatchObject({ tenure, registered: true, starts: [] });
    expect(take().at(-1)).toBe("committed");
  });
});
