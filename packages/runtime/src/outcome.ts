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
  stopped: "this node is stopping or has stopped",
} as const satisfies Record<string, string>;

export type FailureCode = keyof typeof FAILURES;

export function failed(code: FailureCode, applied: "no" | "unknown"): Failed {
  return { kind: "failed", code, applied, message: FAILURES[code] };
}
