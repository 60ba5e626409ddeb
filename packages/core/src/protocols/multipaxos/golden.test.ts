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
      const leader = cluster.elect();
      cluster.runUntil(() => everywhere(cluster, 1), 100);
      cluster.propose((leader.id + 1) % 3, "a#1");
      cluster.runUntil(() => everywhere(cluster, 2), 100);
      return cluster.trace;
    },
  },
  "leader-crash": {
    about:
      "The leader's accept of slot 2 is lost, that of slot 3 reaches one follower; the leader " +
      "crashes. The next one proposes the value of slot 3 again and fills slot 2 with a no-op.",
    run: () => {
      const cluster = calm();
      cluster.startAll();
      const leader = cluster.elect().id;
      cluster.runUntil(() => everywhere(cluster, 1), 100);
      const follower = (leader + 1) % 3;
      return recorded(cluster, () => {
        cluster.control.passes = (from, to, message) =>
          from !== leader || message.kind !== "accept" || (message.first === 3 && to === follower);
        cluster.propose(leader, "a#1");
        cluster.propose(leader, "a#2");
        cluster.run(5);
        cluster.crash(leader, 0);
        cluster.heal();
        cluster.runUntil(() => everywhere(cluster, 3), 5000);
      });
    },
  },
  "catch-up": {
    about: "A node was cut off while six slots were chosen; it asks for them, two at a time.",
    run: () => {
      const cluster = calm({ chunkBytes: 110, window: 2 });
      cluster.startAll();
      const leader = cluster.elect().id;
      const other = (leader + 2) % 3;
      cluster.runUntil(() => everywhere(cluster, 1), 100);
      cluster.partition([leader, other]);
      for (let n = 1; n <= 6; n += 1) {
        cluster.propose(leader, `a#${n}`);
        cluster.runUntil(() => cluster.node(other).executedUpTo === n + 1, 100);
      }
      return recorded(cluster, () => {
        cluster.heal();
        cluster.runUntil(() => everywhere(cluster, 7), 500);
      });
    },
  },
  read: {
    about: "A read at a follower: the leader asks a quorum whether it still leads.",
    run: () => {
      const cluster = calm();
      cluster.startAll();
      const leader = cluster.elect().id;
      cluster.runUntil(() => everywhere(cluster, 1), 100);
      const reader = (leader + 1) % 3;
      return recorded(cluster, () => {
        cluster.propose(leader, "a#1");
        cluster.run(2.5);
        cluster.read(reader, 41);
        cluster.runUntil(() => cluster.node(reader).readable.has(41), 50);
      });
    },
  },
  snapshot: {
    about: "A node comes back after the others have compacted what it lacks: it needs a snapshot.",
    run: () => {
      const cluster = calm({ retainBytes: 0, window: 2 });
      cluster.startAll();
      const leader = cluster.elect().id;
      const away = (leader + 1) % 3;
      const other = (leader + 2) % 3;
      cluster.runUntil(() => everywhere(cluster, 1), 100);
      cluster.crash(away, 0);
      for (let n = 1; n <= 4; n += 1) {
        cluster.propose(leader, `a#${n}`);
        cluster.runUntil(() => cluster.node(other).executedUpTo === n + 1, 100);
      }
      return recorded(cluster, () => {
        cluster.compact(leader);
        cluster.compact(other);
        cluster.propose(leader, "b#1");
        cluster.run(3);
        cluster.start(away);
        cluster.runUntil(() => everywhere(cluster, 6), 500);
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
