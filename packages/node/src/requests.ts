import {
  failed,
  type Host,
  type Outcome,
  type ReconfigureRequest,
  type SessionRequest,
} from "@synod/runtime";

/** All that the next configuration is to be, and which one it replaces. */
export type ConfigurationChange = Pick<ReconfigureRequest, "replaces" | "members" | "quorums">;

/**
 * Whoever waits for an outcome: told exactly once. An object instead of a closure or promise per
 * request.
 */
export interface Waiter {
  answered(outcome: Outcome): void;
}

/** Numbers the requests to a host and hands each outcome to the one who waits for it. */
export class Requests {
  readonly #waiters = new Map<number, Waiter>();
  #host: Host | null = null;
  #lastToken = 0;

  get outstanding(): number {
    return this.#waiters.size;
  }

  /** From now on requests go to `host`; before, and after `close`, they fail as `stopped`. */
  open(host: Host): void {
    this.#host = host;
  }

  propose(
    payload: Uint8Array,
    session: SessionRequest | null,
    deadlineMs: number,
    waiter: Waiter,
    kind: "apply" | "configure" = "apply",
  ): void {
    const host = this.#host;
    if (host === null) return refuse(waiter);
    host.propose({ token: this.#add(waiter), payload, session, deadlineMs, kind });
  }

  read(
    query: Uint8Array,
    consistency: "linearizable" | "stale",
    deadlineMs: number,
    waiter: Waiter,
  ): void {
    const host = this.#host;
    if (host === null) return refuse(waiter);
    host.read({ token: this.#add(waiter), query, consistency, deadlineMs });
  }

  reconfigure(change: ConfigurationChange, deadlineMs: number, waiter: Waiter): void {
    const host = this.#host;
    if (host === null) return refuse(waiter);
    host.reconfigure({ ...change, token: this.#add(waiter), deadlineMs });
  }

  answered(token: number, outcome: Outcome): void {
    const waiter = this.#waiters.get(token);
    if (waiter === undefined) return;
    this.#waiters.delete(token);
    waiter.answered(outcome);
  }

  /** The host is gone: what it has not answered may or may not be executed by others. */
  close(): void {
    this.#host = null;
    const left = [...this.#waiters.values()];
    this.#waiters.clear();
    for (const waiter of left) waiter.answered(failed("stopped", "unknown"));
  }

  #add(waiter: Waiter): number {
    this.#lastToken += 1;
    this.#waiters.set(this.#lastToken, waiter);
    return this.#lastToken;
  }
}

function refuse(waiter: Waiter): void {
  process.nextTick(() => waiter.answered(failed("stopped", "no")));
}
