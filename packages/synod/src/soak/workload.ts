import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { CellHistory, CellInput, CellOutput } from "@synod/simulator";
import { isRefusal, type Reply, type Sending, send } from "./client-request.ts";

/** What the clients of a cluster saw. */
export interface Workload {
  /** Every operation of every client; what was certainly not executed is not in it. */
  readonly history: CellHistory;
  /** Keys that were written once each, with an acknowledgement. The value is the key. */
  readonly acknowledged: readonly string[];
  /** Writes that were repeated under one sequence until answered, and how often each. */
  readonly repeated: { readonly writes: number; readonly attempts: number };
  /** Answers that no client may ever get. */
  readonly violations: readonly string[];
}

export interface RunningWorkload {
  /** Requests that were answered for good so far. */
  progress(): number;
  /** How many of them were writes. */
  writes(): number;
  /** Lets every client finish what it is at. */
  stop(): Promise<Workload>;
}

const SHARED_KEYS = ["left", "right", "middle"];
/** Between two requests of one client: the point is what they see, not how much. */
const PAUSE_MS = 5;
const AFTER_FAILURE_MS = 20;

/**
 * Clients of all kinds at every node: writers and readers of shared keys, writers of keys that are
 * never touched again, and clients that repeat each write in a session, at whatever node, until it
 * is answered. These write a key and delete it in turn and read it in between, elsewhere. In the
 * history such a write is one operation however often it was sent, so that executing it twice gives
 * answers that no order explains. All keys and clients begin with `name`.
 */
export function startWorkload(urls: readonly string[], name = ""): RunningWorkload {
  const crowd = new Crowd(urls, name);
  const clients = urls.flatMap((url, node) => [
    crowd.sharedWriter(url, node),
    crowd.sharedReader(url, `reader-${node}-a`),
    crowd.sharedReader(url, `reader-${node}-b`),
    crowd.appender(url, node),
    crowd.repeater(node),
  ]);
  return {
    progress: () => crowd.progress,
    writes: () => crowd.writes,
    stop: async () => {
      crowd.stopped = true;
      await Promise.all(clients);
      crowd.agent.destroy();
      return crowd;
    },
  };
}

class Crowd implements Workload {
  readonly agent = new Agent({ keepAlive: true });
  readonly history: CellHistory[number][] = [];
  readonly acknowledged: string[] = [];
  readonly violations: string[] = [];
  readonly repeated = { writes: 0, attempts: 0 };
  stopped = false;
  progress = 0;
  writes = 0;
  readonly #urls: readonly string[];
  readonly #name: string;
  #unique = 0;

  constructor(urls: readonly string[], name: string) {
    this.#urls = urls;
    this.#name = name;
  }

  sharedWriter(url: string, node: number): Promise<void> {
    return this.#forEver(async () => {
      const unique = this.#next();
      const key = this.#sharedKey(unique);
      return await this.#put(url, `writer-${node}`, key, `v${unique}`);
    });
  }

  sharedReader(url: string, process: string): Promise<void> {
    let turn = 0;
    return this.#forEver(async () => {
      turn += 1;
      return await this.#get(url, process, this.#sharedKey(turn));
    });
  }

  appender(url: string, node: number): Promise<void> {
    return this.#forEver(async () => {
      const key = `${this.#name}once-${this.#next()}`;
      const done = await this.#put(url, `appender-${node}`, key, key);
      if (done) this.acknowledged.push(key);
      return done;
    });
  }

  repeater(node: number): Promise<void> {
    const client = `${this.#name}repeater-${node}`;
    let sequence = 0;
    let turn = node;
    return this.#forEver(async () => {
      sequence += 1;
      const headers = {
        "synod-client": client,
        "synod-sequence": String(sequence),
        "synod-acknowledged": String(sequence),
      };
      const writes = sequence % 2 === 1;
      const startMs = performance.now();
      this.repeated.writes += 1;
      for (;;) {
        this.repeated.attempts += 1;
        const url = this.#urls[turn % this.#urls.length] ?? "";
        const body = writes ? { method: "PUT", body: `${sequence}` } : { method: "DELETE" };
        const reply = await this.#send({ ...body, url, key: client, headers });
        if (reply !== null && (reply.status === 204 || reply.status === 404)) {
          const input: CellInput = writes
            ? { kind: "write", value: `${sequence}` }
            : { kind: "delete" };
          const existed = reply.status === 204;
          const output: CellOutput = writes ? { kind: "done" } : { kind: "existed", existed };
          this.#record(client, client, input, { output, call: startMs, returned: reply.endMs });
          this.writes += 1;
          break;
        }
        const isOdd = reply !== null && reply.status < 500 && reply.status !== 429;
        if (isOdd && !isRefusal(reply))
          this.violations.push(`${client} ${sequence}: ${reply.status} ${reply.body}`);
        turn += 1;
        await sleep(AFTER_FAILURE_MS);
      }
      const elsewhere = this.#urls[(turn + 1) % this.#urls.length] ?? "";
      return await this.#get(elsewhere, `${client}-looks`, client);
    });
  }

  async #forEver(step: () => Promise<boolean>): Promise<void> {
    while (!this.stopped) {
      if (await step()) this.progress += 1;
      else await sleep(AFTER_FAILURE_MS);
      await sleep(PAUSE_MS);
    }
  }

  async #put(url: string, process: string, key: string, value: string): Promise<boolean> {
    const call = performance.now();
    const reply = await this.#send({ method: "PUT", url, key, body: value });
    if (reply !== null && isRefusal(reply)) return false;
    const input: CellInput = { kind: "write", value };
    const isDone = reply?.status === 204;
    if (isDone) this.writes += 1;
    if (isDone) this.#record(process, key, input, { output: DONE, call, returned: reply.endMs });
    else this.#record(process, key, input, { output: null, call, returned: null });
    return isDone;
  }

  async #get(url: string, process: string, key: string): Promise<boolean> {
    const call = performance.now();
    const reply = await this.#send({ method: "GET", url, key });
    if (reply === null || (reply.status !== 200 && reply.status !== 404)) return false;
    const output: CellOutput = { kind: "value", value: reply.status === 404 ? null : reply.body };
    this.#record(process, key, { kind: "read" }, { output, call, returned: reply.endMs });
    return true;
  }

  #record(
    process: string,
    key: string,
    input: CellInput,
    seen: Pick<CellHistory[number], "output" | "call" | "returned">,
  ): void {
    this.history.push({ process, key, input, ...seen });
  }

  #send(sending: Omit<Sending, "agent">): Promise<Reply | null> {
    return send({ ...sending, agent: this.agent });
  }

  #sharedKey(turn: number): string {
    return `${this.#name}${SHARED_KEYS[turn % SHARED_KEYS.length]}`;
  }

  #next(): number {
    this.#unique += 1;
    return this.#unique;
  }
}

const DONE: CellOutput = { kind: "done" };
