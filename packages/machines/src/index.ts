/** Deterministic state machines to replicate. */
export {
  KEY_VALUE_LIMITS,
  KEY_VALUE_REFUSALS,
  type KeyValueOperation,
  type KeyValueRefusal,
  type KeyValueResult,
  keyValue,
} from "./key-value-codec.ts";
export { KeyValueMachine } from "./key-value-machine.ts";
export {
  LOG_LIMITS,
  LOG_REFUSALS,
  type LogBounds,
  type LogLimits,
  type LogOperation,
  type LogRefusal,
  type LogResult,
  log,
} from "./log-codec.ts";
export { LogMachine } from "./log-machine.ts";
export type { LogSnapshot } from "./log-state.ts";
