import type { NodeId } from "@synod/core";

/** User clients may not begin with it. */
const NODE_MARK = "~";

export interface NodeClient {
  readonly node: NodeId;
  readonly incarnation: number;
}

/**
 * The session in which a node's requests without a session of their own run:
 * `~<node>.<incarnation>`.
 */
export function nodeClient(node: NodeId, incarnation: number): string {
  return `${NODE_MARK}${node}.${incarnation}`;
}

export function isNodeClient(client: string): boolean {
  return client.startsWith(NODE_MARK);
}

/** Null when the name is not one that {@link nodeClient} makes. */
export function parseNodeClient(client: string): NodeClient | null {
  const match = /^~(0|[1-9]\d{0,4})\.([1-9]\d{0,15})$/.exec(client);
  if (match === null) return null;
  const node = Number(match[1]);
  const incarnation = Number(match[2]);
  return node <= 0xffff && Number.isSafeInteger(incarnation) ? { node, incarnation } : null;
}

/**
 * What a command of this client writes besides the machine's keys, for protocols that order by
 * conflict. All incarnations of a node share a key, because the first command of one closes the
 * session of the other.
 */
export function sessionKey(client: string): string {
  const parsed = isNodeClient(client) ? parseNodeClient(client) : null;
  return parsed === null ? `session:${client}` : `session:${NODE_MARK}${parsed.node}`;
}
