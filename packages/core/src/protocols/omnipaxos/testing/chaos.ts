import { nextBelow } from "@synod/core";
import { type ChaosReport, type ChaosSubject, liveThroughChaos } from "../../../testing/chaos.ts";
import { type Cluster, type ClusterOptions, createCluster } from "./cluster.ts";

const SUBJECT: ChaosSubject<Cluster> = {
  create: createCluster,
  tuning: (random, storm) => ({
    // In a storm rounds are over before all answers are in: everybody takes over all the time.
    electionMs: storm ? 9 + nextBelow(random, 30) : 100,
    priority: nextBelow(random, 3),
  }),
  unsettle: (cluster, id) => cluster.input(id, { kind: "timeout", name: "resend" }),
  faulty: "log lost",
  repaired: "log repaired",
};

/** One life from one seed. */
export function runChaos(
  seed: number,
  ms = 3000,
  options: Partial<ClusterOptions> = {},
): ChaosReport {
  return liveThroughChaos(SUBJECT, seed, ms, options);
}
