/** The HTTP API of a replicated key-value store, with metrics, and what starts a whole server. */
export {
  type ClusterFile,
  ClusterFileError,
  type ClusterMember,
  clusterConfiguration,
  parseClusterFile,
  readClusterFile,
} from "./cluster-file.ts";
export {
  createHttpServer,
  HTTP_LIMITS,
  type HttpLimits,
  type HttpOptions,
  listenHttp,
} from "./http-server.ts";
export type { Backend } from "./key-requests.ts";
export type { ListedMember, MemberList } from "./member-list.ts";
export type { NodeStatus, NodeStatusPeer } from "./node-status.ts";
export { FAILURE_STATUS, type Problem } from "./problem.ts";
export {
  DEFAULT_SERVER_PROTOCOL,
  SERVER_PROTOCOL_NAMES,
  SERVER_PROTOCOL_TUNING,
  type ServerProtocolName,
} from "./protocols.ts";
export { type RunningServer, type ServerOptions, startServer } from "./start-server.ts";
