import type { NodeId } from "@synod/core";
import { KeyValueMachine } from "@synod/machines";
import {
  type Address,
  createNode,
  type FlushMode,
  formatAddress,
  parseAddress,
  SynodError,
  type SynodNode,
} from "@synod/node";
import type { HostTuning } from "@synod/runtime";
import type { FastifyInstance } from "fastify";
import { type Logger, pino } from "pino";
import { type ClusterFile, clusterConfiguration } from "./cluster-file.ts";
import { eventLog } from "./event-log.ts";
import { createHttpServer, type HttpLimits, listenHttp } from "./http-server.ts";
import { DEFAULT_SERVER_PROTOCOL, SERVER_PROTOCOLS, type ServerProtocolName } from "./protocols.ts";

export interface ServerOptions {
  /** Which member of the cluster this is, or, with `http` and `peer`, is to become. */
  readonly id: NodeId;
  readonly cluster: ClusterFile;
  /** Only where the cluster file names none; default multipaxos. */
  readonly protocol?: ServerProtocolName;
  /** The data directory. A node on a directory that was never formatted does not vote. */
  readonly directory: string;
  /** Where HTTP is listened for; default: what the cluster file says. */
  readonly http?: Address;
  /** Where peers are listened for; default: what the cluster file says. */
  readonly peer?: Address;
  /** Allows a peer address that other machines can reach. Default false. */
  readonly insecure?: boolean;
  /** Where syncs run; default `pool`. */
  readonly flush?: FlushMode;
  /** The only members from which a missing state is fetched; default: all who have it. */
  readonly fetchFrom?: readonly NodeId[];
  readonly tuning?: Partial<HostTuning>;
  readonly protocolTuning?: Readonly<Record<string, number>>;
  readonly limits?: Partial<HttpLimits>;
  /** Default: warnings and worse, as JSON lines on standard output. */
  readonly logger?: Logger;
}

/** One node with its HTTP API. */
export interface RunningServer {
  readonly node: SynodNode;
  /** Where HTTP is listened for. */
  readonly http: Address;
  /**
   * Fulfilled once everything has stopped: null after `close`, else why it had to. Never rejected.
   */
  readonly stopped: Promise<string | null>;
  close(): Promise<void>;
}

/** Answers that are under way get this long, ms. */
const CLOSE_MS = 2_000;

/**
 * Starts the node, then its HTTP API. Rejects with {@link SynodError} only, and then holds nothing.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { id, cluster, logger = pino({ level: "warn" }) } = options;
  const member = cluster.members.find((each) => each.id === id);
  const http = options.http ?? (member === undefined ? null : parseAddress(member.http));
  if (http === null || (member === undefined && options.peer === undefined))
    throw new SynodError("invalid", "no", `node ${id} is not a member of the cluster`);
  const node = await createNode({
    id,
    configuration: clusterConfiguration(cluster),
    directory: options.directory,
    protocol: SERVER_PROTOCOLS[protocolOf(options)],
    machine: new KeyValueMachine(),
    insecure: options.insecure ?? false,
    flush: options.flush ?? "adaptive",
    tuning: options.tuning ?? {},
    protocolTuning: options.protocolTuning ?? {},
    observe: eventLog(logger),
    ...(options.peer === undefined ? {} : { listen: options.peer }),
    ...(options.fetchFrom === undefined ? {} : { fetchFrom: options.fetchFrom }),
  });
  try {
    return await serve(node, http, options.limits ?? {}, logger);
  } catch (error) {
    await node.close();
    throw listenError(error, http);
  }
}

/** Two nodes with different ideas of it would refuse each other; one with two is refused here. */
function protocolOf({ cluster, protocol }: ServerOptions): ServerProtocolName {
  const named = cluster.protocol ?? protocol ?? DEFAULT_SERVER_PROTOCOL;
  if (protocol !== undefined && protocol !== named)
    throw new SynodError("invalid", "no", `the cluster file says ${named}, not ${protocol}`);
  return named;
}

/** The HTTP API of a node that runs; ends with it. */
export async function serve(
  node: SynodNode,
  http: Address,
  limits: Partial<HttpLimits>,
  logger: Logger,
): Promise<RunningServer> {
  let stoppedBecause: string | null = null;
  const server = createHttpServer({
    backend: node,
    limits,
    stopped: () => stoppedBecause,
    counters: () => {
      const { framesDropped, linksLost, linksRefused } = node.counters();
      return { frames_dropped: framesDropped, links_lost: linksLost, links_refused: linksRefused };
    },
  });
  const bound = await listenHttp(server, http);
  logger.info({ node: node.id, http: formatAddress(bound) }, "serving");
  const stopped = node.stopped.then(async (reason) => {
    stoppedBecause = reason;
    if (reason !== null) logger.fatal({ node: node.id, reason }, "the node had to stop");
    await closeHttp(server);
    return reason;
  });
  return {
    node,
    http: bound,
    stopped,
    async close() {
      await node.close();
      await stopped;
    },
  };
}

/** Lets answers under way leave, then cuts what is left. */
async function closeHttp(server: FastifyInstance): Promise<void> {
  const limit = setTimeout(() => server.server.closeAllConnections(), CLOSE_MS);
  await server.close();
  clearTimeout(limit);
}

function listenError(error: unknown, http: Address): SynodError {
  const code = error instanceof Error && "code" in error ? error.code : "";
  const where = formatAddress(http);
  const options = { cause: error };
  switch (code) {
    case "EADDRINUSE":
      return new SynodError("in-use", "no", `the HTTP port ${where} is taken`, options);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new SynodError(
        "in-use",
        "no",
        `the HTTP address ${where} is not on this machine`,
        options,
      );
    case "EACCES":
      return new SynodError("in-use", "no", `the HTTP port ${where} may not be used`, options);
    default:
      return SynodError.from(error);
  }
}
