import type { Hello, NodeId } from "@synod/core";

/** Of all nodes that meet in these cases. */
export const CLUSTER = "0123456789abcdef0123456789abcdef";

/** What a node says of itself. */
export function helloOf(node: NodeId, more: Partial<Hello> = {}): Hello {
  return {
    cluster: CLUSTER,
    node,
    dataId: `${node}`.repeat(32),
    incarnation: 1,
    boot: 1_000 + node,
    formatted: true,
    starts: [],
    protocol: "multipaxos",
    version: 1,
    remembers: [],
    ...more,
  };
}
