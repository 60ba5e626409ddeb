/**
 * The simulator: virtual ports with every fault under the real host, whole cluster lives drawn from one seed,
 * and the oracles that judge them.
 */
export * from "./disk.ts";
export * from "./disk-faults.ts";
export * from "./disk-image.ts";
export type { Fault } from "./fault.ts";
export { describeFault } from "./fault.ts";
export { drawLife, type Life } from "./life.ts";
export type { Violation } from "./oracles/verdict.ts";
export { type RunOptions, runSeed, type SeedReport } from "./run-seed.ts";
export { Scheduler } from "./scheduler.ts";
export type { Story } from "./story.ts";
export type { OperationCodec, SimulatedSystem } from "./system.ts";
