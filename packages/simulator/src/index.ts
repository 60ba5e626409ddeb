/**
 * The simulator: virtual ports with every fault under the real host, whole cluster lives drawn from
 * one seed, and the oracles that judge them.
 */
export * from "./disk.ts";
export * from "./disk-faults.ts";
export * from "./disk-image.ts";
export type { Fault } from "./fault.ts";
export { describeFault } from "./fault.ts";
export { Fence, fenced } from "./fence.ts";
export { type CorePlan, drawLife, type Life } from "./life.ts";
export * from "./linearizability/index.ts";
export { GRAPHS_OF_FIVE, linksOf } from "./link-graphs.ts";
export { CALIBRATIONS, type Calibration, type CalibrationName } from "./model/calibration/index.ts";
export { cloneData, writeCanonical } from "./model/canonical.ts";
export {
  type Bounds,
  type Counterexample,
  type Exploration,
  explore,
  type Model,
  PROGRESS_EVERY,
  type Progress,
} from "./model/explore.ts";
export {
  type ReplicaModel,
  type ReplicaModelAction,
  type ReplicaModelState,
  replicaModel,
} from "./model/replica-model.ts";
export type { ModelInvariants, ReplicaModelOptions } from "./model/replica-options.ts";
export * from "./network-faults.ts";
export type { Violation } from "./oracles/verdict.ts";
export { COMMON_PROBES, type ProbeKind, Probes, probesOf } from "./probes.ts";
export type { ProtocolWatch, WatchTools } from "./protocol-watch.ts";
export { withReconfiguration } from "./reconfiguration.ts";
export {
  type Regression,
  type RegressionProblem,
  readRegression,
  writeRegression,
} from "./regression-file.ts";
export { lifeOf, type RunOptions, runSeed, type SeedReport } from "./run-seed.ts";
export { Scheduler } from "./scheduler.ts";
export { countEvents, type ShrinkOptions, type Shrunk, shrink } from "./shrink.ts";
export type { Story, StoryKind } from "./story.ts";
export type { MemberStatus, OperationCodec, SimulatedSystem } from "./system.ts";
export { type ClockFaults, virtualClock, virtualRandom } from "./virtual-clock.ts";
export { type NetworkWatch, Switchboard } from "./virtual-network.ts";
