import { chosen } from "./chosen-item.ts";
import { decrees } from "./decrees-item.ts";
import { failOver } from "./fail-over-item.ts";
import { idle } from "./idle-item.ts";
import { reconfigure } from "./reconfigure-item.ts";
import { replay } from "./replay-item.ts";
import type { Item } from "./report.ts";
import { gets, puts } from "./requests-item.ts";
import { simulator } from "./simulator-item.ts";
import { soak } from "./soak-item.ts";
import { stall } from "./stall-item.ts";

/** In the order in which they run. */
export const ITEMS: readonly Item[] = [
  chosen,
  decrees,
  idle,
  puts,
  gets,
  replay,
  failOver,
  reconfigure,
  stall,
  simulator,
  soak,
];
