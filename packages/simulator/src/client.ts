import type { NodeId } from "@synod/core";
import type { Outcome, SessionRequest } from "@synod/runtime";
import { Draws } from "./addressed.ts";
import type { ClientPlan } from "./client-plan.ts";
import type { Operation } from "./oracles/operation.ts";

/** One try of an operation at one node. */
export interface Attempt {
  readonly operation: Operation;
  readonly node: NodeId;
  readonly session: SessionRequest | null;
  readonly deadlineMs: number;
  /** Probability that request or answer get lost. */
  readonly loss: number;
}

/** What came of an attempt: the host's own word, or none in time. */
export type Reply = Outcome | { readonly kind: "silence" };

/** The world as a client sees it. */
export interface ClientWorld {
  /** Virtual ms. */
  now(): number;
  after(ms: number, run: () => void): void;
  nodes: readonly NodeId[];
  /** Begins a new operation: gives it its id and its floors. */
  invoke(body: Omit<Operation, "id" | "floor" | "clientFloor">): Operation;
  /** The `number`-th operation of `client` begins. */
  begins(client: number, number: number): void;
  /** Sends it; `reply` comes once. */
  attempt(attempt: Attempt, reply: (reply: Reply) => void): void;
  /** The operation ended; the client goes on. */
  ended(operation: Operation, end: OperationEnd): void;
}

export type OperationEnd =
  | { readonly kind: "done"; readonly outcome: Extract<Outcome, { kind: "done" }> }
  /** Every attempt was answered with a definite "not applied", and the client gives up. */
  | { readonly kind: "refused" }
  /** Something else has been decided, and nothing ever will be again. */
  | { readonly kind: "decided" }
  /** Nobody knows; it may take effect at any time, or never. */
  | { readonly kind: "unknown" };

/** Kept requests are retried after this, ms; doubled up to sixteen times. */
const RETRY_MS = 30;

/** What fills values up to their size. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz";

/**
 * A client: begins operations, insists on those that have a session until they are answered, at
 * whatever node, and goes on. It ends when it is told to finish and has done its last few.
 */
export class Client {
  readonly plan: ClientPlan;
  readonly #seed: number;
  readonly #world: ClientWorld;
  readonly #open = new Set<number>();
  #name: string | null;
  #renamed = 0;
  #sequence = 0;
  #home: NodeId;
  #begun = 0;
  #waiting = 0;
  #left = Number.POSITIVE_INFINITY;
  #nodes: readonly NodeId[];

  constructor(plan: ClientPlan, seed: number, world: ClientWorld) {
    this.plan = plan;
    this.#world = world;
    this.#name = plan.session;
    this.#home = plan.home;
    this.#seed = seed;
    this.#nodes = world.nodes;
  }

  /** It has nothing left to do. */
  get finished(): boolean {
    return this.#left <= 0 && this.#waiting === 0;
  }

  start(): void {
    const { script } = this.plan;
    if (script !== null) {
      this.#left = script.length;
      for (const { atMs, number } of script) this.#plan(atMs, number);
      return;
    }
    for (let at = 0; at < this.plan.width; at += 1) this.#rest();
  }

  /** After `more` operations it is done; from now on it speaks with these nodes only. */
  finish(more: number, nodes: readonly NodeId[]): void {
    if (this.plan.script === null) this.#left = more;
    this.#nodes = nodes;
    if (!nodes.includes(this.#home)) this.#home = nodes[0] as NodeId;
  }

  /** Every operation has its own draws, so that one more try here changes nothing later. */
  #rest(): void {
    if (this.plan.script !== null) return;
    this.#begun += 1;
    const number = this.#begun;
    const draws = this.#draws(number);
    const ms = this.plan.thinkMs * 2 * draws.fraction();
    this.#world.after(ms, () => this.#begin(draws, number));
  }

  #plan(atMs: number, number: number): void {
    const draws = this.#draws(number);
    // The first draw was for the pause before the operation.
    draws.fraction();
    this.#world.after(atMs - this.#world.now(), () => this.#begin(draws, number));
  }

  #draws(number: number): Draws {
    return new Draws(this.#seed, "client", this.plan.index, number);
  }

