import { broadcastChosen, chosen, omnipaxosChosen, pmmcChosen } from "./chosen-item.ts";
import { decrees } from "./decrees-item.ts";
import { failOver } from "./fail-over-item.ts";
import { replay } from "./replay-item.ts";
import type { Item } from "./report.ts";
import { gets, puts } from "./requests-item.ts";
import { simulator } from "./simulator-item.ts";
import { soak } from "./soak-item.ts";
import { stall } from "./stall-item.ts";

/** In the order in which they run. */
export const ITEMS: readonly Item[] = [
  chosen,
  pmmcChosen,
  omnipaxosChosen,
  broadcastChosen,
  decrees,
  puts,
  gets,
  replay,
  failOver,
  stall,
  simulator,
  soak,
];
