import {
  type Clock,
  type Command,
  EMPTY_FOOTPRINT,
  type Footprint,
  type Input,
  PAYLOAD_BYTES_MAX,
  type Readable,
  type Release,
} from "@synod/core";
import type { Configuration, Tenure } from "../configuration.ts";
import type { Executed, Execution } from "../execution.ts";
import type { HostOptions, HostTuning, ProposeRequest, ReadRequest } from "../host-options.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import { type FailureCode, failed, type Outcome } from "../outcome.ts";
import { sessionKey } from "../sessions-name.ts";
import { encodeStop, stopOutcome } from "./next-configuration.ts";
import { type ClearedBatch, Reads } from "./reads.ts";
import { Requests } from "./requests.ts";

/** How often deadlines and resubmissions are looked at while requests are outstanding. */
const TICK_MS = 25;
/** What still wants a barrier by then asks for another one, without the pauses of this one. */
const BARRIER_DEADLINE_MS = 5000;
const PROPOSAL_BYTES = 256 * 1024;
const SPACE_CHECK_MS = 1000;

export interface FrontOptions {
  // biome-ignore lint/suspicious/noExplicitAny: what clients ask is the same for every protocol
  readonly host: HostOptions<any, any>;
  readonly tuning: HostTuning;
  readonly clock: Clock;
  /** The node's own session. */
  readonly client: string;
  readonly execution: Execution | null;
  /** Of the configuration in force. */
  readonly journal: () => JournalStore;
  /** Of the configuration in force. */
  readonly isMember: boolean;
  readonly input: (input: Input<never>) => void;
  /** False while a state is put in place, and in the middle of a batch. */
  readonly isReadable: () => boolean;
  /** Nothing that was delivered waits. */
  readonly hasExecutedAll: () => boolean;
  readonly sessionLost: () => void;
  /** The outcome of a request that was taken. */
  readonly answered: (token: number, outcome: Outcome) => void;
}

/**
 * Where requests come in and answers go out: gathers what is asked in one turn of the event loop
 * into one proposal and one read, and answers what the state machine has executed.
 */
export class Front {
  readonly #options: FrontOptions;
  readonly requests: Requests;
  readonly reads: Reads;
  /** The journal found no room: what it holds waits, and no more is taken. */
  diskFull = false;
  #spaceCheckAt = 0;
  #turnAsked = false;
  #tickTimer: number | null = null;
  #failures: { readonly token: number; readonly outcome: Outcome }[] = [];
  #ended = false;
  /** Between two configurations there is nobody to hand anything to. */
  #held = false;
  /** This node is no member: it can have nothing executed. */
  #outside: boolean;

  constructor(options: FrontOptions) {
    const { host, tuning, client, sessionLost, answered } = options;
    this.#options = options;
    this.#outside = !options.isMember;
    this.requests = new Requests(client, host.self, tuning, { answered, sessionLost });
    this.reads = new Reads(tuning, answered);
  }

