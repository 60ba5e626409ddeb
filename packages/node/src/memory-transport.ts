import type { Hello, Lane, Network, NetworkListener, NodeId } from "@synod/core";
import type { NetworkCounters } from "./network-options.ts";

/**
 * Joins nodes of one process without sockets: for tests, examples and embedded clusters. It keeps
 * the promises of TCP and no more: best effort, dropped when a peer is away or its queue is full.
 */
export interface MemoryTransport {
  /** The network of one node, for one start of it. */
  join(self: NodeId): Network & { counters(): NetworkCounters };
}

/** Bytes that may wait for one node; beyond, frames are dropped. */
const QUEUE_BYTES_MAX = 64 * 1_048_576;

/** Pause before two nodes that refused each other meet again, ms. */
const REFUSED_MS = 200;

interface Endpoint {
  readonly self: NodeId;
  readonly listener: NetworkListener;
  readonly counters: NetworkCounters;
  readonly linked: Set<NodeId>;
  /** Null: everybody. */
  peers: ReadonlySet<NodeId> | null;
  hello: Hello;
  queue: { readonly from: NodeId; readonly frame: Uint8Array }[];
  queueBytes: number;
}

export function createMemoryTransport(): MemoryTransport {
  return new Hub();
}

class Hub implements MemoryTransport {
  readonly #endpoints = new Map<NodeId, Endpoint>();

  join(self: NodeId): Network & { counters(): NetworkCounters } {
    const counters: NetworkCounters = { framesDropped: 0, linksLost: 0, linksRefused: 0 };
    let endpoint: Endpoint | null = null;
    return {
      open: (hello, listener, done) => {
        setImmediate(() => {
          if (this.#endpoints.has(self))
            return done({ code: "in-use", message: `node ${self} is here already` });
          const linked = new Set<NodeId>();
          const queue = { queue: [], queueBytes: 0 };
          endpoint = { self, listener, counters, linked, peers: null, hello, ...queue };
          this.#endpoints.set(self, endpoint);
          done(null);
          for (const peer of this.#endpoints.values()) this.#connect(endpoint, peer);
        });
      },
      announce: (hello) => {
        if (endpoint !== null) endpoint.hello = hello;
      },
      reach: (peers) => {
        if (endpoint !== null) this.#reach(endpoint, new Set(peers.map(({ node }) => node)));
      },
      send: (to: readonly NodeId[], _lane: Lane, frame: Uint8Array) => {
        if (endpoint === null) return;
        for (const peer of to) this.#send(endpoint, peer, frame);
      },
      close: (done) => {
        if (endpoint !== null) this.#leave(endpoint);
        setImmediate(done);
      },
      counters: () => ({ ...counters }),
    };
  }

  /** Both hear the other's hello, and either may refuse it. */
  #connect(a: Endpoint, b: Endpoint): void {
    if (a === b || a.linked.has(b.self) || !this.#isHere(a) || !this.#isHere(b)) return;
    if (!areJoined(a, b)) return;
    const refusedBy = (one: Endpoint, other: Endpoint): boolean => {
      const reason = one.listener.linkUp(other.hello);
      if (reason === null) return false;
      for (const { counters } of [a, b]) counters.linksRefused += 1;
      other.listener.refused(one.self, reason);
      return true;
    };
    if (refusedBy(a, b)) return this.#connectLater(a, b);
    if (refusedBy(b, a)) {
      a.listener.linkDown(b.self);
      return this.#connectLater(a, b);
    }
    a.linked.add(b.self);
    b.linked.add(a.self);
  }

  #connectLater(a: Endpoint, b: Endpoint): void {
    setTimeout(() => this.#connect(a, b), REFUSED_MS).unref();
  }

  #send(from: Endpoint, to: NodeId, frame: Uint8Array): void {
    const peer = this.#endpoints.get(to);
    const hasRoom = peer !== undefined && peer.queueBytes + frame.length <= QUEUE_BYTES_MAX;
    if (!hasRoom || !from.linked.has(to) || !reaches(from, to)) {
      from.counters.framesDropped += 1;
      return;
    }
    if (peer.queue.length === 0) setImmediate(() => this.#deliver(peer));
    peer.queue.push({ from: from.self, frame });
    peer.queueBytes += frame.length;
  }

  #deliver(to: Endpoint): void {
    const { queue } = to;
    to.queue = [];
    to.queueBytes = 0;
    for (const { from, frame } of queue)
      if (this.#isHere(to) && to.linked.has(from) && !to.listener.frame(from, frame))
        this.#disconnect(from, to);
  }

  /** What one cannot read, it does not trust the rest of. */
  #disconnect(from: NodeId, to: Endpoint): void {
    const peer = this.#endpoints.get(from);
    to.counters.linksLost += 1;
    to.linked.delete(from);
    to.listener.linkDown(from);
    if (peer === undefined) return;
    peer.linked.delete(to.self);
    peer.listener.linkDown(to.self);
    this.#connectLater(to, peer);
  }

  #leave(endpoint: Endpoint): void {
    if (!this.#isHere(endpoint)) return;
    this.#endpoints.delete(endpoint.self);
    for (const peer of this.#endpoints.values()) this.#unlink(peer, endpoint.self);
  }

  /** Whoever joins the transport finds all others, until it says whom it wants. */
  #reach(endpoint: Endpoint, peers: ReadonlySet<NodeId>): void {
    endpoint.peers = peers;
    for (const peer of this.#endpoints.values()) {
      if (areJoined(endpoint, peer)) setImmediate(() => this.#connect(endpoint, peer));
      else {
        this.#unlink(endpoint, peer.self);
        this.#unlink(peer, endpoint.self);
      }
    }
  }

  /** No host hears of it from within its own call. */
  #unlink(endpoint: Endpoint, peer: NodeId): void {
    if (!endpoint.linked.delete(peer)) return;
    setImmediate(() => {
      if (this.#isHere(endpoint) && !endpoint.linked.has(peer)) endpoint.listener.linkDown(peer);
    });
  }

  #isHere(endpoint: Endpoint): boolean {
    return this.#endpoints.get(endpoint.self) === endpoint;
  }
}

function reaches({ peers }: Endpoint, node: NodeId): boolean {
  return peers === null || peers.has(node);
}

/** As with TCP, a connection is there for as long as one of the two wants it. */
function areJoined(a: Endpoint, b: Endpoint): boolean {
  return reaches(a, b.self) || reaches(b, a.self);
}
