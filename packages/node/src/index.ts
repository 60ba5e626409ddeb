/**
 * A replica on Node: the four ports of a host (durable files, TCP, timers, randomness), and
 * `createNode`, which puts a host on top of them behind promises.
 */
export { type Address, formatAddress, isLoopback, parseAddress } from "./address.ts";
export { createClock, type NodeClock } from "./clock.ts";
export { createDisk, type DiskOptions, type FlushMode } from "./disk.ts";
export { type FormatNodeOptions, formatNode } from "./format-node.ts";
export {
  createLog,
  type FollowOptions,
  type LogItem,
  type ReplicatedLog,
} from "./log/replicated-log.ts";
export { createMemoryTransport, type MemoryTransport } from "./memory-transport.ts";
export { createNetwork, type NodeNetwork } from "./network.ts";
export {
  NETWORK_TUNING,
  type NetworkCounters,
  type NetworkOptions,
  type NetworkTuning,
} from "./network-options.ts";
export {
  createNode,
  type ProposeOptions,
  type ReadOptions,
  type RequestOptions,
  type SynodNode,
} from "./node.ts";
export type { NodeOptions, Observe } from "./node-options.ts";
export { type Consensus, createConsensus } from "./order/consensus.ts";
export type { KeptMessages, OrderedMessage } from "./order/order-machine.ts";
export {
  createTotalOrder,
  type DeliverOptions,
  type TotalOrder,
  type TotalOrderOptions,
} from "./order/total-order.ts";
export type { Answer } from "./pending-answer.ts";
export { createRandom } from "./random.ts";
export { type ConfigurationChange, Requests, type Waiter } from "./requests.ts";
export { SynodError, type SynodErrorCode } from "./synod-error.ts";
