import { createServer } from "node:net";
import { type Hello, invariant, type PortError } from "@synod/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { helloOf } from "./compliance/hello.ts";
import { createNetwork } from "./network.ts";
import { createRandom } from "./random.ts";
import { tcpProxy } from "./testing/tcp-proxy.ts";
import {
  freePort,
  pause,
  QUICK,
  type TestPeer,
  testPair,
  testPeer,
  textFrame,
  until,
} from "./testing/test-peer.ts";

describe("two nodes", () => {
  it("hear each other on both lanes, in both directions, each frame once", async () => {
    const [a, b] = await testPair();
    for (let n = 0; n < 50; n += 1) {
      a.network.send([1], "urgent", textFrame(`a${n}`));
      b.network.send([0], "urgent", textFrame(`b${n}`));
      a.network.send([1], "bulk", textFrame(`A${n}`));
    }
    await until(() => b.frames.length === 100 && a.frames.length === 50);
    const lane = (prefix: string) => b.frames.filter((frame) => frame.startsWith(`0: ${prefix}`));
    expect(lane("a")).toEqual(Array.from({ length: 50 }, (_, n) => `0: a${n}`));
    expect(lane("A")).toEqual(Array.from({ length: 50 }, (_, n) => `0: A${n}`));
    expect(a.frames).toEqual(Array.from({ length: 50 }, (_, n) => `1: b${n}`));
  });

  it("exchange large frames whole", async () => {
    const [a, b] = await testPair();
    const sizes = [1, 60_000, 300_000, 4_000_000];
    const got: number[] = [];
    b.onFrame = (_from, bytes) => void got.push(bytes.length);
    for (const size of sizes) a.network.send([1], "bulk", textFrame("x".repeat(size)));
    await until(() => got.length === sizes.length);
    expect(got).toEqual(sizes.map((size) => size + 9));
    expect(b.frames[2]).toBe(`0: ${"x".repeat(300_000)}`);
  });

  it("keep frames of the bulk lane while it is being connected, and no longer", async () => {
    const [port0, port1] = [await freePort(), await freePort()];
    const a = await testPeer(0, { 1: port1 }, { listen: { host: "127.0.0.1", port: port0 } });
    a.network.send([1], "bulk", textFrame("too early"));
    a.network.send([1], "urgent", textFrame("too early"));
    const b = await testPeer(1, {}, { listen: { host: "127.0.0.1", port: port1 } });
    a.refuse = (hello) => {
      setImmediate(() => a.network.send([hello.node], "bulk", textFrame("at once")));
      return null;
    };
    // Node 1 does not know node 0 as a member and would refuse it.
    await b.close();
    const c = await testPeer(1, { 0: port0 }, { listen: { host: "127.0.0.1", port: port1 } });
    await until(() => c.frames.length > 0);
    await pause(50);
    expect(new Set(c.frames)).toEqual(new Set(["0: at once"]));
    expect(a.network.counters().framesDropped).toBeGreaterThanOrEqual(2);
  });

  it("lend byte arrays of the plain kind, whose slices are copies", async () => {
    const [a, b] = await testPair();
    let kept: Uint8Array | null = null;
    b.onFrame = (_from, bytes) => {
      kept = bytes.slice();
      bytes.fill(0);
    };
    a.network.send([1], "urgent", textFrame("keep me"));
    await until(() => kept !== null);
    expect(Buffer.from(kept ?? []).toString("latin1")).toMatch(/keep me$/);
  });

  it("tell what they remember when they connect the next time", async () => {
    const [port0, port1] = [await freePort(), await freePort()];
    const listen = (port: number) => ({ listen: { host: "127.0.0.1", port } });
    const a = await testPeer(0, { 1: port1 }, listen(port0));
    const remembers = [{ node: 1, dataId: "1".repeat(32), incarnation: 4, boot: 9 }];
    a.network.announce(helloOf(0, { remembers }));
    const seen: Hello[] = [];
    const b = await testPeer(1, { 0: port0 }, listen(port1));
    b.refuse = (hello) => {
      seen.push(hello);
      return null;
    };
    await until(() => seen.length > 0);
    expect(seen[0]).toEqual(helloOf(0, { remembers }));
  });

  it("deliver what was sent just before they close in order", async () => {
    const [a, b] = await testPair();
    for (let n = 0; n < 100; n += 1) a.network.send([1], "urgent", textFrame(`${n}`));
    await a.close();
    await until(() => b.frames.length === 100);
    await until(() => b.events.at(-1) === "down 0");
  });

  it("notice a death and find each other again", async () => {
    const [port0, port1] = [await freePort(), await freePort()];
    const at = (port: number) => ({ listen: { host: "127.0.0.1", port } });
    const a = await testPeer(0, { 1: port1 }, at(port0));
    for (let incarnation = 1; incarnation <= 3; incarnation += 1) {
      const b = await testPeer(1, { 0: port0 }, { ...at(port1), hello: { incarnation } });
      await until(() => a.events.filter((event) => event === "up 1").length === 2 * incarnation);
      b.network.send([0], "urgent", textFrame(`life ${incarnation}`));
      await until(() => a.frames.length === incarnation);
      await b.close();
      await until(() => a.events.at(-1) === "down 1");
    }
    expect(a.events.filter((event) => event === "down 1")).toHaveLength(3);
  });
});

