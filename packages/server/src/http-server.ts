import { type IncomingMessage, METHODS, type ServerResponse } from "node:http";
import type { Address } from "@synod/node";
import type { HostStatus } from "@synod/runtime";
import { type FastifyInstance, type FastifyReply, fastify } from "fastify";
import { Registry } from "prom-client";
import { BODY_BYTES_MAX, BodyBudget } from "./body.ts";
import {
  type Backend,
  handleKey,
  type KeyContext,
  problemBody,
  UNKNOWN_PATH,
} from "./key-requests.ts";
import { addMemberRoutes } from "./member-routes.ts";
import { createMetrics } from "./metrics.ts";
import { nodeStatus } from "./node-status.ts";
import { type Problem, refusal } from "./problem.ts";
import { startStallMeter } from "./stall-meter.ts";
import { Traffic } from "./traffic.ts";

export interface HttpOptions {
  readonly backend: Backend;
  /** Numbers of the node's adapters for the metrics, by name; all of them only rise. */
  readonly counters?: () => Readonly<Record<string, number>>;
  /** Why the node has stopped for good; null while it runs. */
  readonly stopped?: () => string | null;
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpLimits {
  /** A connection that sends the headers of a request must be done with them by then. */
  readonly headersMs: number;
  /** And with the whole request by then. */
  readonly requestMs: number;
  /** A connection without a request is closed after this. */
  readonly idleMs: number;
  /** A connection on which nothing moves, not even an answer, is closed after this. */
  readonly silenceMs: number;
  /** How often the first two are looked at. */
  readonly checkMs: number;
  readonly headerBytesMax: number;
  /** Bytes of unfinished bodies of all connections. */
  readonly bodiesBytesMax: number;
  readonly connectionsMax: number;
}

export const HTTP_LIMITS: HttpLimits = Object.freeze({
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 72_000,
  silenceMs: 90_000,
  checkMs: 1_000,
  headerBytesMax: 32_768,
  bodiesBytesMax: 256 * 1_048_576,
  connectionsMax: 10_000,
});

/**
 * The HTTP API of one node, not listening yet. `inject` of the instance answers without a socket.
 */
export function createHttpServer(options: HttpOptions): FastifyInstance {
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const registry = new Registry();
  const context: KeyContext = {
    backend: options.backend,
    traffic: new Traffic(registry),
    bodies: new BodyBudget(limits.bodiesBytesMax),
  };
  const server = fastify({
    logger: false,
    exposeHeadRoutes: true,
    keepAliveTimeout: limits.idleMs,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.silenceMs,
    http: {
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: limits.checkMs,
      maxHeaderSize: limits.headerBytesMax,
    },
    // Answered like every other key: the router only does not know its path.
    frameworkErrors: (_error, request, reply) => {
      reply.hijack();
      handleKey(context, request.raw, reply.raw);
    },
    clientErrorHandler: (error, socket) => {
      if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
      socket.end(rawAnswer(clientProblem(error, limits.headerBytesMax)));
    },
  });
  server.server.maxConnections = limits.connectionsMax;
  addAdminRoutes(server, options, registry);
  addKeyRoutes(server, context);
  return server;
}

function addKeyRoutes(server: FastifyInstance, context: KeyContext): void {
  const methods = METHODS.filter((method) => method !== "CONNECT");
  for (const method of methods)
    if (!server.supportedMethods.includes(method)) server.addHttpMethod(method, { hasBody: true });
  const key = (_request: unknown, reply: FastifyReply): void => {
    reply.hijack();
    handleKey(context, reply.request.raw, reply.raw);
  };
  // In the first hook, before fastify looks at content types and bodies.
  server.route({ method: methods, url: "/*", onRequest: key, handler: () => {} });
  server.setNotFoundHandler((_request, reply) => sendProblem(reply, UNKNOWN_PATH));
  server.setErrorHandler((_error, _request, reply) =>
    sendProblem(reply, refusal("internal", "this node failed to answer")),
  );
  server.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (Number(request.headers["content-length"]) > BODY_BYTES_MAX)
      response.shouldKeepAlive = false;
    else response.writeContinue();
    server.server.emit("request", request, response);
  });
}

function addAdminRoutes(server: FastifyInstance, options: HttpOptions, registry: Registry): void {
  const { backend } = options;
  const stopped = options.stopped ?? (() => null);
  const counters = options.counters ?? (() => ({}));
  const stalls = startStallMeter();
  const metrics = createMetrics({ registry, status: () => backend.status(), stalls, counters });
  server.addHook("onClose", (_instance, done) => {
    stalls.stop();
    registry.clear();
    done();
  });
  server.get("/_synod/status", (_request, reply) =>
    sendJson(reply, 200, nodeStatus(backend.status())),
  );
  server.get("/_synod/health", (_request, reply) => {
    const reason = stopped();
    if (reason === null) sendJson(reply, 200, { status: "healthy" });
    else sendJson(reply, 503, { status: "stopped", reason });
  });
  server.get("/_synod/ready", (_request, reply) => {
    const { ready, reason } = readiness(backend.status(), stopped());
    sendJson(reply, ready ? 200 : 503, { ready, reason });
  });
  server.get("/_synod/metrics", (_request, reply) => {
    metrics().then(
      (text) => reply.type(registry.contentType).send(text),
      () => sendProblem(reply, refusal("internal", "the metrics could not be read")),
    );
  });
  addMemberRoutes(server, backend);
  const methods = METHODS.filter((method) => method !== "CONNECT");
  server.route({
    method: methods.filter((method) => server.supportedMethods.includes(method)),
    url: "/_synod/*",
    onRequest: (request, reply) => {
      const reads = request.method === "GET" || request.method === "HEAD";
      if (!reads) reply.header("allow", "GET, HEAD");
      sendProblem(reply, reads ? UNKNOWN_PATH : RESERVED_METHOD);
    },
    handler: () => {},
  });
}

const RESERVED_METHOD = refusal(
  "bad-method",
  "what is below /_synod/ can only be read, but for changes of /_synod/members",
);

function readiness(status: HostStatus, stopped: string | null): { ready: boolean; reason: string } {
  if (stopped !== null) return { ready: false, reason: `this node has stopped: ${stopped}` };
  return { ready: status.ready, reason: status.notReadyReason };
}

function sendJson(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).header("cache-control", "no-store").send(body);
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type("application/json").send(problemBody(problem));
}

/** What to answer to bytes that are no request. */
function clientProblem(
  error: { readonly code?: string; readonly rawPacket?: unknown },
  headerBytesMax: number,
): Problem {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW": {
      const packet = Buffer.isBuffer(error.rawPacket) ? error.rawPacket : Buffer.alloc(0);
      const lineEnd = packet.indexOf("\r\n");
      return packet.length > 0 && (lineEnd < 0 || lineEnd > headerBytesMax / 2)
        ? refusal("key-too-long", "the path is too long")
        : refusal("headers-too-large", `headers have at most ${headerBytesMax} bytes`);
    }
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return refusal("request-timeout", "the request took too long to arrive");
    default:
      return refusal("bad-request", "this is not a valid HTTP request");
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
};

function rawAnswer(problem: Problem): string {
  const body = problemBody(problem).toString();
  return [
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status]}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}

/** Begins to listen; rejects with a sentence about what is wrong with the address. */
export async function listenHttp(server: FastifyInstance, address: Address): Promise<Address> {
  await server.listen({ host: address.host, port: address.port });
  const bound = server.server.address();
  if (bound === null || typeof bound === "string") return address;
  return { host: bound.address, port: bound.port };
}
