import type { SynodError } from "@synod/node";
import type { Failed, FailureCode } from "@synod/runtime";

/** An answer that is no success: what the JSON body of every 4xx and 5xx says. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  /**
   * `no`: safe to send again anywhere. `unknown`: read first, or send again in the same session.
   */
  readonly applied: "no" | "unknown";
  readonly message: string;
}

/** The status of each way in which a request fails; docs/errors.md is checked against it. */
export const FAILURE_STATUS = {
  deadline: 503,
  overload: 429,
  "disk-full": 507,
  "too-large": 413,
  "session-expired": 410,
  "sequence-reused": 409,
  "sequence-forgotten": 410,
  decided: 409,
  "not-serving": 503,
  "configuration-invalid": 400,
  "configuration-unchanged": 409,
  "configuration-changed": 409,
  "configuration-unsettled": 409,
  "data-id-unknown": 409,
  "not-a-member": 503,
  stopped: 503,
} as const satisfies Record<FailureCode, number>;

export function failureProblem(failure: Failed): Problem {
  const { code, applied, message } = failure;
  return { status: FAILURE_STATUS[code], code, applied, message };
}

/** What a rejected call of the node is to a client. */
export function synodProblem({ code, applied, message }: SynodError): Problem {
  const status = code in FAILURE_STATUS ? FAILURE_STATUS[code as FailureCode] : 500;
  return { status, code, applied, message };
}

/**
 * Answers of the HTTP layer itself, before anything was proposed, with their status. Codes that are
 * in {@link FAILURE_STATUS} too mean the same here. docs/errors.md is checked against it.
 */
export const REFUSAL_STATUS = {
  "bad-request": 400,
  "bad-key": 400,
  "bad-header": 400,
  "bad-body": 400,
  "unknown-path": 404,
  "no-such-member": 404,
  "already-member": 409,
  "bad-method": 405,
  "request-timeout": 408,
  "too-large": 413,
  "key-too-long": 414,
  overload: 429,
  "headers-too-large": 431,
  internal: 500,
} as const satisfies Record<string, number>;

export type RefusalCode = keyof typeof REFUSAL_STATUS;

/** A request that was understood as wrong before anything was proposed. */
export function refusal(code: RefusalCode, message: string): Problem {
  return { status: REFUSAL_STATUS[code], code, applied: "no", message };
}

export const BAD_METHOD: Problem = refusal(
  "bad-method",
  "keys take GET, HEAD, POST, PUT and DELETE",
);

export const BODY_TOO_LARGE: Problem = refusal("too-large", "a value has at most 1048576 bytes");

export const BODIES_TOO_MANY: Problem = refusal(
  "overload",
  "the bodies of too many requests are on their way to this node",
);