  propose(request: ProposeRequest): void {
    const { token, payload, session, deadlineMs, kind = "apply" } = request;
    const problem = this.#proposalProblem(payload.length, deadlineMs);
    if (problem !== null) return this.#failSoon(token, problem);
    const now = this.#options.clock.now();
    const footprint = this.#footprint(payload, session?.client ?? this.requests.client);
    const body = { kind, payload, footprint } as const;
    if (session === null) this.requests.addOwn(token, body, now, now + deadlineMs);
    else {
      const command: Command = { ...body, ...session, origin: this.#options.host.self };
      if (!this.requests.addUser(token, command, now, now + deadlineMs))
        return this.#failSoon(token, "sequence-reused");
    }
    this.askTurn();
  }

  read(request: ReadRequest): void {
    const { token, query, consistency, deadlineMs } = request;
    if (this.#options.execution === null) return this.#failSoon(token, "not-serving");
    if (this.reads.isFull) return this.#failSoon(token, "overload");
    const deadline = this.#options.clock.now() + deadlineMs;
    if (consistency === "stale") this.reads.addStale(token, query, deadline);
    else if (this.#outside) return this.#failSoon(token, "not-a-member");
    else this.reads.add(token, query, deadline);
    this.askTurn();
  }

  /** Writes are refused for lack of space, at the moment or until somebody tries again. */
  get lacksSpace(): boolean {
    return this.diskFull || this.#options.journal().spaceError !== null;
  }

  /** A command that ends the configuration with this one as the next. */
  proposeStop(token: number, next: Configuration, deadlineMs: number): void {
    const now = this.#options.clock.now();
    this.requests.addStop(token, encodeStop(next), now, now + deadlineMs);
    this.askTurn();
  }

  /** Answers a request that could not even be tried. */
  refuse(token: number, outcome: Outcome): void {
    this.#failures.push({ token, outcome });
    this.askTurn();
  }

  /** Keeps what comes in, until another configuration goes on. */
  hold(): void {
    this.#held = true;
  }

  /**
   * A configuration goes on, with this node as a member or not. `hasState`: with all that was
   * executed in the one before.
   */
  goOn(tenure: Tenure, isMember: boolean, hasState: boolean): void {
    this.#held = false;
    this.#outside = !isMember;
    const recall = hasState ? this.#recall : null;
    this.requests.carryOver(recall, (payload) => stopOutcome(tenure, payload));
    this.reads.requeue();
    if (!isMember) {
      this.requests.refuse("not-a-member");
      this.reads.refuse("not-a-member");
    }
    this.askTurn();
  }

  /** A state from elsewhere is in place: it stands for commands that were not executed here. */
  stateInstalled(): void {
    this.requests.caughtUp(this.#recall);
    this.askTurn();
  }

  /** A command for everybody's state machine that executes nothing, unless one is under way. */
  proposeBarrier(): void {
    if (this.#held || this.#outside) return;
    const now = this.#options.clock.now();
    this.requests.addBarrier(now, now + BARRIER_DEADLINE_MS);
    this.askTurn();
  }

  executed(command: Command, executed: Executed): void {
    this.requests.executed(command, executed, this.#options.clock.now());
    if (this.requests.hasUnproposed) this.askTurn();
  }

  released(effect: Release): void {
    const { requests, outcome } = effect;
    const { clock, execution, hasExecutedAll } = this.#options;
    if (outcome !== "closed") this.requests.released(requests, outcome, clock.now());
    else if (execution !== null && hasExecutedAll()) this.requests.closed(requests, this.#recall);
    // Whether they are among what waits to be executed is seen when they are proposed again.
    else this.requests.released(requests, "never", clock.now());
    this.askTurn();
  }

  readable(effect: Readable): void {
    this.reads.readable(effect.reads, effect.position, effect.validUntil ?? null);
    this.askTurn();
  }

  /** Under a new session, or after a gap in what was executed here. */
  askTurn(): void {
    if (this.#turnAsked || this.#ended) return;
    this.#turnAsked = true;
    this.#options.clock.defer(() => this.#turn());
  }

  /** Evaluates what has been cleared and executed far enough. */
  serveReads(): void {
    const { execution, isReadable } = this.#options;
    if (execution === null || !isReadable()) return;
    for (const batch of this.reads.takeDue(execution.executedUpTo)) this.#serve(batch, execution);
  }

  /** Somebody waits for an answer. */
  get isAwaited(): boolean {
    return this.requests.isAwaited || this.reads.outstanding > 0;
  }

  /** Answers everything that is outstanding: nobody will any more. */
  end(): void {
    this.#ended = true;
    if (this.#tickTimer !== null) this.#options.clock.clearTimer(this.#tickTimer);
    this.#answerFailures();
    this.requests.stop();
    this.reads.stop();
  }

  readonly #recall = (command: Command): Executed | null =>
    this.#options.execution?.recall(command) ?? null;

  #turn(): void {
    this.#turnAsked = false;
    if (this.#ended) return;
    const { input, clock } = this.#options;
    this.#answerFailures();
    if (!this.#held) {
      const { hasStop } = this.requests;
      const batches = this.requests.takeUnproposed(PROPOSAL_BYTES, clock.now());
      if (hasStop) this.#proposeWithStop(batches.flat());
      else for (const commands of batches) input({ kind: "propose", commands });
      if (this.reads.hasGathered)
        input({ kind: "read", reads: [this.reads.takeBatch(clock.now())] });
    }
    this.serveReads();
    this.#armTick();
  }

  /** Stops come last, so that nothing which came before is left behind. */
  #proposeWithStop(all: readonly Command[]): void {
    const { input } = this.#options;
    const commands = all.filter(({ kind }) => kind !== "stop");
    if (commands.length > 0) input({ kind: "propose", commands });
    for (const command of all) if (command.kind === "stop") input({ kind: "stop", command });
  }

  #armTick(): void {
    if (this.#tickTimer !== null || this.#ended) return;
    if (this.requests.outstanding + this.reads.outstanding === 0) return;
    this.#tickTimer = this.#options.clock.setTimer(TICK_MS, () => {
      this.#tickTimer = null;
      const now = this.#options.clock.now();
      this.requests.tick(now);
      this.reads.tick(now);
      this.#turn();
    });
  }

  #serve(batch: ClearedBatch, execution: Execution): void {
    for (const read of batch.reads) {
      const result = execution.query(read.query);
      // Evaluated first, checked after: a pause in between must not turn into a stale answer.
      if (batch.validUntil !== null && this.#options.clock.now() > batch.validUntil) {
        this.reads.again(read);
        this.askTurn();
        continue;
      }
      this.reads.answered();
      const position = execution.commonPosition;
      const outcome = { kind: "done", position, result, repeated: false } as const;
      this.#options.host.listener.answered(read.token, outcome);
    }
  }

  #proposalProblem(payloadBytes: number, allowedMs: number): FailureCode | null {
    if (this.#outside) return "not-a-member";
    if (this.#options.execution === null) return "not-serving";
    if (payloadBytes > PAYLOAD_BYTES_MAX) return "too-large";
    if (this.diskFull || this.#lacksSpace()) return "disk-full";
    return this.requests.isFull(payloadBytes, allowedMs) ? "overload" : null;
  }

  /** No segment could be made ahead: writes end now, while there is still room for promises. */
  #lacksSpace(): boolean {
    const { clock } = this.#options;
    const journal = this.#options.journal();
    if (journal.spaceError === null) return false;
    const now = clock.now();
    if (now >= this.#spaceCheckAt) {
      this.#spaceCheckAt = now + SPACE_CHECK_MS;
      journal.retrySpace();
    }
    return true;
  }

  #footprint(payload: Uint8Array, client: string): Footprint {
    const { protocol, machine } = this.#options.host;
    if (protocol.capabilities.order === "total" || machine === null) return EMPTY_FOOTPRINT;
    const { reads, writes } = machine.footprint(payload);
    return { reads, writes: [...writes, sessionKey(client)] };
  }

  #failSoon(token: number, code: FailureCode): void {
    this.refuse(token, failed(code, "no"));
  }

  #answerFailures(): void {
    const failures = this.#failures;
    this.#failures = [];
    for (const { token, outcome } of failures) this.#options.host.listener.answered(token, outcome);
  }
}
