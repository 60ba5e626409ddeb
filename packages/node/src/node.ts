import { crc32 } from "node:zlib";
import type { NodeId } from "@synod/core";
import {
  createHost,
  type Host,
  type HostProblem,
  type HostStatus,
  type SessionRequest,
} from "@synod/runtime";
import { createClock } from "./clock.ts";
import { createDisk } from "./disk.ts";
import { createNetwork } from "./network.ts";
import type { NetworkCounters } from "./network-options.ts";
import { invalid, type NodeOptions, nodeAddresses } from "./node-options.ts";
import { type Answer, PendingAnswer } from "./pending-answer.ts";
import { createRandom } from "./random.ts";
import { type ConfigurationChange, Requests, type Waiter } from "./requests.ts";
import { SynodError } from "./synod-error.ts";

export interface RequestOptions {
  /** Ms from now, above 0; default 5000. */
  readonly deadlineMs?: number;
  /** Gives up waiting; a command may be executed all the same. */
  readonly signal?: AbortSignal;
}

export interface ProposeOptions extends RequestOptions {
  /**
   * Names the request, so that it can be sent again without being executed twice. Default: none.
   */
  readonly session?: SessionRequest;
  /** `configure`: for the protocol, not for the state machine. Default `apply`. */
  readonly kind?: "apply" | "configure";
}

export interface ReadOptions extends RequestOptions {
  /** `stale` answers from the local state at once, however old that is. Default `linearizable`. */
  readonly consistency?: "linearizable" | "stale";
}

/** A running replica. All rejections are {@link SynodError}. */
export interface SynodNode {
  readonly id: NodeId;
  /** Has `payload` executed by the state machine on all replicas, once, and gives its result. */
  propose(payload: Uint8Array, options?: ProposeOptions): Promise<Answer>;
  /** Asks the state machine without changing it. */
  read(query: Uint8Array, options?: ReadOptions): Promise<Answer>;
  /**
   * Replaces the configuration in force; fulfilled with the position at which it ended. The members
   * of the next one go on from there by themselves.
   */
  reconfigure(change: ConfigurationChange, options?: RequestOptions): Promise<Answer>;
  /** `propose` for many: no promise, and `waiter` may stand for the whole request. */
  submit(
    payload: Uint8Array,
    session: SessionRequest | null,
    deadlineMs: number,
    waiter: Waiter,
  ): void;
  /** `read` for many. */
  query(
    query: Uint8Array,
    consistency: "linearizable" | "stale",
    deadlineMs: number,
    waiter: Waiter,
  ): void;
  status(): HostStatus;
  /** All 0 of a network of your own. */
  counters(): NetworkCounters;
  /**
   * Fulfilled once the node has stopped: null after `close`, else why it had to. Never rejected.
   */
  readonly stopped: Promise<string | null>;
  /** Answers what is outstanding, syncs and lets go of the directory and the port. */
  close(): Promise<void>;
}

const DEADLINE_MS = 5_000;

/**
 * Starts a replica on a data directory and joins its cluster; fulfilled when it takes requests,
 * which may be before there is a leader.
 *
 * ```ts
 * const node = await createNode({ id: 0, configuration, directory, protocol: multipaxos, machine
 * }); const { result } = await node.propose(payload);
 * ```
 */
export async function createNode<S, M>(options: NodeOptions<S, M>): Promise<SynodNode> {
  const node = new RunningNode(options);
  await node.start();
  return node;
}

class RunningNode<S, M> implements SynodNode {
  readonly id: NodeId;
  readonly stopped: Promise<string | null>;
  readonly #host: Host;
  readonly #requests = new Requests();
  readonly #counters: () => NetworkCounters;
  readonly #release: () => void;
  #stop: (reason: string | null) => void = () => {};

  constructor(options: NodeOptions<S, M>) {
    const { id, configuration, directory, protocol, machine } = options;
    const { listen, peers } = nodeAddresses(options);
    this.id = id;
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
    const clock = createClock();
    const random = createRandom();
    const ours =
      options.transport?.join(id) ??
      createNetwork({
        self: id,
        listen,
        peers,
        random,
        insecure: options.insecure ?? false,
        tuning: options.networkTuning ?? {},
      });
    this.#counters = () => ours.counters();
    this.#release = () => clock.close();
    const { observe, storage } = options;
    this.#host = createHost({
      ports: {
        clock,
        random,
        network: options.network ?? ours,
        disk: options.disk ?? createDisk({ directory, flush: options.flush ?? "adaptive" }),
      },
      ...(storage === undefined ? {} : { storage }),
      protocol,
      machine,
      configuration,
      self: id,
      tuning: options.tuning ?? {},
      protocolTuning: options.protocolTuning ?? {},
      ...(options.fetchFrom === undefined ? {} : { fetchFrom: options.fetchFrom }),
      checksum: crc32,
      listener: {
        answered: (token, outcome) => this.#requests.answered(token, outcome),
        stopped: (reason) => this.#ended(reason),
        ...(observe === undefined ? {} : { observe }),
      },
    });
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#host.start((problem) => {
        if (problem === null) {
          this.#requests.open(this.#host);
          resolve();
        } else {
          this.#ended(problem.message);
          reject(startError(problem));
        }
      });
    });
  }

  async propose(payload: Uint8Array, options: ProposeOptions = {}): Promise<Answer> {
    const deadlineMs = checkedDeadline(options);
    if (options.session?.client.startsWith("~") === true)
      throw invalid("clients whose names begin with ~ are those of the nodes themselves");
    const answer = new PendingAnswer(options.signal, "unknown");
    const { session = null, kind = "apply" } = options;
    this.#requests.propose(payload, session, deadlineMs, answer, kind);
    return answer.promise;
  }

  async read(query: Uint8Array, options: ReadOptions = {}): Promise<Answer> {
    const deadlineMs = checkedDeadline(options);
    const answer = new PendingAnswer(options.signal, "no");
    this.#requests.read(query, options.consistency ?? "linearizable", deadlineMs, answer);
    return answer.promise;
  }

  async reconfigure(change: ConfigurationChange, options: RequestOptions = {}): Promise<Answer> {
    const deadlineMs = checkedDeadline(options);
    const answer = new PendingAnswer(options.signal, "unknown");
    this.#requests.reconfigure(change, deadlineMs, answer);
    return answer.promise;
  }

  submit(
    payload: Uint8Array,
    session: SessionRequest | null,
    deadlineMs: number,
    waiter: Waiter,
  ): void {
    this.#requests.propose(payload, session, deadlineMs, waiter);
  }

  query(
    query: Uint8Array,
    consistency: "linearizable" | "stale",
    deadlineMs: number,
    waiter: Waiter,
  ): void {
    this.#requests.read(query, consistency, deadlineMs, waiter);
  }

  status(): HostStatus {
    return this.#host.status();
  }

  counters(): NetworkCounters {
    return this.#counters();
  }

  async close(): Promise<void> {
    this.#host.stop();
    await this.stopped;
  }

  #ended(reason: string | null): void {
    this.#requests.close();
    this.#release();
    this.#stop(reason);
  }
}

/** What was aborted before it began is not begun. */
function checkedDeadline(options: RequestOptions): number {
  if (options.signal?.aborted === true)
    throw new SynodError("aborted", "no", "aborted", { cause: options.signal.reason });
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  if (!(deadlineMs > 0)) throw invalid(`deadlineMs must be above 0, and is ${deadlineMs}`);
  return deadlineMs;
}

function startError(problem: HostProblem): SynodError {
  return new SynodError(problem.code, "no", problem.message);
}
