import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { afterEach, beforeEach } from "vitest";
import { createHttpServer, type HttpLimits, listenHttp } from "../http-server.ts";
import { FakeBackend } from "./fake-backend.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface AskOptions {
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
}

/** The HTTP API over a node without consensus; a fresh one for every test. */
export interface HttpHarness {
  readonly backend: FakeBackend;
  readonly port: number;
  /** Why the node has stopped; null: it runs. */
  stopped: string | null;
  /** Starts again with other limits. */
  restart(limits: Partial<HttpLimits>): Promise<void>;
  /** One request on a connection of its own; the body as Latin-1. */
  ask(method: string, path: string, options?: AskOptions): Promise<HttpAnswer>;
}

export function httpHarness(): HttpHarness {
  let backend = new FakeBackend();
  let port = 0;
  let close = async (): Promise<void> => {};
  const start = async (limits: Partial<HttpLimits>): Promise<void> => {
    backend = new FakeBackend();
    harness.stopped = null;
    const server = createHttpServer({
      backend,
      limits,
      stopped: () => harness.stopped,
      counters: () => ({ frames_dropped: 0, links_lost: 0, links_refused: 7 }),
    });
    port = (await listenHttp(server, { host: "127.0.0.1", port: 0 })).port;
    close = () => server.close();
  };
  const harness: HttpHarness = {
    get backend() {
      return backend;
    },
    get port() {
      return port;
    },
    stopped: null,
    async restart(limits) {
      await close();
      await start(limits);
    },
    ask: (method, path, options = {}) => ask(port, method, path, options),
  };
  beforeEach(() => start({}));
  afterEach(() => close());
  return harness;
}

function ask(
  port: number,
  method: string,
  path: string,
  { body, headers = {} }: AskOptions,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const where = { host: "127.0.0.1", port, method, path, headers, agent: false };
    const request = httpRequest(where, (response) => {
      let text = "";
      response.setEncoding("latin1");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}
