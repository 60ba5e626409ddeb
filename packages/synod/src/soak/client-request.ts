import { type Agent, request as httpRequest } from "node:http";

/** An answer that came whole. Times in ms of `performance.now()`. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly endMs: number;
}

export interface Sending {
  readonly agent: Agent;
  readonly method: string;
  readonly url: string;
  readonly key: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the node is given to answer; who is silent for longer than that and a bit is given up. */
const DEADLINE_MS = 2_000;
const GRACE_MS = 1_000;

/** Nobody listened there, so nobody has heard of the request. */
const NOT_SENT = { status: 0, body: "" } as const;

/** One request for a key. Null: no whole answer, so nothing is known. */
export function send({ agent, method, url, key, body, headers }: Sending): Promise<Reply | null> {
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
        resolve({ status: response.statusCode ?? 0, body: text, endMs: performance.now() });
      });
    });
    request.setTimeout(DEADLINE_MS + GRACE_MS, () => request.destroy());
    request.on("error", ({ code }: NodeJS.ErrnoException) => {
      resolve(code === "ECONNREFUSED" ? { ...NOT_SENT, endMs: performance.now() } : null);
    });
    request.on("close", () => resolve(null));
    request.end(body);
  });
}

/** Nobody has executed the request, and nobody ever will. */
export function isRefusal(reply: Reply): boolean {
  if (reply.status === NOT_SENT.status) return true;
  return reply.status >= 400 && reply.body.includes('"applied":"no"');
}