describe("a greeting", () => {
  /** Node 0 with this hello dials node 1, which knows it; the reason that node 0 is told. */
  const refusalOf = async (hello: Partial<Hello>, id = 0): Promise<string> => {
    const port = await freePort();
    const b = await testPeer(1, { 0: port }, {});
    const { port: dialed } = b.network.address();
    const a = await testPeer(id, { 1: dialed }, { hello });
    await until(() => a.events.some((event) => event.startsWith("refused")));
    expect(a.events.filter((event) => event.startsWith("up"))).toEqual([]);
    expect(b.events).toEqual([]);
    return a.events[0] ?? "";
  };

  it("of another cluster, protocol or version is refused, and the reason told", async () => {
    const other = "f".repeat(32);
    expect(await refusalOf({ cluster: other })).toMatch(`refused by 1: cluster ${other}`);
    expect(await refusalOf({ protocol: "epaxos" })).toMatch("refused by 1: protocol epaxos");
    expect(await refusalOf({ version: 2 })).toMatch("refused by 1: version 2");
  });

  it("of a node that is no peer is the host's to judge, and so many may come", async () => {
    const b = await testPeer(99, {});
    const { port } = b.network.address();
    const others = await Promise.all(
      Array.from({ length: 17 }, (_, id) => testPeer(id, { 99: port })),
    );
    await until(() => others.every(({ events }) => events.length > 0));
    expect(b.events.filter((event) => event.startsWith("up"))).toHaveLength(16);
    const refused = others.filter(({ events }) => events[0]?.startsWith("refused"));
    expect(refused.map(({ events }) => events[0])).toEqual([
      expect.stringMatching(
        /refused by 99: node \d+ is not a member of this cluster, and too many/,
      ),
    ]);
    const gone = others.find((other) => !refused.includes(other));
    await gone?.close();
    await until(() => b.events.some((event) => event.startsWith("down")));
    // There is room again, and whoever was refused goes on trying.
    await until(() => b.events.filter((event) => event.startsWith("up")).length === 17);
  });

  it("to oneself is refused", async () => {
    const port = await freePort();
    const a = await testPeer(0, { 1: port }, { listen: { host: "127.0.0.1", port } });
    await until(() => a.events.length > 0);
    expect(a.events[0]).toMatch("node 0 is the name of the node that was called");
  });

  it("at the wrong address is refused on both sides", async () => {
    const [port1, port2] = [await freePort(), await freePort()];
    const listen = (port: number) => ({ listen: { host: "127.0.0.1", port } });
    const members = { 0: await freePort(), 1: port1, 2: port2 };
    const one = await testPeer(1, members, listen(port1));
    const two = await testPeer(2, members, listen(port2));
    const lost = await testPeer(0, { 1: port2, 2: port1 });
    await until(() => lost.events.length >= 2);
    expect(lost.events.join()).toMatch("refused by 1: node 1 was called, and node 2 answered");
    expect(lost.events.join()).toMatch("refused by 2: node 2 was called, and node 1 answered");
    for (const peer of [one, two]) expect(peer.events.join()).not.toMatch("up 0");
  });

  it("that the host refuses is refused with its words, and tried again", async () => {
    const [port0, port1] = [await freePort(), await freePort()];
    const listen = (port: number) => ({ listen: { host: "127.0.0.1", port } });
    const b = await testPeer(1, { 0: port0 }, listen(port1));
    b.refuse = () => "a later start is known here";
    const a = await testPeer(0, { 1: port1 }, listen(port0));
    const reasons = () => a.events.filter((event) => event.startsWith("refused"));
    await until(() => reasons().length >= 3);
    expect(new Set(reasons())).toEqual(new Set(["refused by 1: a later start is known here"]));
    expect(b.events.join()).not.toMatch("up");
    b.refuse = () => null;
    await until(() => b.events.filter((event) => event === "up 0").length === 2);
  });

  it("that the dialing host refuses is undone, and the listener is told", async () => {
    const [port0, port1] = [await freePort(), await freePort()];
    const a = await testPeer(0, { 1: port1 }, { listen: { host: "127.0.0.1", port: port0 } });
    a.refuse = () => "an old copy";
    const b = await testPeer(1, { 0: port0 }, { listen: { host: "127.0.0.1", port: port1 } });
    await until(() => b.events.filter((event) => event === "refused by 0: an old copy").length > 1);
    a.network.send([1], "urgent", textFrame("x"));
    await pause(50);
    expect(b.frames).toEqual([]);
    expect(a.events.filter((event) => event.startsWith("up"))).toEqual([]);
  });
});

