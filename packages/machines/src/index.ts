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
