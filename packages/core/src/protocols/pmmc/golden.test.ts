import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { APART, COLOCATED, configure } from "./testing/make.ts";
import { createNet, type Net } from "./testing/net.ts";

/**
 * Whole runs as text, to be read and to be compared: each input, then what the member did, in
 * order. A change of behaviour shows as a difference between two readable files. `UPDATE_GOLDEN=1`
 * writes them again.
 */
interface GoldenRun {
  readonly about: string;
  readonly roles: readonly (readonly string[])[];
  readonly before: (net: Net) => void;
  readonly told: (net: Net) => void;
}

const RUNS: Readonly<Record<string, GoldenRun>> = {
  "first-command": {
    about: "Two replicas, two leaders, three acceptors: a ballot is adopted, a command decided.",
    roles: APART,
    before: () => {},
    told: (net) => {
      net.lead(2);
      net.propose(0, "a#1");
      net.settle();
    },
  },
  colocated: {
    about: "All roles on three members: a command at one that does not lead.",
    roles: COLOCATED,
    before: (net) => {
      net.lead(0);
      net.propose(0, "a#1");
      net.settle();
    },
    told: (net) => {
      net.propose(1, "b#1");
      net.settle();
    },
  },
  "leader-crash": {
    about: "The leader dies with a command half accepted; the next one ends it.",
    roles: APART,
    before: (net) => {
      net.lead(2);
      net.propose(0, "a#1");
      net.settle(({ to, message }) => message.kind !== "p2a" || to === 4);
      net.post.splice(0);
      net.crash(2);
    },
    told: (net) => {
      net.timeout(3, "scout");
      net.settle();
    },
  },
  reconfiguration: {
    about: "From slot 3 on other acceptors vote; the leader stays in its ballot.",
    roles: [["replica"], ["leader"], ["acceptor"], ["spare"]],
    before: (net) => net.lead(1),
    told: (net) => {
      net.order(0, configure(1, [1], [3]));
      net.settle();
      for (const name of ["a#1", "b#1"]) {
        net.propose(0, name);
        net.settle();
      }
    },
  },
  read: {
    about: "A read at a replica that lags: a quorum of acceptors tells it how far to wait.",
    roles: COLOCATED,
    before: (net) => {
      net.lead(0);
      net.propose(0, "a#1");
      net.settle(({ to, from }) => to !== 2 && from !== 2);
      net.post.splice(0);
    },
    told: (net) => {
      net.read(2, 41);
      net.settle();
      net.tick(["report", "retry"], 2);
    },
  },
};

describe("golden traces", () => {
  test.each(Object.entries(RUNS))("%s", (name, { about, roles, before, told }) => {
    const trace: string[] = [];
    const net = createNet({ roles, tuning: { window: 2 }, trace });
    net.startAll();
    before(net);
    trace.splice(0);
    told(net);
    const path = fileURLToPath(new URL(`./testdata/${name}.txt`, import.meta.url));
    const text = `# ${about}\n${trace.join("\n")}\n`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
    expect(existsSync(path), `no ${name}.txt: UPDATE_GOLDEN=1 writes it`).toBe(true);
    expect(text).toBe(readFileSync(path, "utf8"));
  });
});