describe("one node that connects twice", () => {
  it("is heard on the newest connection only, and was never down", async () => {
    const port0 = await freePort();
    const b = await testPeer(1, { 0: port0 });
    const { port } = b.network.address();
    const first = await testPeer(0, { 1: port }, { hello: { incarnation: 1 } });
    await until(() => b.events.length === 1);
    let newest = 1;
    // As a host does, which remembers the newest start; else the two would take turns for ever.
    b.refuse = ({ incarnation }) => {
      if (incarnation < newest) return "old";
      newest = incarnation;
      return null;
    };
    const second = await testPeer(0, { 1: port }, { hello: { incarnation: 2 } });
    // What is sent before the sender knows of the link goes nowhere.
    await until(() => b.events.length >= 2 && second.events.includes("up 1"));
    second.network.send([1], "urgent", textFrame("new"));
    await until(() => b.frames.includes("0: new"));
    expect(b.events).not.toContain("down 0");
    await first.close();
    second.network.send([1], "urgent", textFrame("newer"));
    await until(() => b.frames.includes("0: newer"));
  });

  it("gets no bulk connection next to the urgent one of another start", async () => {
    const port0 = await freePort();
    const b = await testPeer(1, { 0: port0 });
    const { port } = b.network.address();
    // Refused on the urgent lane, this start must not get in through the other.
    b.refuse = (hello) => (hello.incarnation === 1 ? "old" : null);
    const old = await testPeer(0, { 1: port }, { hello: { incarnation: 1 } });
    await testPeer(0, { 1: port }, { hello: { incarnation: 2 } });
    await until(() => b.events.includes("up 0"));
    for (let n = 0; n < 20; n += 1) {
      old.network.send([1], "bulk", textFrame("old"));
      await pause(5);
    }
    expect(b.frames).toEqual([]);
  });
});

