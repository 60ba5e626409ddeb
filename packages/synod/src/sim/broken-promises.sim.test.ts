import { drawLife, type Fault, type Life, runSeed } from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { SYSTEMS } from "./systems.ts";

const NODES = [0, 1, 2];
/** Between two operations of a client: short, as these lives are short. */
const BUSY_MS = 50;

/** Three nodes on a good network, and nothing goes wrong but this. */
function lifeWith(seed: number, faults: readonly Fault[]): Life {
  const life = drawLife(seed);
  return {
    ...life,
    nodes: NODES,
    faultsMs: 9_000,
    network: { ...life.network, loss: 0, delayMeanMs: 1, delayMinMs: 0.1, bytesPerMs: 50_000 },
    clocks: NODES.map(() => ({ rate: 1, offsetMs: 0, lateMs: 0 })),
    disk: { latencyMs: 0.05, syncMs: 0.2, garbage: 0 },
    tuning: { ...life.tuning, segmentBytes: 8_192, journalBytesMax: 40_960 },
    clients: life.clients
      .slice(0, 3)
      .map((plan, at) => ({ ...plan, home: NODES[at] as number, thinkMs: BUSY_MS })),
    faults,
    victims: [1],
    forks: [],
    core: { small: false, draw: 0, links: null },
  };
}

function live(faults: readonly Fault[], seeds: readonly number[]): Map<string, number> {
  const probes = new Map<string, number>();
  for (const seed of seeds) {
    const life = lifeWith(seed, faults);
    const { violation, probes: hit } = runSeed(SYSTEMS.multipaxos, seed, { life });
    expect(violation, `seed ${seed}`).toBeNull();
    for (const [name, count] of Object.entries(hit))
      probes.set(name, (probes.get(name) ?? 0) + count);
  }
  return probes;
}

const SEEDS = [1, 2, 3];

describe("a sync that lies", () => {
  const lie = (use: "journal" | "identity" | "snapshot", times: number): Fault[] =>
    [2_000, 5_000, 7_000].map((atMs) => ({
      kind: "lie",
      atMs,
      target: 1,
      use,
      after: atMs / 500,
      times,
      forMs: 40,
      downMs: 300,
    }));

  it("about one block of the journal costs no vote: what it held is named, and repaired", () => {
    const probes = live(lie("journal", 1), SEEDS);
    expect(probes.get("fault: sync of journal lies")).toBeGreaterThan(2);
    expect(probes.get("host: slot faulty")).toBeGreaterThan(0);
    expect(probes.get("host: slot repaired")).toBeGreaterThan(0);
    expect(probes.get("host: impaired by damage")).toBeUndefined();
  });

  it("about two blocks of the journal costs the vote, and nothing else", () => {
    const probes = live(lie("journal", 2), SEEDS);
    expect(probes.get("host: impaired by damage")).toBeGreaterThan(0);
  });

  it("about one copy of the identity costs nothing", () => {
    const restart: Fault[] = [1_900, 4_900].map((atMs) => ({
      kind: "crash",
      atMs,
      target: 1,
      calls: 1,
      downMs: 150,
      fin: true,
    }));
    const lies = lie("identity", 1).map((fault) => ({ ...fault, after: 0 }) as Fault);
    const probes = live([...lies, ...restart], SEEDS);
    expect(probes.get("fault: sync of identity lies")).toBeGreaterThan(0);
    expect(probes.get("host: runs without a vote")).toBeUndefined();
  });

  it("about a snapshot is made good by the others", () => {
    const probes = live(
      lie("snapshot", 1).map((fault) => ({ ...fault, after: 0 }) as Fault),
      SEEDS,
    );
    expect(probes.get("fault: sync of snapshot lies")).toBeGreaterThan(0);
  });
});

describe("a file that is lost with its name", () => {
  const lose = (use: "journal" | "identity" | "snapshot"): Fault[] =>
    [3_000, 6_000].map((atMs) => ({
      kind: "lost-file",
      atMs,
      target: 1,
      use,
      draw: atMs,
      downMs: 300,
    }));

  it("of the journal costs the vote at most: the gap is seen", () => {
    const probes = live(lose("journal"), [1, 2, 3, 4, 5, 6]);
    expect(probes.get("fault: lost segment")).toBe(12);
    expect(probes.get("host: impaired by damage")).toBeGreaterThan(0);
  });

  it("of the identity is written again from the other copy", () => {
    const probes = live(lose("identity"), SEEDS);
    expect(probes.get("fault: lost file of identity")).toBe(6);
    expect(probes.get("host: runs without a vote")).toBeUndefined();
  });

  it("of a snapshot is noticed", () => {
    const probes = live(lose("snapshot"), [1, 2, 3, 4, 5, 6]);
    expect(probes.get("fault: lost file of snapshot")).toBeGreaterThan(4);
  });
});
