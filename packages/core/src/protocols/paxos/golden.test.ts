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
  "one-proposer": {
    about: "Three members, one of them proposes: five messages to each other member in all.",
    run: () => {
      const cluster = started();
      cluster.propose(0, "a#1");
      cluster.run(10);
      return cluster;
    },
  },
  duel: {
    about: "Two propose at once: the higher ballot wins, the lower one is refused and waits.",
    run: () => {
      const cluster = started();
      cluster.propose(0, "a#1");
      cluster.propose(1, "b#1");
      cluster.runUntil(() => cluster.outcome() !== null, 1_000);
      return cluster;
    },
  },
  "highest-ballot": {
    about:
      "Acceptors 0 and 1 hold values of different ballots, neither of them chosen; member 2 " +
      "hears of both and must take the one of the higher ballot.",
    run: () => {
      const cluster = createCluster({ size: 5, seed: 3, tuning: { askMs: 100_000 } });
      cluster.startAll();
      // Each of the two has its own acceptance alone, and has not heard of the other.
      cluster.control.passes = (from, to, { kind }) => kind !== "accept" && from + to !== 1;
      cluster.propose(0, "a#1");
      cluster.run(5);
      cluster.propose(1, "b#1");
      cluster.run(5);
      for (const id of [0, 1, 3, 4]) cluster.crash(id);
      cluster.start(0);
      cluster.start(1);
      cluster.trace.length = 0;
      cluster.heal();
      cluster.propose(2, "c#1");
      cluster.runUntil(() => cluster.outcome() !== null, 1_000);
      return cluster;
    },
  },
  "learner-asks": {
    about: "The word of the choice is lost, and the proposer with it: the learners ask acceptors.",
    run: () => {
      const cluster = started();
      cluster.control.passes = (_from, _to, { kind }) => kind !== "chosen";
      cluster.propose(0, "a#1");
      cluster.run(5);
      cluster.crash(0);
      cluster.trace.length = 0;
      cluster.runUntil(() => cluster.outcome() !== null, 2_000);
      return cluster;
    },
  },
  read: {
    about: "A read before anything is proposed, one while it is being decided, one after it.",
    run: () => {
      const cluster = started();
      cluster.read(1, 41);
      cluster.run(3);
      cluster.propose(0, "a#1");
      cluster.run(2.5);
      cluster.read(1, 42);
      cluster.run(5);
      cluster.read(1, 43);
      return cluster;
    },
  },
};

/** Three members whose messages take 1 ms and whose disks take 0.1 ms. */
function started(): Cluster {
  const cluster = createCluster({ size: 3, seed: 7 });
  cluster.startAll();
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