  #begin(draws: Draws, number: number): void {
    if (this.#left <= 0) return;
    this.#world.begins(this.plan.index, number);
    const fresh = `v${this.plan.index}.${number}.`;
    this.#left -= 1;
    this.#waiting += 1;
    const { plan } = this;
    const client = plan.index;
    const key = `key-${draws.between(1, plan.keys)}`;
    const none = { client, key, value: "", session: null };
    if (draws.chance(plan.reads)) {
      const kind = draws.chance(plan.staleReads) ? "stale-get" : "get";
      return this.#read(this.#world.invoke({ ...none, kind }), draws);
    }
    const session = this.#name === null ? null : this.#next(this.#name);
    const kind = draws.chance(plan.deletes) ? "remove" : "put";
    const value = kind === "put" ? fresh.padEnd(plan.valueBytes, ALPHABET) : "";
    const operation = this.#world.invoke({ client, key, kind, value, session });
    if (session === null) return this.#writeOnce(operation, draws, 0);
    if (draws.chance(plan.doubles)) {
      const other = draws.pick(this.#nodes);
      this.#world.attempt(this.#attempt(operation, other), () => undefined);
    }
    this.#insist(operation, draws, 0);
  }

  #next(client: string): { client: string; sequence: number } {
    this.#sequence += 1;
    this.#open.add(this.#sequence);
    return { client, sequence: this.#sequence };
  }

  #read(operation: Operation, draws: Draws): void {
    this.#world.attempt(this.#attempt(operation, this.#node(draws)), (reply) => {
      if (reply.kind === "done") return this.#end(operation, { kind: "done", outcome: reply });
      this.#wander(draws);
      this.#end(operation, { kind: "unknown" });
    });
  }

  /** Without a session: again only while every answer says for certain that it was not applied. */
  #writeOnce(operation: Operation, draws: Draws, tries: number): void {
    this.#world.attempt(this.#attempt(operation, this.#node(draws)), (reply) => {
      if (reply.kind === "done") return this.#end(operation, { kind: "done", outcome: reply });
      this.#wander(draws);
      const definite = reply.kind === "failed" && reply.applied === "no";
      if (isDecided(reply)) return this.#end(operation, { kind: "decided" });
      if (!definite) return this.#end(operation, { kind: "unknown" });
      if (tries >= 3 || draws.chance(0.3)) return this.#end(operation, { kind: "refused" });
      this.#world.after(RETRY_MS << tries, () => this.#writeOnce(operation, draws, tries + 1));
    });
  }

  /** With a session: again and again, anywhere, until it is answered. */
  #insist(operation: Operation, draws: Draws, tries: number): void {
    this.#world.attempt(this.#attempt(operation, this.#node(draws)), (reply) => {
      if (reply.kind === "done") return this.#end(operation, { kind: "done", outcome: reply });
      this.#wander(draws);
      if (reply.kind === "failed" && reply.code === "session-expired") {
        this.#newSession();
        return this.#end(operation, { kind: "unknown" });
      }
      if (isDecided(reply)) return this.#end(operation, { kind: "decided" });
      this.#world.after(RETRY_MS << Math.min(tries, 4), () =>
        this.#insist(operation, draws, tries + 1),
      );
    });
  }

  #end(operation: Operation, end: OperationEnd): void {
    if (operation.session !== null && operation.session.client === this.#name)
      this.#open.delete(operation.session.sequence);
    this.#waiting -= 1;
    this.#world.ended(operation, end);
    this.#rest();
  }

  #newSession(): void {
    this.#renamed += 1;
    this.#name = `${this.plan.session}-${this.#renamed}`;
    this.#sequence = 0;
    this.#open.clear();
  }

  #attempt(operation: Operation, node: NodeId): Attempt {
    const { deadlineMs, loss } = this.plan;
    const { session } = operation;
    const ours = session !== null && session.client === this.#name;
    const acknowledged = session === null ? 0 : ours ? this.#lowestOpen() : session.sequence;
    return {
      operation,
      node,
      session: session === null ? null : { ...session, acknowledged },
      deadlineMs,
      loss,
    };
  }

  #lowestOpen(): number {
    let lowest = this.#sequence + 1;
    for (const sequence of this.#open) lowest = Math.min(lowest, sequence);
    return lowest;
  }

  #node(draws: Draws): NodeId {
    return draws.chance(this.plan.roams) ? draws.pick(this.#nodes) : this.#home;
  }

  /** The node did not help: try another one next. */
  #wander(draws: Draws): void {
    this.#home = draws.pick(this.#nodes);
  }
}

/** Nothing more is decided there, so there is no use in asking again. */
function isDecided(reply: Reply): boolean {
  return reply.kind === "failed" && reply.code === "decided";
}
