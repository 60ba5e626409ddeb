import { type ChaosReport, type ChaosSubject, liveThroughChaos } from "../../../testing/chaos.ts";
import { type Cluster, type ClusterOptions, createCluster } from "./cluster.ts";

const SUBJECT: ChaosSubject<Cluster> = {
  create: createCluster,
  tuning: (_, storm) => ({ heartbeatMs: 20, electionMs: 100, preVote: storm ? 0 : 1 }),
  unsettle: (cluster, id) => cluster.input(id, { kind: "timeout", name: "election" }),
  faulty: "slot faulty",
  repaired: "slot repaired",
};

/** One life from one seed. */
export function runChaos(
  seed: number,
  ms = 3000,
  options: Partial<ClusterOptions> = {},
): ChaosReport {
  return liveThroughChaos(SUBJECT, seed, ms, options);
}
