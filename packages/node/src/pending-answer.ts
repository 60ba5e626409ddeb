import type { Position } from "@synod/core";
import type { Outcome } from "@synod/runtime";
import type { Waiter } from "./requests.ts";
import { SynodError } from "./synod-error.ts";

/** What a request was answered with. */
export interface Answer {
  /** Where this very request was chosen; for a read, the position that it reflects. */
  readonly position: Position;
  readonly result: Uint8Array;
  /** The same request had been executed before; `position` and `result` are of then. */
  readonly repeated: boolean;
}

/** A promise for an outcome that the caller may stop to wait for. */
export class PendingAnswer implements Waiter {
  readonly promise: Promise<Answer>;
  readonly #signal: AbortSignal | undefined;
  readonly #appliedWhenAborted: "no" | "unknown";
  #resolve: (answer: Answer) => void = () => {};
  #reject: (error: SynodError) => void = () => {};

  /** `appliedWhenAborted`: a read that nobody waits for has changed nothing, a write may have. */
  constructor(signal: AbortSignal | undefined, appliedWhenAborted: "no" | "unknown") {
    this.#signal = signal;
    this.#appliedWhenAborted = appliedWhenAborted;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal?.addEventListener("abort", this.#abort, { once: true });
  }

  answered(outcome: Outcome): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    if (outcome.kind === "failed") return this.#reject(SynodError.failed(outcome));
    const { position, result, repeated } = outcome;
    this.#resolve({ position, result, repeated });
  }

  readonly #abort = (): void => {
    const options = { cause: this.#signal?.reason };
    this.#reject(new SynodError("aborted", this.#appliedWhenAborted, "aborted", options));
  };
}
