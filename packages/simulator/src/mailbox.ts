import type { NodeId } from "@synod/core";
import type { Host, Outcome } from "@synod/runtime";
import { drawFraction, longTail } from "./addressed.ts";
import type { Attempt, Reply } from "./client.ts";
import { NOBODY, type Scheduler } from "./scheduler.ts";
import type { OperationCodec } from "./system.ts";

/** After its deadline a client waits this much longer for an answer, ms. */
const PATIENCE_MS = 250;

interface Waiting {
  readonly node: NodeId;
  readonly loss: number;
  readonly reply: (reply: Reply) => void;
  timer: number;
}

/**
 * The way between clients and nodes: takes time, loses requests and answers, and knows which
 * request a token of a host belongs to. An answer after the client's patience is over is not heard.
 */
export class Mailbox {
  readonly #scheduler: Scheduler;
  readonly #seed: number;
  readonly #codec: OperationCodec;
  readonly #hostOf: (node: NodeId) => Host | null;
  readonly #waiting = new Map<number, Waiting>();
  readonly #answered = new Set<number>();
  readonly #hit: (probe: string) => void;
  #tokens = 0;
  #calm = false;

  constructor(options: {
    readonly scheduler: Scheduler;
    readonly seed: number;
    readonly codec: OperationCodec;
    /** The host that takes requests on a node; null: there is none just now. */
    readonly hostOf: (node: NodeId) => Host | null;
    readonly hit: (probe: string) => void;
  }) {
    this.#scheduler = options.scheduler;
    this.#seed = options.seed;
    this.#codec = options.codec;
    this.#hostOf = options.hostOf;
    this.#hit = options.hit;
  }

  /** Nothing is lost any more. */
  calm(): void {
    this.#calm = true;
  }

  send(attempt: Attempt, reply: (reply: Reply) => void): void {
    this.#tokens += 1;
    const token = this.#tokens;
    const { node, deadlineMs, loss } = attempt;
    const timer = this.#scheduler.after(deadlineMs + PATIENCE_MS, NOBODY, "timer", () =>
      this.#settle(token, { kind: "silence" }),
    );
    this.#waiting.set(token, { node, loss, reply, timer });
    if (this.#lost(token, 0, loss)) return;
    this.#scheduler.after(this.#delayMs(token, 0), node, "client", () =>
      this.#arrive(token, attempt),
    );
  }

  /** What a host answered. False: it has answered that before. */
  answered(token: number, outcome: Outcome): boolean {
    if (this.#answered.has(token)) return false;
    this.#answered.add(token);
    this.#reply(token, outcome);
    return true;
  }

  #reply(token: number, outcome: Outcome): void {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined || this.#lost(token, 1, waiting.loss)) return;
    this.#scheduler.after(this.#delayMs(token, 1), NOBODY, "client", () =>
      this.#settle(token, outcome),
    );
  }

  /** The process of `node` is gone; its clients see their connections break. */
  broken(node: NodeId): void {
    for (const [token, waiting] of this.#waiting) {
      if (waiting.node !== node) continue;
      this.#scheduler.after(this.#delayMs(token, 2), NOBODY, "client", () =>
        this.#settle(token, { kind: "silence" }),
      );
    }
  }

  #arrive(token: number, attempt: Attempt): void {
    const host = this.#hostOf(attempt.node);
    if (host === null) return this.#reply(token, NOT_THERE);
    const { operation, session, deadlineMs } = attempt;
    const { key, value, kind } = operation;
    switch (kind) {
      case "put":
        return host.propose({ token, payload: this.#codec.put(key, value), session, deadlineMs });
      case "remove":
        return host.propose({ token, payload: this.#codec.remove(key), session, deadlineMs });
      case "get":
      case "stale-get": {
        const consistency = kind === "get" ? "linearizable" : "stale";
        return host.read({ token, query: this.#codec.get(key), consistency, deadlineMs });
      }
    }
  }

  #settle(token: number, reply: Reply): void {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    this.#scheduler.cancel(waiting.timer);
    const probe = probeOf(reply);
    if (probe !== null) this.#hit(probe);
    waiting.reply(reply);
  }

  #lost(token: number, way: number, loss: number): boolean {
    return !this.#calm && loss > 0 && drawFraction(this.#seed, "loss", -1, way, token) < loss;
  }

  #delayMs(token: number, way: number): number {
    return 0.1 + longTail(drawFraction(this.#seed, "delay", -1, way, token));
  }
}

/** The connection was refused: nobody there, nothing applied. */
const NOT_THERE: Outcome = Object.freeze({
  kind: "failed",
  code: "stopped",
  applied: "no",
  message: "connection refused",
});

function probeOf(reply: Reply): string | null {
  if (reply === NOT_THERE) return "client: connection refused";
  if (reply.kind === "silence") return "client: silence";
  if (reply.kind === "done") return reply.repeated ? "client: repeated answer" : null;
  if (reply.code === "deadline")
    return reply.applied === "no" ? "client: deadline, not applied" : "client: deadline, unknown";
  return `client: ${reply.code}`;
}
