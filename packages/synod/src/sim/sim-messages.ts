import type { SeedReport } from "@synod/simulator";
import type { SystemName } from "./systems.ts";

/** One seed for a worker process to live. */
export interface SeedTask {
  readonly protocol: SystemName;
  readonly seed: number;
  readonly canary: boolean;
}

export type { SeedReport };
