import { type Command, EMPTY_FOOTPRINT, type NodeId, type RequestId, sameBytes } from "@synod/core";
import type { Executed } from "../execution.ts";
import { type FailureCode, failed, type Outcome } from "../outcome.ts";
import { Pace } from "./pace.ts";

/** A proposal that has not been answered yet. */
interface Pending {
  readonly command: Command;
  /** Who waits for it; nobody for the host's own barriers. Retries of one request join. */
  readonly tokens: number[];
  readonly deadline: number;
  readonly allowedMs: number;
  /** When it was handed to whom the protocol now follows; null: that is still to come. */
  handedAt: number | null;
  /** Copies handed to the protocol and not released as `never`: with none, it was not applied. */
  copies: number;
  resubmitAt: number;
  pause: number;
  /** Among those to be proposed in this turn. */
  queued: boolean;
}

export interface RequestLimits {
  readonly outstandingMax: number;
  readonly outstandingBytesMax: number;
  readonly resubmitMs: number;
}

export interface RequestsHandler {
  answered(token: number, outcome: Outcome): void;
  /** The node's own session is closed: somebody took this node's name further. See `renew`. */
  sessionLost(): void;
}

/**
 * The proposals of this node that wait for an answer. They are proposed again, under the same
 * client and sequence, until the deadline: sessions see to it that nothing is executed twice.
 */
export class Requests {
  #client: string;
  readonly #origin: NodeId;
  readonly #limits: RequestLimits;
  readonly #pace: Pace;
  readonly #handler: RequestsHandler;
  /** The node's own session, by sequence; users' sessions, by client and sequence. */
  readonly #own = new Map<number, Pending>();
  readonly #users = new Map<string, Map<number, Pending>>();
  /** The one of the node's own session that is a barrier. */
  #barrier: Pending | null = null;
  #stops = 0;
  #nextSequence = 1;
  #lowest = 1;
  #count = 0;
  #bytes = 0;
  #toPropose: Pending[] = [];
  /** In the order of their arrival: not under way yet, as too many others are. */
  readonly #waiting = new Set<Pending>();

  constructor(client: string, origin: NodeId, limits: RequestLimits, handler: RequestsHandler) {
    this.#client = client;
    this.#origin = origin;
    this.#limits = limits;
    this.#pace = new Pace(limits);
    this.#handler = handler;
  }

  /** The node's own session. */
  get client(): string {
    return this.#client;
  }

  get outstanding(): number {
    return this.#count;
  }

  /** Somebody waits for one of them: more than a barrier of the host's own is outstanding. */
  get isAwaited(): boolean {
    return this.#count > (this.#barrier === null ? 0 : 1);
  }

  /** Something waits to be handed to the protocol. */
  get hasUnproposed(): boolean {
    return this.#toPropose.length > 0 || (this.#waiting.size > 0 && this.#hasRoom());
  }

  /** One more of this size that is allowed this many ms is better refused at once. */
  isFull(payloadBytes: number, allowedMs: number): boolean {
    return (
      this.#count >= this.#limits.outstandingMax ||
      this.#bytes + payloadBytes > this.#limits.outstandingBytesMax ||
      this.#pace.comesTooLate(this.#waiting.size, allowedMs)
    );
  }

  /** A command of the node's own session. */
  addOwn(token: number, body: OwnBody, now: number, deadline: number): void {
    this.#addOwn(body, now, deadline).tokens.push(token);
  }

  /**
   * A barrier, unless one is outstanding: that one is as good. Whoever still wants one after its
   * deadline asks again, so that a barrier that could not be chosen for long goes out soon after
   * it can be.
   */
  addBarrier(now: number, deadline: number): void {
    this.#barrier ??= this.#addOwn(BARRIER, now, deadline);
  }

