import type { Hello, Network } from "@synod/core";
import { describe, expect, it } from "vitest";
import { type NetworkFaults, PERFECT_NETWORK } from "./network-faults.ts";
import { Scheduler } from "./scheduler.ts";
import { Switchboard } from "./virtual-network.ts";

function helloOf(node: number, incarnation = 1): Hello {
  const dataId = node.toString(16).padStart(32, "0");
  return {
    cluster: "c".repeat(32),
    node,
    dataId,
    incarnation,
    boot: 1,
    formatted: true,
    starts: [],
    protocol: "test",
    version: 1,
    remembers: [],
  };
}

/** Two or more bare listeners that write down what the network tells them. */
function createNet(faults: Partial<NetworkFaults> = {}, seed = 1) {
  const scheduler = new Scheduler();
  const log: string[] = [];
  const frames: string[] = [];
  const watch = { sent: () => undefined, arrives: () => undefined, hit: () => undefined };
  const board = new Switchboard(scheduler, seed, { ...PERFECT_NETWORK, ...faults }, watch);
  const refuse = new Map<number, string>();
  const damaged = new Set<number>();
  const open = (node: number, incarnation = 1): Network => {
    const port = board.port(node);
    port.open(
      helloOf(node, incarnation),
      {
        linkUp: (hello) => {
          const reason = refuse.get(node) ?? null;
          if (reason === null) log.push(`${node}: up ${hello.node}.${hello.incarnation}`);
          return reason;
        },
        linkDown: (peer) => log.push(`${node}: down ${peer}`),
        refused: (peer, reason) => log.push(`${node}: refused by ${peer}, ${reason}`),
        frame: (from, bytes) => {
          frames.push(`${from}>${node}:${bytes.join(".")}`);
          return !damaged.has(node);
        },
      },
      () => log.push(`${node}: open`),
    );
    return port;
  };
  const run = (ms: number): void => {
    const until = scheduler.now + ms;
    scheduler.after(ms, -1, "world", () => undefined);
    while (scheduler.now < until && scheduler.step());
  };
  return { scheduler, board, log, frames, refuse, damaged, open, run };
}

