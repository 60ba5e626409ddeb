import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LinkProxy, LinkTrouble } from "./link-proxy.ts";
import type { SoakCluster, SoakNode } from "./soak-cluster.ts";

export interface FaultTools {
  readonly cluster: SoakCluster;
  /** A number below the bound. */
  readonly below: (bound: number) => number;
  /** What was struck, for people. */
  readonly tell: (what: string) => void;
}

/** Strikes, waits as it sees fit, and makes good again. */
export type SoakFault = (tools: FaultTools) => Promise<void>;

const HOLD_MS = { least: 1_000, most: 6_000 } as const;
const KIB = 1024;
/** What a full disk still has room for. */
const ROOM_BYTES = 24 * KIB;
const FULL_DISK_MS = 8_000;
const LOOK_MS = 100;

/** Every kind, by the name that it is reported under. */
export const SOAK_FAULTS: Readonly<Record<string, SoakFault>> = {
  "kill -9 of one": async ({ cluster, below, tell }) => {
    const { id } = anyNode(cluster, below);
    tell(`node ${id}`);
    cluster.kill(id);
  },
  "kill -9 of the leader": async ({ cluster, tell }) => {
    const leader = await cluster.leader();
    tell(leader === null ? "there is none" : `node ${leader}`);
    if (leader !== null) cluster.kill(leader);
  },
  "kill -9 of all": async ({ cluster, tell }) => {
    tell(`${cluster.nodes.length} nodes`);
    for (const { id } of cluster.nodes) cluster.kill(id);
  },
  "standstill (SIGSTOP)": async ({ cluster, below, tell }) => {
    const { id } = anyNode(cluster, below);
    const ms = holdMs(below);
    tell(`node ${id} for ${ms} ms`);
    cluster.pause(id);
    await sleep(ms);
    cluster.resume(id);
  },
  "slow links": (tools) => trouble(tools, aroundOne(tools), { kind: "delay", ms: 50 }),
  "links at 1 KiB/s": (tools) =>
    trouble(tools, aroundOne(tools), { kind: "throttle", bytesPerSecond: KIB }),
  "one-way hole": (tools) => trouble(tools, someWay(tools), { kind: "hole" }),
  "bit flips": flipBits,
  "broken connections": async ({ cluster, below, tell }) => {
    const times = 1 + below(5);
    tell(`all links, ${times} times`);
    for (let time = 0; time < times; time += 1) {
      for (const link of cluster.links) link.drop();
      await sleep(50 + below(500));
    }
  },
  "full disk": async ({ cluster, below, tell }) => {
    const node = anyNode(cluster, below);
    await cluster.limit(node.id, largestFile(node) + ROOM_BYTES);
    const isFull = await seenFull(cluster, node.id);
    tell(`node ${node.id}${isFull ? "" : ", which did not fill it"}`);
    await cluster.limit(node.id, null);
  },
};

/**
 * A disk that is lost takes a vote away for good, until members can be replaced: it happens once at
 * most, and to a cluster that can bear it.
 */
export const LOST_DISK = "lost disk";

export async function loseDisk({ cluster, below, tell }: FaultTools): Promise<void> {
  const { id } = anyNode(cluster, below);
  tell(`node ${id}, which must not vote any more`);
  await cluster.wipe(id);
}

function anyNode(cluster: SoakCluster, below: (bound: number) => number): SoakNode {
  return cluster.nodes[below(cluster.nodes.length)] as SoakNode;
}

function holdMs(below: (bound: number) => number): number {
  return HOLD_MS.least + below(HOLD_MS.most - HOLD_MS.least);
}

/** All links from and to one node. */
function aroundOne({ cluster, below, tell }: FaultTools): readonly LinkProxy[] {
  const { id } = anyNode(cluster, below);
  tell(`around node ${id}`);
  return cluster.links.filter(({ from, to }) => from === id || to === id);
}

/** From one node to another, or to all others. */
function someWay({ cluster, below, tell }: FaultTools): readonly LinkProxy[] {
  const { id } = anyNode(cluster, below);
  const others = cluster.links.filter(({ from }) => from === id);
  const some = below(2) === 0 ? others : others.slice(0, 1);
  tell(`from node ${id} to ${some.map(({ to }) => to).join(", ")}`);
  return some;
}

async function trouble(
  { below }: FaultTools,
  links: readonly LinkProxy[],
  what: LinkTrouble,
): Promise<void> {
  for (const link of links) link.trouble = what;
  await sleep(holdMs(below));
  for (const link of links) link.trouble = null;
}

async function flipBits(tools: FaultTools): Promise<void> {
  const { links } = tools.cluster;
  const flips = (): number => links.reduce((sum, link) => sum + link.flips, 0);
  const before = flips();
  await trouble(tools, links, { kind: "flip", every: 8 });
  tools.tell(`${flips() - before} bits, on all links`);
}

/** The files that are there may not grow by much. */
function largestFile({ directory }: SoakNode): number {
  const sizes = readdirSync(directory).map((name) => {
    return statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  });
  return Math.max(0, ...sizes);
}

async function seenFull(cluster: SoakCluster, id: number): Promise<boolean> {
  const until = performance.now() + FULL_DISK_MS;
  while (performance.now() < until) {
    if ((await cluster.status(id))?.diskFull === true) return true;
    await sleep(LOOK_MS);
  }
  return false;
}
