/**
 * A process of a sweep: lives one seed after the other as it is told, and says what became of each.
 */
import { runSeed } from "@synod/simulator";
import type { SeedTask } from "./sim-messages.ts";
import { SYSTEMS } from "./systems.ts";

process.on("message", (task: SeedTask) => {
  const report = runSeed(SYSTEMS[task.protocol], task.seed, { canary: task.canary });
  process.send?.(report);
});
process.on("disconnect", () => process.exit(0));