  /**
   * The end of a configuration. Its copies never reach another one: see {@link carryOver}.
   */
  addStop(token: number, payload: Uint8Array, now: number, deadline: number): void {
    const body: OwnBody = { kind: "stop", payload, footprint: EMPTY_FOOTPRINT };
    this.#addOwn(body, now, deadline).tokens.push(token);
    this.#stops += 1;
  }

  /** A stop that was proposed here has not been answered yet. */
  get hasStop(): boolean {
    return this.#stops > 0;
  }

  /**
   * Another configuration goes on. `recall`: everything that the one before delivered has been
   * executed here, or is in a state from elsewhere, and what that knows nothing of was not applied;
   * null: there is no state here yet. All is proposed anew but for stops, which were meant for the
   * configuration that has ended: `stopped` knows how those ended.
   */
  carryOver(recall: Recall | null, stopped: (payload: Uint8Array) => Outcome): void {
    for (const pending of this.#all()) {
      if (pending.command.kind === "stop") {
        this.#end(pending, stopped(pending.command.payload));
        continue;
      }
      if (recall !== null && this.#settle(pending, recall)) continue;
      if (recall !== null) pending.copies = 0;
      if (!this.#waiting.has(pending)) this.#queue(pending);
    }
  }

  /**
   * A command of a user's session; false when another payload is under way under the same sequence.
   */
  addUser(token: number, command: Command, now: number, deadline: number): boolean {
    const session = this.#users.get(command.client) ?? new Map<number, Pending>();
    this.#users.set(command.client, session);
    const before = session.get(command.sequence);
    if (before !== undefined) {
      if (!sameBytes(before.command.payload, command.payload)) return false;
      before.tokens.push(token);
      return true;
    }
    const pending = this.#pending({ ...command, origin: this.#origin }, now, deadline);
    pending.tokens.push(token);
    session.set(command.sequence, pending);
    this.#enqueue(pending);
    return true;
  }

  /**
   * What is to be proposed now, in batches of about `bytesMax` of payload, or of one larger
   * command.
   */
  takeUnproposed(bytesMax: number, now: number): Command[][] {
    this.#admit(now);
    const batches: Command[][] = [];
    let batch: Command[] | null = null;
    let room = 0;
    for (const pending of this.#toPropose) {
      if (!pending.queued) continue;
      this.#hand(pending, now);
      const { command } = pending;
      if (batch === null || command.payload.length > room) {
        batch = [];
        batches.push(batch);
        room = bytesMax;
      }
      batch.push(command);
      room -= command.payload.length;
    }
    this.#toPropose = [];
    return batches;
  }

  /** The state machine executed (or definitely refused) a command. */
  executed(command: Command, executed: Executed, now: number): void {
    const pending = this.#find(command);
    if (pending === undefined || this.#isAnothers(pending.command, command)) return;
    const expired = executed.kind === "refused" && executed.code === "session-expired";
    if (expired && command.client === this.#client) return this.#handler.sessionLost();
    this.#measure("answered", pending, now);
    this.#end(pending, outcomeOf(executed));
  }

  /**
   * Nothing that has not been executed ever will be. Ends these with what became of them: `recall`
   * knows what has been executed, by whichever proposal; null for nothing.
   */
  closed(requests: readonly RequestId[] | "all", recall: Recall): void {
    for (const pending of this.#concerned(requests)) {
      const executed = recall(pending.command);
      this.#end(pending, executed === null ? failed("decided", "no") : outcomeOf(executed));
    }
  }

  /**
   * The protocol no longer pursues these. Unknown ones go out again at once, others after a pause.
   */
  released(
    requests: readonly RequestId[] | "all",
    outcome: "never" | "unknown",
    now: number,
  ): void {
    for (const pending of this.#concerned(requests)) {
      if (pending.copies === 0) continue;
      if (outcome === "never") {
        pending.copies -= 1;
        pending.resubmitAt = Math.min(pending.resubmitAt, now + pending.pause / 4);
      } else {
        this.#queue(pending);
      }
    }
  }

  /** Deadlines and resubmissions that are due. */
  tick(now: number): void {
    for (const pending of this.#all()) {
      if (now >= pending.deadline) {
        this.#measure("missed", pending, now);
        this.#end(pending, failed("deadline", pending.copies === 0 ? "no" : "unknown"));
      } else if (now >= pending.resubmitAt) {
        pending.pause *= 2;
        pending.resubmitAt = now + pending.pause;
        this.#queue(pending, pending.handedAt);
      }
    }
  }

  /**
   * Goes on under another name for the node's own session. The old one is closed for good, so
   * nothing that is still pending in it was executed or ever will be: all of it is proposed anew.
   */
  renew(client: string): void {
    const pending = [...this.#own.values()];
    this.#own.clear();
    this.#client = client;
    this.#nextSequence = 1;
    this.#lowest = 1;
    for (const old of pending) {
      old.queued = false;
      const sequence = this.#nextSequence;
      this.#nextSequence += 1;
      const command = { ...old.command, client, sequence, acknowledged: 1 };
      const renewed = { ...old, command, copies: 0 };
      this.#own.set(sequence, renewed);
      if (this.#barrier === old) this.#barrier = renewed;
      if (this.#waiting.delete(old)) this.#waiting.add(renewed);
      else this.#queue(renewed);
    }
  }

  /**
   * A transferred state is in place, and what it stands for was not seen to be executed: that has
   * no other way to be answered. The rest goes out again.
   */
  caughtUp(recall: Recall): void {
    for (const pending of this.#all())
      if (!this.#settle(pending, recall) && !this.#waiting.has(pending)) this.#queue(pending);
  }

  /** Ends all of them, as nobody here can have them executed any more. */
  refuse(code: FailureCode): void {
    for (const pending of this.#all())
      this.#end(pending, failed(code, pending.copies === 0 ? "no" : "unknown"));
    this.#toPropose = [];
  }

  /** Ends all of them. */
  stop(): void {
    this.refuse("stopped");
  }

  #addOwn(body: OwnBody, now: number, deadline: number): Pending {
    const sequence = this.#nextSequence;
    const acknowledged = this.#lowestOutstanding();
    this.#nextSequence += 1;
    // Field by field: a spread costs more than all else that is done here.
    const command: Command = {
      kind: body.kind,
      client: this.#client,
      sequence,
      acknowledged,
      origin: this.#origin,
      footprint: body.footprint,
      payload: body.payload,
    };
    const pending = this.#pending(command, now, deadline);
    this.#own.set(sequence, pending);
    this.#enqueue(pending);
    return pending;
  }

  #pending(command: Command, now: number, deadline: number): Pending {
    return {
      command,
      tokens: [],
      deadline,
      allowedMs: deadline - now,
      handedAt: null,
      copies: 0,
      resubmitAt: Number.POSITIVE_INFINITY,
      pause: 0,
      queued: false,
    };
  }

  #enqueue(pending: Pending): void {
    const { kind, payload } = pending.command;
    // The host's own barriers and stops wait for nobody: there are few, and others depend on them.
    const waits = kind === "apply" && (this.#waiting.size > 0 || !this.#hasRoom());
    this.#count += 1;
    this.#bytes += payload.length;
    if (waits) this.#waiting.add(pending);
    else this.#queue(pending);
  }

  get #underWay(): number {
    return this.#count - this.#waiting.size;
  }

  #hasRoom(): boolean {
    return this.#pace.hasRoom(this.#underWay);
  }

  #measure(what: "answered" | "missed", pending: Pending, now: number): void {
    const { handedAt, allowedMs } = pending;
    if (handedAt !== null) this.#pace[what]({ handedAt, allowedMs }, now, this.#underWay);
  }

  /** Those whose turn has come go out, unless too little of their time is left for an answer. */
  #admit(now: number): void {
    for (const pending of this.#waiting) {
      if (!this.#hasRoom()) return;
      const { deadline, allowedMs } = pending;
      if (deadline - now < allowedMs / 2) this.#end(pending, failed("overload", "no"));
      else {
        this.#waiting.delete(pending);
        this.#queue(pending);
      }
    }
  }

  /** `handedAt`: another copy of what went out then; without, what happens next tells anew. */
  #queue(pending: Pending, handedAt: number | null = null): void {
    pending.handedAt = handedAt;
    if (pending.queued) return;
    pending.queued = true;
    this.#toPropose.push(pending);
  }

  #hand(pending: Pending, now: number): void {
    pending.queued = false;
    pending.copies += 1;
    if (pending.handedAt !== null) return;
    pending.handedAt = now;
    pending.pause = this.#pace.pauseMs;
    pending.resubmitAt = now + pending.pause;
  }

  #find(id: RequestId): Pending | undefined {
    return id.client === this.#client
      ? this.#own.get(id.sequence)
      : this.#users.get(id.client)?.get(id.sequence);
  }

  /**
   * A user may have given one sequence to different commands on different nodes: each answer speaks
   * of its own.
   */
  #isAnothers(mine: Command, executed: Command): boolean {
    return mine.client !== this.#client && !sameBytes(mine.payload, executed.payload);
  }

  /** Ends it if it was executed, or nobody knows any more; false when it was not. */
  #settle(pending: Pending, recall: Recall): boolean {
    const { command, copies } = pending;
    const known = command.kind === "apply" ? recall(command) : null;
    if (known === null) return false;
    const isForgotten = known.kind === "refused" && known.code !== "sequence-reused";
    const outcome = isForgotten && copies > 0 ? failed(known.code, "unknown") : outcomeOf(known);
    this.#end(pending, outcome);
    return true;
  }

