import type { Position } from "@synod/core";

/**
 * How a request ended. The bit that matters is in `applied`: `no` is safe to try again anywhere;
 * after
 * `unknown` only the same client and sequence may be tried again, or the state read first.
 */
export type Outcome = Done | Failed;

export interface Done {
  readonly kind: "done";
  /** Where this very request was chosen; for a read, the position that it reflects. */
  readonly position: Position;
  readonly result: Uint8Array;
  /** The same request had been executed before; `position` and `result` are of then. */
  readonly repeated: boolean;
}

export interface Failed {
  readonly kind: "failed";
  readonly code: FailureCode;
  readonly applied: "no" | "unknown";
  readonly message: string;
}

/** Every way in which a request fails, with what it means; docs/errors.md is checked against it. */
export const FAILURES = {
  deadline: "no quorum answered in time",
  overload: "too many requests are outstanding on this node",
  "disk-full": "this node's disk is full; reads go on",
  "too-large": "the payload exceeds the largest command",
  "session-expired":
    "the session was closed for lack of use; its requests are not executed any more",
  "sequence-reused": "another payload was sent under this sequence before",
  "sequence-forgotten": "the result of this sequence was acknowledged or is too old to be kept",
  decided: "the one decision of this cluster has been made, and this was no part of it",
  "not-serving": "this member has no state machine, or has not caught up yet",
  "configuration-invalid": "no cluster can run in this configuration",
  "configuration-unchanged": "this configuration is in force already",
  "configuration-changed": "another configuration was chosen in the meantime",
  "configuration-unsettled": "the change has to wait: too few members are known to hold the state",
  "data-id-unknown": "a new member's data id is not known here, and was not given",
  "not-a-member": "this node is no member of the configuration in force",
  stopped: "this node is stopping or has stopped",
} as const satisfies Record<string, string>;

export type FailureCode = keyof typeof FAILURES;

/** `detail`: what exactly, where the code leaves that open. */
export function failed(code: FailureCode, applied: "no" | "unknown", detail = ""): Failed {
  const message = detail === "" ? FAILURES[code] : `${FAILURES[code]}: ${detail}`;
  return { kind: "failed", code, applied, message };
}