describe("Switchboard", () => {
  it("connects those who are open, with both hellos, and carries frames both ways", () => {
    const net = createNet();
    const a = net.open(0);
    const b = net.open(1);
    net.run(1_000);
    expect(net.log).toEqual(expect.arrayContaining(["0: up 1.1", "1: up 0.1"]));
    a.send([1], "urgent", Uint8Array.of(1, 2));
    b.send([0], "bulk", Uint8Array.of(3));
    net.run(100);
    expect(net.frames.sort()).toEqual(["0>1:1.2", "1>0:3"]);
  });

  it("drops frames for whom it has no link to", () => {
    const net = createNet();
    const a = net.open(0);
    a.send([1], "urgent", Uint8Array.of(1));
    net.open(1);
    net.run(1_000);
    expect(net.frames).toEqual([]);
  });

  it("tells a refusal to the refused, closes the other side's link, and dials again", () => {
    const net = createNet();
    net.refuse.set(1, "not you");
    net.open(0);
    net.open(1);
    net.run(1_000);
    expect(net.log).toContain("0: refused by 1, not you");
    net.refuse.clear();
    net.run(3_000);
    expect(net.log.at(-1)).toMatch(/up/);
    expect(net.log).toContain("1: up 0.1");
  });

  it("lets nothing pass in a cut direction, notices after a while, and heals", () => {
    const net = createNet();
    const a = net.open(0);
    const b = net.open(1);
    net.run(1_000);
    net.board.cut(0, 1);
    a.send([1], "urgent", Uint8Array.of(1));
    b.send([0], "urgent", Uint8Array.of(2));
    net.run(100);
    expect(net.frames).toEqual(["1>0:2"]);
    net.run(10_000);
    expect(net.log).toContain("0: down 1");
    expect(net.log).toContain("1: down 0");
    net.board.heal(0, 1);
    net.run(1_000);
    a.send([1], "urgent", Uint8Array.of(3));
    net.run(100);
    expect(net.frames).toContain("0>1:3");
  });

  it("ends a connection on which a damaged frame came", () => {
    const net = createNet();
    const a = net.open(0);
    net.open(1);
    net.run(1_000);
    net.damaged.add(1);
    a.send([1], "urgent", Uint8Array.of(9));
    net.run(50);
    expect(net.log.filter((line) => line.includes("down"))).toHaveLength(2);
    net.run(1_000);
    expect(net.log.filter((line) => line === "1: up 0.1")).toHaveLength(2);
  });

  it("replaces the link of a process that came back before its death was noticed", () => {
    const net = createNet();
    net.open(0);
    net.open(1);
    net.run(1_000);
    net.board.vanish(1, false);
    net.open(1, 2);
    net.run(320);
    const told = net.log.filter((line) => line.startsWith("0: ") && !line.endsWith("open"));
    expect(told).toEqual(["0: up 1.1", "0: down 1", "0: up 1.2"]);
  });

  it("loses, doubles, replays and damages about as many frames as drawn, each time alike", () => {
    const once = (seed: number) => {
      const faults = { loss: 0.1, duplication: 0.2, replay: 0.05, corruption: 0.05 };
      const net = createNet({ ...faults, ordered: false }, seed);
      const a = net.open(0);
      net.open(1);
      net.run(1_000);
      for (let n = 0; n < 4_000; n += 1) a.send([1], "urgent", Uint8Array.of(n & 255, n >> 8, 7));
      net.run(70_000);
      return net.frames;
    };
    const frames = once(5);
    expect(frames).toEqual(once(5));
    expect(frames).not.toEqual(once(6));
    const distinct = new Set(frames.filter((frame) => frame.endsWith(".7")));
    expect(distinct.size).toBeGreaterThan(3_300);
    expect(distinct.size).toBeLessThan(3_800);
    expect(frames.length).toBeGreaterThan(4_300);
    expect(frames.length).toBeLessThan(4_800);
  });

  it("keeps order when told to, and lets frames overtake each other when not", () => {
    const orderOf = (ordered: boolean): number[] => {
      const net = createNet({ ordered, delayMeanMs: 20 });
      const a = net.open(0);
      net.open(1);
      net.run(1_000);
      for (let n = 0; n < 100; n += 1) a.send([1], "urgent", Uint8Array.of(n));
      net.run(2_000);
      return net.frames.map((frame) => Number(frame.split(":")[1]));
    };
    const sorted = Array.from({ length: 100 }, (_, n) => n);
    expect(orderOf(true)).toEqual(sorted);
    expect(orderOf(false)).not.toEqual(sorted);
    expect(orderOf(false).sort((x, y) => x - y)).toEqual(sorted);
  });

  it("drops what a slow link cannot take, and bulk never delays urgent frames", () => {
    const net = createNet({ bytesPerMs: 1 });
    const a = net.open(0);
    net.open(1);
    net.run(1_000);
    for (let n = 0; n < 10; n += 1) a.send([1], "bulk", new Uint8Array(500));
    a.send([1], "urgent", Uint8Array.of(1));
    net.run(10);
    expect(net.frames).toEqual(["0>1:1"]);
    net.run(10_000);
    expect(net.frames.length).toBe(1 + 5);
  });

  it("spoils lent bytes once the listener has returned", () => {
    const scheduler = new Scheduler();
    const watch = { sent: () => undefined, arrives: () => undefined, hit: () => undefined };
    const board = new Switchboard(scheduler, 1, PERFECT_NETWORK, watch);
    const kept: Uint8Array[] = [];
    const listener = {
      linkUp: () => null,
      linkDown: () => undefined,
      refused: () => undefined,
      frame: (_from: number, bytes: Uint8Array) => kept.push(bytes) > 0,
    };
    for (const node of [0, 1]) board.port(node).open(helloOf(node), listener, () => undefined);
    while (scheduler.step());
    board.port(0).send([1], "urgent", Uint8Array.of(1, 2, 3));
    while (scheduler.step());
    expect(kept).toEqual([Uint8Array.of(0xa5, 0xa5, 0xa5)]);
  });
});
