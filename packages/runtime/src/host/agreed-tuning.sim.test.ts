import { type PmmcMessage, type PmmcState, pmmc } from "@synod/core/protocols/pmmc";
import { expect, test } from "vitest";
import { Lab } from "../testing/lab.ts";

test.each([
  { differs: "WINDOW", tuning: { window: 8 }, speaks: "window=8 lease=0" },
  { differs: "the length of leases", tuning: { leaseMs: 500 }, speaks: "window=16 lease=500" },
])("a member with another number for $differs is refused, and told why", ({ tuning, speaks }) => {
  const lab = new Lab<PmmcState, PmmcMessage>({
    protocol: pmmc,
    roles: [[], [], []],
    ownTuning: { 2: tuning },
  });
  lab.startAll();
  expect(lab.runUntil(() => lab.nodes.every(({ isUp }) => isUp))).toBe(true);
  const written = lab.put(0, "k", "v");
  const stuck = lab.put(2, "k", "other");
  lab.run(5_000);
  expect(lab.outcomes.get(written)?.kind).toBe("done");
  expect(lab.outcomes.has(stuck)).toBe(false);
  const peers = lab.node(2).host?.status().peers ?? [];
  expect(peers.map(({ node, connected, refused }) => ({ node, connected, refused }))).toEqual(
    [0, 1].map((node) => ({
      node,
      connected: false,
      refused: `protocol pmmc ${speaks} is not spoken here, but pmmc window=16 lease=0`,
    })),
  );
});
