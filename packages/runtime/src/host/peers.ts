import type { Hello, NodeId, Remembered } from "@synod/core";
import type { Tenure } from "../configuration.ts";
import type { Identity } from "../identity-codec.ts";
import { isStale } from "../starts.ts";

/**
 * Who is who, as this node durably remembers it: per member the data directory it first showed and
 * how often that was started. Pure: each function takes an identity and says what should become of
 * it. Why this decides who may vote: docs/decisions/0002-voting-rights.md.
 */
export type HelloVerdict =
  /** As remembered, or newly remembered once `identity` is durable. */
  | { readonly kind: "known"; readonly identity: Identity; readonly changed: boolean }
  /** Reachable as a learner: its disk is blank or another one than the one that was remembered. */
  | { readonly kind: "stranger"; readonly reason: string }
  /** An old copy of a disk, or a second start of one: nothing it says can be trusted. */
  | { readonly kind: "stale"; readonly reason: string };

/** What to make of the hello of a member. */
export function judgeHello(identity: Identity, hello: Hello): HelloVerdict {
  const start = {
    node: hello.node,
    dataId: hello.dataId,
    incarnation: hello.incarnation,
    boot: hello.boot,
  };
  const before = identity.peers.find((peer) => peer.node === hello.node);
  if (!hello.formatted) return { kind: "stranger", reason: "its data directory may not vote" };
  if (before !== undefined && before.dataId !== hello.dataId)
    return { kind: "stranger", reason: "its data directory is not the one that voted before" };
  if (before !== undefined && isStale(before, hello))
    return { kind: "stale", reason: "a later start of its data directory is known here" };
  const merged = remember(adoptGossip(identity, hello), start);
  return { kind: "known", identity: merged, changed: merged !== identity };
}

/**
 * Why this node itself must not vote, by what another remembers of it; null when nothing speaks
 * against it.
 */
export function selfProblem(identity: Identity, remembers: readonly Remembered[]): string | null {
  const memory = remembers.find((peer) => peer.node === identity.node);
  if (memory === undefined) return null;
  // Whoever remembers otherwise has not heard of this configuration yet.
  if (memory.dataId !== identity.dataId && isNamed(identity)) return null;
  if (memory.dataId !== identity.dataId)
    return "the cluster remembers another data directory under this node id";
  if (isStale(memory, identity))
    return "the cluster remembers a later start of this data directory: this is an old copy";
  return null;
}

/** Whether a peer with these memories has durably remembered this very start of this node. */
export function isStartKnownAt(identity: Identity, remembers: readonly Remembered[]): boolean {
  const { node, dataId, boot } = identity;
  return remembers.some((peer) => {
    return peer.node === node && peer.dataId === dataId && peer.boot === boot;
  });
}

/** Whether a peer with these memories has durably remembered this node's data directory. */
export function isRegisteredAt(identity: Identity, remembers: readonly Remembered[]): boolean {
  return remembers.some((peer) => peer.node === identity.node && peer.dataId === identity.dataId);
}

/**
 * How many other members must have remembered a new data directory before it votes: more than half
 * of them, so that any two such sets share one who would notice a second directory of the same
 * name.
 */
export function registrationsNeeded(members: readonly NodeId[]): number {
  const others = members.length - 1;
  return others === 0 ? 0 : Math.floor(others / 2) + 1;
}

/** Memories of third members travel along, so that the newest start of a member is known widely. */
function adoptGossip(identity: Identity, hello: Hello): Identity {
  let merged = identity;
  for (const memory of hello.remembers) {
    if (memory.node === identity.node || memory.node === hello.node) continue;
    // Of who is no member any more some still tell.
    if (identity.tenure !== null && !isMember(identity.tenure, memory.node)) continue;
    const before = merged.peers.find((peer) => peer.node === memory.node);
    const newer =
      before === undefined ||
      (before.dataId === memory.dataId && memory.incarnation > before.incarnation);
    if (newer) merged = remember(merged, memory);
  }
  return merged;
}

function remember(identity: Identity, start: Remembered): Identity {
  const before = identity.peers.find((peer) => peer.node === start.node);
  const same =
    before?.dataId === start.dataId &&
    before.incarnation === start.incarnation &&
    before.boot === start.boot;
  if (same) return identity;
  const others = identity.peers.filter((peer) => peer.node !== start.node);
  return { ...identity, peers: [...others, start].sort((a, b) => a.node - b.node) };
}

export function isMember({ configuration }: Tenure, node: NodeId): boolean {
  return configuration.members.some(({ id }) => id === node);
}

/** The configuration in force names this very data directory. */
function isNamed({ tenure, node, dataId }: Identity): boolean {
  const members = tenure?.configuration.members ?? [];
  return members.some((member) => member.id === node && member.dataId === dataId);
}

/**
 * A configuration names data directories itself: they are remembered, in the place of others, and
 * this one is registered if it is among them. Who is no member any more is forgotten. `hellos`: of
 * those that are connected.
 */
export function enterConfiguration(
  before: Identity,
  tenure: Tenure,
  hellos: readonly Hello[],
): Identity {
  let identity: Identity = {
    ...before,
    tenure,
    peers: before.peers.filter(({ node }) => isMember(tenure, node)),
  };
  if (isNamed(identity)) identity = { ...identity, formatted: true, registered: true };
  for (const { id: node, dataId } of tenure.configuration.members) {
    if (node === identity.node || dataId === undefined) continue;
    if (identity.peers.find((peer) => peer.node === node)?.dataId === dataId) continue;
    const hello = hellos.find((other) => other.node === node && other.dataId === dataId);
    const { incarnation = 0, boot = 0 } = hello ?? {};
    identity = remember(identity, { node, dataId, incarnation, boot });
  }
  return identity;
}

/**
 * What stays durable of `before` while this node is in a later configuration for the time being,
 * with the identity `now`: everything by which it goes on in the one before after a restart. Of
 * those who are members of either it is remembered what was heard, but for a member whose directory
 * the later one replaces: in the one before, the older one votes.
 */
export function provisionalIdentity(before: Identity, now: Identity): Identity {
  const { tenure, starts, met } = before;
  const formatted = before.formatted && now.formatted;
  const registered = before.registered && now.registered;
  let identity: Identity = { ...now, tenure, starts, met, formatted, registered };
  for (const memory of before.peers) {
    const newer = now.peers.find(({ node }) => node === memory.node);
    if (newer?.dataId !== memory.dataId) identity = remember(identity, memory);
  }
  return identity;
}
