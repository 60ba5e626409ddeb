import type { IncomingMessage, ServerResponse } from "node:http";
import { keyValue } from "@synod/machines";
import type { SynodNode, Waiter } from "@synod/node";
import type { Outcome } from "@synod/runtime";
import { type BodyBudget, type BodyReceiver, drain, receiveBody } from "./body.ts";
import {
  BAD_METHOD,
  BODIES_TOO_MANY,
  BODY_TOO_LARGE,
  failureProblem,
  type Problem,
  refusal,
} from "./problem.ts";
import { type RequestOptions, readOptions } from "./request-headers.ts";
import { parseTarget } from "./request-target.ts";
import type { Traffic } from "./traffic.ts";

/** What the HTTP API needs of a node. */
export type Backend = Pick<SynodNode, "submit" | "query" | "status" | "reconfigure">;

export interface KeyContext {
  readonly backend: Backend;
  readonly traffic: Traffic;
  readonly bodies: BodyBudget;
}

/**
 * Answers one request for a key. This is the hot path: no promise, no JSON, no schema, one small
 * object per request that is the receiver of the body and of the outcome at once.
 */
export function handleKey(
  context: KeyContext,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const keyRequest = new KeyRequest(context, request, response);
  // Pipelined behind a request that is not answered yet: a write must not overtake or be overtaken.
  if (response.socket === null) response.once("socket", () => keyRequest.start());
  else keyRequest.start();
}

class KeyRequest implements BodyReceiver, Waiter {
  readonly #context: KeyContext;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #startedMs = 0;
  #key = "";
  #options: RequestOptions | null = null;

  constructor(context: KeyContext, request: IncomingMessage, response: ServerResponse) {
    this.#context = context;
    this.#request = request;
    this.#response = response;
  }

  start(): void {
    this.#startedMs = this.#context.traffic.begin();
    const { method } = this.#request;
    const writes = method === "PUT" || method === "POST" || method === "DELETE";
    if (!writes && method !== "GET" && method !== "HEAD") return this.#refuse(BAD_METHOD);
    const target = parseTarget(this.#request.url ?? "/");
    if (target.kind === "reserved") return this.#refuse(UNKNOWN_PATH);
    if (target.kind === "bad") {
      const code = target.status === 414 ? "key-too-long" : "bad-key";
      return this.#refuse(refusal(code, target.message));
    }
    const options = readOptions(this.#request.headers);
    if (typeof options === "string") return this.#refuse(refusal("bad-header", options));
    this.#key = target.key;
    this.#options = options;
    if (writes) return receiveBody(this.#request, this.#context.bodies, this);
    drain(this.#request);
    const { consistency, deadlineMs } = options;
    this.#context.backend.query(keyValue.get(target.key), consistency, deadlineMs, this);
  }

  body(bytes: Uint8Array): void {
    const { session, deadlineMs } = this.#options as RequestOptions;
    const payload =
      this.#request.method === "DELETE"
        ? keyValue.delete(this.#key)
        : keyValue.put(this.#key, bytes);
    this.#context.backend.submit(payload, session, deadlineMs, this);
  }

  bodyRefused(why: "too-large" | "crowded"): void {
    this.#reply(why === "too-large" ? BODY_TOO_LARGE : BODIES_TOO_MANY);
  }

  bodyAbandoned(): void {
    this.#context.traffic.abandon();
  }

  answered(outcome: Outcome): void {
    if (outcome.kind === "failed") return this.#reply(failureProblem(outcome));
    const result = keyValue.result(outcome.result);
    const slot = String(outcome.position.index);
    const headers = ["x-paxos-slot", slot];
    if (outcome.repeated) headers.push("synod-repeated", "true");
    switch (result?.kind) {
      case "written":
        if (result.existed || this.#request.method !== "DELETE")
          return this.#send(204, headers, null);
        headers.push("content-length", "0");
        return this.#send(404, headers, null);
      case "found":
        headers.push(...VALUE_HEADERS, "content-length", String(result.value.length));
        return this.#send(200, headers, result.value);
      case "absent":
        return this.#send(404, NO_CONTENT, null);
      default:
        return this.#reply(refusal("internal", "the state machine did not understand this"));
    }
  }

  /** Before the body has been read. */
  #refuse(problem: Problem): void {
    this.#reply(problem);
    drain(this.#request);
  }

  #reply(problem: Problem): void {
    const body = problemBody(problem);
    const headers = ["content-type", "application/json", "content-length", String(body.length)];
    if (problem.status === 405) headers.push("allow", ALLOW);
    if (RETRIED.has(problem.status)) headers.push("retry-after", "1");
    if (problem.code === "stopped") headers.push("connection", "close");
    this.#send(problem.status, headers, body);
  }

  #send(status: number, headers: readonly string[], body: Uint8Array | null): void {
    const response = this.#response;
    this.#context.traffic.end(this.#request.method, status, this.#startedMs);
    if (response.destroyed || response.headersSent) return;
    response.writeHead(status, headers as string[]);
    if (body === null || this.#request.method === "HEAD") response.end();
    else response.end(body);
  }
}

export const ALLOW = "GET, HEAD, POST, PUT, DELETE";

export const UNKNOWN_PATH: Problem = refusal(
  "unknown-path",
  "below /_synod/ there are status, members, health, ready and metrics",
);

/** Values are bytes: a browser that is shown one must not take it for a page of this origin. */
const VALUE_HEADERS = [
  "content-type",
  "application/octet-stream",
  "x-content-type-options",
  "nosniff",
] as const;

const NO_CONTENT = ["content-length", "0"] as const;

/** Statuses after which the same request may succeed by itself. */
const RETRIED: ReadonlySet<number> = new Set([429, 503]);

export function problemBody(problem: Problem): Buffer {
  const { code, applied, message } = problem;
  return Buffer.from(`${JSON.stringify({ code, applied, message })}\n`);
}
