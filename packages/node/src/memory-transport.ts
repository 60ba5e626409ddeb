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
          endpoint = { self, listener, counters, linked, hello, queue: [], queueBytes: 0 };
          this.#endpoints.set(self, endpoint);
          done(null);
          for (const peer of this.#endpoints.values()) this.#connect(endpoint, peer);
        });
      },
      announce: (hello) => {
        if (endpoint !== null) endpoint.hello = hello;
      },
      // Whoever joins the transport finds all others.
      reach: () => {},
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
    if (!hasRoom || !from.linked.has(to)) {
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
    for (const peer of this.#endpoints.values())
      if (peer.linked.delete(endpoint.self))
        setImmediate(() => {
          if (this.#isHere(peer) && !peer.linked.has(endpoint.self))
            peer.listener.linkDown(endpoint.self);
        });
  }

  #isHere(endpoint: Endpoint): boolean {
    return this.#endpoints.get(endpoint.self) === endpoint;
  }
}
