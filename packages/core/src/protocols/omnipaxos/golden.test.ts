import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Cluster, createCluster } from "./testing/cluster.ts";

/**
 * Whole runs as text, to be read and to be compared: each input with its time, then what the
 * replica did, in order. A change of behaviour shows as a difference between two readable files.
 * `UPDATE_GOLDEN=1` writes them again.
 */
const RUNS: Readonly<Record<string, { readonly about: string; readonly run: () => string[] }>> = {
  "first-election": {
    about: "Three blank nodes start; one is elected; a follower is given a command.",
    run: () => {
      const cluster = calm();
      cluster.startAll();
      const leader = cluster.elect().id;
      cluster.propose((leader + 1) % 3, "a#1");
      cluster.runUntil(() => everywhere(cluster, 1), 100);
      return cluster.trace;
    },
  },
  "leader-crash": {
    about:
      "One follower accepts what the leader proposes, and the leader crashes. The other follower " +
      "takes over and adopts that log; then the old leader comes back and is synchronised.",
    run: () => {
      const cluster = calm();
      cluster.startAll();
      const leader = cluster.elect().id;
      const behind = (leader + 1) % 3;
      return recorded(cluster, () => {
        cluster.control.passes = (_from, to, { kind }) => to !== behind || kind !== "accept";
        cluster.propose(leader, "a#1");
        cluster.run(1.5);
        cluster.crash(leader, 0);
        cluster.heal();
        cluster.run(1600);
        cluster.start(leader);
        cluster.runUntil(() => everywhere(cluster, 1), 1000);
      });
    },
  },
  chained: {
    about: "The link between leader and one follower is cut: it learns through the other one.",
    run: () => {
      const cluster = calm();
      cluster.startAll();
      const leader = cluster.elect().id;
      const far = (leader + 1) % 3;
      cluster.control.passes = (from, to) =>
        !((from === leader && to === far) || (from === far && to === leader));
      cluster.run(1200);
      return recorded(cluster, () => {
        cluster.propose(far, "a#1");
        cluster.run(2.5);
        cluster.read(far, 41);
        cluster.runUntil(() => everywhere(cluster, 1) && cluster.node(far).readable.has(41), 600);
      });
    },
  },
};

/** Three nodes whose messages take 1 ms and whose disks take 0.1 ms. */
function calm(tuning: Readonly<Record<string, number>> = {}): Cluster {
  const cluster = createCluster({ size: 3, seed: 7, trace: true, tuning });
  cluster.faults.syncMs = 0.1;
  return cluster;
}

/** Only what happens in `run`. */
function recorded(cluster: Cluster, run: () => void): string[] {
  const before = cluster.trace.length;
  run();
  return cluster.trace.slice(before);
}

function everywhere(cluster: Cluster, slot: number): boolean {
  return cluster.nodes.every((node) => !node.alive || node.executedUpTo >= slot);
}

describe("golden traces", () => {
  test.each(Object.entries(RUNS))("%s", (name, { about, run }) => {
    const path = fileURLToPath(new URL(`./testdata/${name}.txt`, import.meta.url));
    const text = `# ${about}\n${run().join("\n")}\n`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
    expect(existsSync(path), `no ${name}.txt: UPDATE_GOLDEN=1 writes it`).toBe(true);
    expect(text).toBe(readFileSync(path, "utf8"));
  });
});