describe("a connection that is half open", () => {
  /** Node 0 dials node 1 through a proxy; node 1 cannot dial node 0. */
  const throughProxy = async (tuning = {}) => {
    const b = await testPeer(1, { 0: await freePort() }, { tuning });
    const proxy = await tcpProxy(b.network.address().port);
    const a = await testPeer(0, { 1: proxy.port }, { tuning });
    await until(() => a.events.includes("up 1") && b.events.includes("up 0"));
    return { a, b, proxy };
  };

  it("is noticed by both sides and made anew", async () => {
    const { a, b, proxy } = await throughProxy();
    proxy.freeze();
    const frozenMs = performance.now();
    await until(() => a.events.includes("down 1") && b.events.includes("down 0"));
    expect(performance.now() - frozenMs).toBeGreaterThan(150);
    expect(a.network.counters().linksLost).toBeGreaterThan(0);
    proxy.thaw();
    await until(() => a.events.at(-1) === "up 1" && b.events.at(-1) === "up 0");
    a.network.send([1], "urgent", textFrame("again"));
    await until(() => b.frames.includes("0: again"));
  });

  it("is noticed while frames go on leaving into the void", async () => {
    const { a, b, proxy } = await throughProxy();
    proxy.freeze();
    const timer = setInterval(() => a.network.send([1], "urgent", textFrame("heartbeat")), 5);
    onTestFinished(() => clearInterval(timer));
    await until(() => a.events.includes("down 1") && b.events.includes("down 0"));
  });

  it("is noticed when only the answers are missing", async () => {
    const { a, proxy } = await throughProxy();
    proxy.muteAnswers(true);
    await until(() => a.events.includes("down 1"));
  });

  it("stays while nothing but pings pass", async () => {
    const { a, b } = await throughProxy();
    await pause(700);
    expect(a.events).toEqual(["up 1"]);
    expect(b.events).toEqual(["up 0"]);
  });

  it("is not seen where this process itself was held up", async () => {
    const { a, b } = await throughProxy();
    const until = performance.now() + 600;
    while (performance.now() < until);
    await pause(200);
    expect([...a.events, ...b.events]).toEqual(["up 1", "up 0"]);
  });
});

describe("queues", () => {
  it("drop frames beyond their bound, per lane, and work again afterwards", async () => {
    const tuning = { urgentBytesMax: 300_000, bulkBytesMax: 2_000_000, silenceMs: 60_000 };
    const b = await testPeer(1, { 0: await freePort() }, { tuning });
    const proxy = await tcpProxy(b.network.address().port);
    const a = await testPeer(0, { 1: proxy.port }, { tuning });
    await until(() => a.events.includes("up 1"));
    a.network.send([1], "bulk", textFrame("bulk is up"));
    await until(() => b.frames.includes("0: bulk is up"));
    proxy.freeze();
    const frame = textFrame("x".repeat(99_991));
    // The kernel's buffers take some megabytes first.
    for (let n = 0; n < 400; n += 1) {
      a.network.send([1], "bulk", frame);
      if (n % 50 === 49) await pause(5);
    }
    const { framesDropped } = a.network.counters();
    expect(framesDropped).toBeGreaterThan(200);
    a.network.send([1], "urgent", textFrame("not behind the others"));
    expect(a.network.counters().framesDropped).toBe(framesDropped);
    proxy.thaw();
    await until(() => a.events.filter((event) => event === "up 1").length > 1);
    a.network.send([1], "bulk", textFrame("after"));
    await until(() => b.frames.includes("0: after"));
  });

  it("of one peer do not hold up another", async () => {
    const b = await testPeer(1, { 0: await freePort() });
    const c = await testPeer(2, { 0: await freePort() });
    const proxy = await tcpProxy(b.network.address().port);
    const a = await testPeer(0, { 1: proxy.port, 2: c.network.address().port });
    await until(() => a.events.includes("up 1") && a.events.includes("up 2"));
    proxy.freeze();
    for (let n = 0; n < 20; n += 1) a.network.send([1, 2], "urgent", textFrame(`${n}`));
    await until(() => c.frames.length === 20, 200);
    expect(b.frames).toEqual([]);
  });
});