  #concerned(requests: readonly RequestId[] | "all"): Pending[] {
    if (requests === "all") return this.#all();
    return requests.map((id) => this.#find(id)).filter((pending) => pending !== undefined);
  }

  #end(pending: Pending, outcome: Outcome): void {
    this.#remove(pending);
    for (const token of pending.tokens) this.#handler.answered(token, outcome);
  }

  #remove(pending: Pending): void {
    const { client, sequence } = pending.command;
    pending.queued = false;
    this.#waiting.delete(pending);
    this.#count -= 1;
    this.#bytes -= pending.command.payload.length;
    if (this.#barrier === pending) this.#barrier = null;
    if (pending.command.kind === "stop") this.#stops -= 1;
    if (client === this.#client) {
      this.#own.delete(sequence);
      return;
    }
    const session = this.#users.get(client);
    session?.delete(sequence);
    if (session?.size === 0) this.#users.delete(client);
  }

  #all(): Pending[] {
    const all = [...this.#own.values()];
    for (const session of this.#users.values()) all.push(...session.values());
    return all;
  }

  /** The next sequence when nothing is outstanding. */
  #lowestOutstanding(): number {
    while (this.#lowest < this.#nextSequence && !this.#own.has(this.#lowest)) this.#lowest += 1;
    return this.#lowest;
  }
}

/** What became of a command of kind `apply`; null: it was not executed. */
type Recall = (command: Command) => Executed | null;

/** What a command of the node's own session is about. */
type OwnBody = Pick<Command, "kind" | "payload" | "footprint">;

/** A barrier: executes nothing, and all replicas hold the same state at its position. */
const BARRIER: OwnBody = Object.freeze({
  kind: "barrier",
  payload: new Uint8Array(0),
  footprint: EMPTY_FOOTPRINT,
});

function outcomeOf(executed: Executed): Outcome {
  if (executed.kind === "refused") return failed(executed.code, "no");
  // Field by field: a spread costs more than all else that is done here.
  const { position, result, repeated } = executed;
  return { kind: "done", position, result, repeated };
}
