import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "./register-history.ts";

/** What the clients of a cluster saw. */
export interface Workload {
  /** Everything done with the shared keys. */
  readonly history: readonly Operation[];
  /** Keys that were written once each, with an acknowledgement. The value is the key. */
  readonly acknowledged: readonly string[];
  /**
   * Writes and deletes that were repeated under one sequence until answered, and how often each.
   */
  readonly repeated: { readonly writes: number; readonly attempts: number };
  /** What no client may ever see. */
  readonly violations: readonly string[];
}

export interface RunningWorkload {
  /** Requests that were answered for good so far. */
  progress(): number;
  /** Lets every client finish what it is at. */
  stop(): Promise<Workload>;
}

const DEADLINE_MS = 2_000;
const SHARED_KEYS = ["left", "right", "middle"];

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly startMs: number;
  readonly endMs: number;
}

interface Send {
  readonly method: string;
  readonly url: string;
  readonly key: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Clients of all kinds at every node: writers and readers of shared keys with unique values,
 * writers of keys that are never touched again, and clients that repeat each write in a session, at
 * whatever node, until it is answered. These write a key and delete it in turn, so a write executed
 * twice answers 404.
 */
export function startWorkload(urls: readonly string[]): RunningWorkload {
  const agent = new Agent({ keepAlive: true });
  const history: Operation[] = [];
  const acknowledged: string[] = [];
  const violations: string[] = [];
  const repeated = { writes: 0, attempts: 0 };
  let stopped = false;
  let progress = 0;
  let unique = 0;

  async function forEver(step: () => Promise<boolean>): Promise<void> {
    while (!stopped) {
      if (await step()) progress += 1;
      else await sleep(20);
    }
  }

  function sharedWriter(url: string): Promise<void> {
    return forEver(async () => {
      unique += 1;
      const key = SHARED_KEYS[unique % SHARED_KEYS.length] ?? "";
      const value = `v${unique}`;
      const startMs = performance.now();
      const reply = await send(agent, { method: "PUT", url, key, body: value });
      if (reply !== null && isRefusal(reply)) return false;
      const endMs = reply?.status === 204 ? reply.endMs : Number.POSITIVE_INFINITY;
      history.push({ kind: "write", key, value, startMs, endMs });
      return reply?.status === 204;
    });
  }

  function sharedReader(url: string): Promise<void> {
    let turn = 0;
    return forEver(async () => {
      turn += 1;
      const key = SHARED_KEYS[turn % SHARED_KEYS.length] ?? "";
      const reply = await send(agent, { method: "GET", url, key });
      if (reply === null || (reply.status !== 200 && reply.status !== 404)) return false;
      const { startMs, endMs, status, body } = reply;
      history.push({ kind: "read", key, value: status === 404 ? null : body, startMs, endMs });
      return true;
    });
  }

  function appender(url: string): Promise<void> {
    return forEver(async () => {
      unique += 1;
      const key = `once-${unique}`;
      const reply = await send(agent, { method: "POST", url, key, body: key });
      if (reply?.status === 204) acknowledged.push(key);
      return reply?.status === 204;
    });
  }

  function repeater(node: number): Promise<void> {
    const client = `repeater-${node}`;
    let sequence = 0;
    let turn = node;
    return forEver(async () => {
      sequence += 1;
      const method = sequence % 2 === 1 ? "PUT" : "DELETE";
      const headers = {
        "synod-client": client,
        "synod-sequence": String(sequence),
        "synod-acknowledged": String(sequence),
      };
      repeated.writes += 1;
      for (;;) {
        const url = urls[turn % urls.length] ?? "";
        repeated.attempts += 1;
        const reply = await send(agent, { method, url, key: client, body: `${sequence}`, headers });
        if (reply?.status === 204) return true;
        if (reply !== null && reply.status < 500 && reply.status !== 429) {
          violations.push(`${client} ${sequence} ${method}: ${reply.status} ${reply.body}`);
          return false;
        }
        turn += 1;
        await sleep(20);
      }
    });
  }

  const clients = urls.flatMap((url, node) => [
    sharedWriter(url),
    sharedReader(url),
    sharedReader(url),
    appender(url),
    repeater(node),
  ]);
  return {
    progress: () => progress,
    stop: async () => {
      stopped = true;
      await Promise.all(clients);
      agent.destroy();
      return { history, acknowledged, repeated, violations };
    },
  };
}

/** The node says that it has not executed the request and never will. */
function isRefusal(reply: Reply): boolean {
  return reply.status >= 400 && reply.body.includes('"applied":"no"');
}

/** Null: no whole answer, so nothing is known. */
function send(agent: Agent, { method, url, key, body, headers }: Send): Promise<Reply | null> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const all = { ...headers, "synod-deadline-ms": String(DEADLINE_MS) };
    const target = { method, agent, host: hostname, port, path: `/${key}`, headers: all };
    const request = httpRequest(target, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", () => resolve(null));
      response.on("end", () => {
        const endMs = performance.now();
        resolve({ status: response.statusCode ?? 0, body: text, startMs, endMs });
      });
    });
    request.setTimeout(DEADLINE_MS + 1_000, () => request.destroy());
    request.on("error", () => resolve(null));
    request.on("close", () => resolve(null));
    request.end(method === "PUT" || method === "POST" ? body : undefined);
  });
}