describe("listening", () => {
  const open = (host: string, port: number, insecure?: boolean): Promise<PortError | null> => {
    const network = createNetwork({
      self: 0,
      listen: { host, port },
      peers: new Map(),
      random: createRandom(),
      ...(insecure === undefined ? {} : { insecure }),
    });
    const listener = { linkUp: () => null, linkDown() {}, refused() {}, frame: () => true };
    onTestFinished(() => new Promise((resolve) => network.close(resolve)));
    return new Promise((resolve) => network.open(helloOf(0), listener, resolve));
  };

  it("is refused beyond this machine unless it is allowed", async () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1"]) {
      const error = await open(host, 0);
      expect(error?.code).toBe("denied");
      expect(error?.message).toMatch("--insecure");
    }
    expect(await open("0.0.0.0", 0, true)).toBeNull();
    for (const host of ["127.0.0.1", "127.3.2.1", "localhost"])
      expect(await open(host, 0)).toBeNull();
  });

  it("says when the port is taken or the address is not here", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void taken.close());
    const bound = taken.address();
    invariant(typeof bound === "object" && bound !== null, "listening");
    const error = await open("127.0.0.1", bound.port);
    expect(error?.code).toBe("in-use");
    expect(error?.message).toMatch(`cannot listen on 127.0.0.1:${bound.port}`);
    expect((await open("192.0.2.1", 0, true))?.code).toBe("denied");
  });
});

it("a closed network is silent for ever", async () => {
  const [a, b] = await testPair(QUICK);
  await a.close();
  const before = a.events.length;
  a.network.send([1], "urgent", textFrame("x"));
  b.network.send([0], "urgent", textFrame("y"));
  await pause(200);
  expect(a.events).toHaveLength(before);
  expect([...a.frames, ...b.frames]).toEqual([]);
});

it("a host that closes the network from within `linkUp` is left in peace", async () => {
  const b = await testPeer(1, { 0: await freePort() });
  const a: TestPeer = await testPeer(0, { 1: b.network.address().port });
  a.refuse = () => {
    void a.close();
    return null;
  };
  await until(() => a.events.length > 0);
  await pause(100);
  expect(a.events).toEqual(["up 1"]);
});

describe("peers that change", () => {
  const local = (port: number): string => `127.0.0.1:${port}`;

  it("are dialed once named, under a new address too, and let go of when not", async () => {
    const a = await testPeer(0, {});
    const b = await testPeer(1, {});
    a.network.send([1], "urgent", textFrame("nobody is there"));
    a.network.reach([{ node: 1, address: local(b.network.address().port) }]);
    await until(() => a.events.includes("up 1") && b.events.includes("up 0"));
    a.network.send([1], "urgent", textFrame("first"));
    await until(() => b.frames.includes("0: first"));
    await b.close();
    await until(() => a.events.includes("down 1"));
    const c = await testPeer(1, {}, { hello: { incarnation: 2 } });
    a.network.reach([{ node: 1, address: local(c.network.address().port) }]);
    await until(() => c.events.includes("up 0"));
    a.network.send([1], "urgent", textFrame("second"));
    await until(() => c.frames.includes("0: second"));
    const { length } = a.events;
    a.network.reach([]);
    await until(() => c.events.includes("down 0"));
    await until(() => a.events.slice(length).includes("down 1"));
    a.network.send([1], "urgent", textFrame("third"));
    await pause(100);
    expect(c.frames).toEqual(["0: second"]);
    expect(a.events.slice(length)).toEqual(["down 1"]);
  });

  it("that stay the same keep their connections", async () => {
    const [a, b] = await testPair();
    const { port } = b.network.address();
    await until(() => a.events.includes("up 1") && b.events.includes("up 0"));
    const { length } = b.events;
    a.network.reach([{ node: 1, address: local(port) }]);
    a.network.send([1], "urgent", textFrame("still"));
    await until(() => b.frames.includes("0: still"));
    expect(b.events).toHaveLength(length);
  });
});
