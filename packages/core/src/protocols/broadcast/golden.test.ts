import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Cluster, createCluster } from "./testing/cluster.ts";

/**
 * Whole runs as text, to be read and to be compared: each input with its time, then what the
 * replica did, in order. A change of behaviour shows as a difference between two readable files.
 * `UPDATE_GOLDEN=1` writes them again.
 */
const RUNS: Readonly<Record<string, { readonly about: string; readonly run: () => Cluster }>> = {
  "one-holder": {
    about: "Three members, one of them broadcasts: five messages to each other member in all.",
    run: () => {
      const cluster = started();
      cluster.propose(0, "a#1");
      cluster.run(10);
      return cluster;
    },
  },
  "two-holders": {
    about: "Two broadcast at once: one lets the other go first, which takes both messages along.",
    run: () => {
      const cluster = started();
      cluster.propose(0, "a#1");
      cluster.propose(1, "b#1");
      cluster.runUntil(() => (cluster.order() ?? "").includes(" "), 1_000);
      return cluster;
    },
  },
  "left-open": {
    about: "A proposer falls when one acceptor has its value; another one completes the slot.",
    run: () => {
      const cluster = started();
      cluster.control.passes = (_from, to, message) =>
        message.kind !== "decree" || message.message.kind !== "accept" || to === 1;
      cluster.propose(0, "a#1");
      cluster.run(2.5);
      cluster.crash(0);
      cluster.trace.length = 0;
      cluster.heal();
      cluster.runUntil(() => cluster.order() === "a#1", 2_000);
      return cluster;
    },
  },
  read: {
    about: "A read while a slot is being decided waits for it.",
    run: () => {
      const cluster = started();
      cluster.propose(0, "a#1");
      cluster.run(3);
      cluster.read(2, 41);
      cluster.runUntil(() => cluster.node(2).readable.has(41), 100);
      return cluster;
    },
  },
  "catch-up": {
    about: "A member that was away asks for what it lacks, in chunks, then needs a snapshot.",
    run: () => {
      const cluster = started({ chunkBytes: 60, retainBytes: 0, batchBytesMax: 1, window: 1 });
      cluster.partition([0, 1]);
      cluster.propose(0, "a#1", "a#2", "a#3");
      cluster.run(50);
      cluster.trace.length = 0;
      cluster.heal();
      cluster.runUntil(() => cluster.order() === "a#1 a#2 a#3", 2_000);
      cluster.crash(2);
      cluster.propose(0, "a#4");
      cluster.run(50);
      cluster.compact(0);
      cluster.compact(1);
      cluster.start(2);
      cluster.runUntil(() => cluster.order() === "a#1 a#2 a#3 a#4", 2_000);
      return cluster;
    },
  },
};

/** Three members whose messages take 1 ms and whose disks take 0.1 ms. */
function started(tuning: Readonly<Record<string, number>> = {}): Cluster {
  const cluster = createCluster({ size: 3, seed: 7, tuning });
  cluster.startAll();
  cluster.run(2);
  cluster.trace.length = 0;
  return cluster;
}

describe("golden traces", () => {
  test.each(Object.entries(RUNS))("%s", (name, { about, run }) => {
    const path = fileURLToPath(new URL(`./testdata/${name}.txt`, import.meta.url));
    const text = `# ${about}\n${run().trace.join("\n")}\n`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
    expect(existsSync(path), `no ${name}.txt: UPDATE_GOLDEN=1 writes it`).toBe(true);
    expect(text).toBe(readFileSync(path, "utf8"));
  });
});
