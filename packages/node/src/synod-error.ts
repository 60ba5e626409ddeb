import type { Failed, FailureCode, HostProblem } from "@synod/runtime";

/** Why a request failed, a node could not start, or a call made no sense. */
export type SynodErrorCode =
  | FailureCode
  | HostProblem["code"]
  /** The caller's signal was aborted before the answer came. */
  | "aborted"
  /** A consumer fell further behind the order than what is kept for it. */
  | "lagging"
  /** Something that came later made it pointless; nothing was done. */
  | "superseded"
  /** The call's own arguments are wrong; nothing was done. */
  | "invalid"
  /** A defect; please report it. */
  | "internal";

/**
 * The one error of this package. `applied` is the bit that matters: `no` is safe to try again
 * anywhere; after `unknown` only the same session and sequence may be tried again, or the state
 * read first.
 */
export class SynodError extends Error {
  override readonly name = "SynodError";
  readonly code: SynodErrorCode;
  readonly applied: "no" | "unknown";

  constructor(
    code: SynodErrorCode,
    applied: "no" | "unknown",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.applied = applied;
  }

  static failed(outcome: Failed): SynodError {
    return new SynodError(outcome.code, outcome.applied, outcome.message);
  }

  /** The gate for everything foreign: what is no `SynodError` becomes one of code `internal`. */
  static from(error: unknown): SynodError {
    if (error instanceof SynodError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new SynodError("internal", "unknown", message, { cause: error });
  }
}
