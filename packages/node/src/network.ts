import { createServer, type Server } from "node:net";
import { crc32 } from "node:zlib";
import type {
  Hello,
  Lane,
  Network,
  NetworkListener,
  NodeId,
  PeerAddress,
  PortError,
} from "@synod/core";
import { type Address, formatAddress, isLoopback, parseAddress } from "./address.ts";
import { Backoff } from "./backoff.ts";
import { InboundLinks } from "./inbound-links.ts";
import {
  NETWORK_TUNING,
  type NetworkCounters,
  type NetworkOptions,
  type NetworkTuning,
} from "./network-options.ts";
import type { NetworkParts } from "./network-parts.ts";
import { exposedPeerAddress } from "./node-options.ts";
import { OutboundLane } from "./outbound-lane.ts";
import { portError } from "./port-error.ts";

/** The network of one node over TCP. */
export interface NodeNetwork extends Network {
  /** Where it listens, once `open` has said so; with the port that the system chose for port 0. */
  address(): Address;
  counters(): NetworkCounters;
}

/**
 * Every node dials every other one twice: `urgent`, and once that is up, `bulk`. Frames flow from
 * the one who dialed to the one who listens; the other direction carries answers to greetings and
 * pings only. So each node decides alone when and how it connects, and a lane never waits behind
 * the other.
 *
 * `linkUp` is told for every urgent connection in either direction, `linkDown` when the last one is
 * gone.
 */
export function createNetwork(options: NetworkOptions): NodeNetwork {
  return new TcpNetwork(options);
}

interface Peer {
  readonly urgent: OutboundLane;
  readonly bulk: OutboundLane;
}

class TcpNetwork implements NodeNetwork {
  readonly #options: NetworkOptions;
  readonly #tuning: NetworkTuning;
  readonly #counters: NetworkCounters = { framesDropped: 0, linksLost: 0, linksRefused: 0 };
  readonly #server: Server;
  readonly #peers = new Map<NodeId, Peer>();
  /** Nodes, peers or not, of which the last that was told was `linkUp`. */
  readonly #linked = new Set<NodeId>();
  #parts: NetworkParts | null = null;
  #inbound: InboundLinks | null = null;
  #ticker: NodeJS.Timeout | null = null;
  #fairMs = 0;
  #tickedMs = 0;
  #state: "new" | "open" | "closed" = "new";

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#tuning = { ...NETWORK_TUNING, ...options.tuning };
    this.#server = createServer({ noDelay: true }, (stream) => {
      if (this.#inbound === null) stream.destroy();
      else this.#inbound.connected(stream);
    });
  }

  open(hello: Hello, listener: NetworkListener, done: (error: PortError | null) => void): void {
    const { listen, insecure } = this.#options;
    const where = formatAddress(listen);
    if (insecure !== true && !isLoopback(listen.host)) {
      process.nextTick(done, { code: "denied", message: exposedPeerAddress(listen) });
      return;
    }
    const failed = (error: Error): void => done(portError(error, `cannot listen on ${where}`));
    this.#server.once("error", failed);
    this.#server.listen({ host: listen.host, port: listen.port }, () => {
      this.#server.off("error", failed);
      // Later errors are those of accepting (no descriptors left): the listener lives on.
      this.#server.on("error", () => {});
      if (this.#state === "new") this.#start(hello, listener);
      done(null);
    });
  }

  announce(hello: Hello): void {
    if (this.#parts !== null) this.#parts.hello = hello;
  }

  reach(peers: readonly PeerAddress[]): void {
    const parts = this.#parts;
    const inbound = this.#inbound;
    if (parts === null || inbound === null || this.#state !== "open") return;
    const before = parts.peers;
    const addresses = new Map<NodeId, Address>();
    for (const { node, address } of peers) {
      const parsed = parseAddress(address) ?? before.get(node);
      if (parsed !== undefined && node !== this.#options.self) addresses.set(node, parsed);
    }
    parts.peers = addresses;
    for (const [id, peer] of this.#peers) {
      if (isSameAddress(addresses.get(id), before.get(id))) continue;
      this.#peers.delete(id);
      peer.urgent.close(true);
      peer.bulk.close(true);
      // The host must not hear of it from within its own call.
      setImmediate(() => this.#unlinked(parts, inbound, id));
    }
    for (const id of addresses.keys()) {
      if (this.#peers.has(id)) continue;
      const peer = this.#peer(parts, inbound, id);
      this.#peers.set(id, peer);
      peer.urgent.open();
    }
  }

  send(to: readonly NodeId[], lane: Lane, frame: Uint8Array): void {
    for (const id of to) {
      const peer = this.#peers.get(id);
      if (peer === undefined) continue;
      if (lane === "urgent") peer.urgent.send(frame, false);
      else peer.bulk.send(frame, peer.urgent.isUp);
    }
  }

  close(done: () => void): void {
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    if (this.#ticker !== null) clearInterval(this.#ticker);
    for (const peer of this.#peers.values()) {
      peer.urgent.close(true);
      peer.bulk.close(true);
    }
    this.#inbound?.close();
    if (wasOpen) this.#server.close(() => done());
    else process.nextTick(done);
  }

  address(): Address {
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") return this.#options.listen;
    return { host: bound.address, port: bound.port };
  }

  counters(): NetworkCounters {
    return { ...this.#counters };
  }

  #start(hello: Hello, listener: NetworkListener): void {
    this.#state = "open";
    this.#tickedMs = performance.now();
    const parts: NetworkParts = {
      self: this.#options.self,
      peers: this.#options.peers,
      tuning: this.#tuning,
      counters: this.#counters,
      checksum: crc32,
      listener,
      hello,
      fairMs: () => this.#fairMs,
    };
    this.#parts = parts;
    const inbound = new InboundLinks(parts, {
      // It is there: no reason to wait any longer before calling back.
      up: (id) => {
        this.#linked.add(id);
        this.#peers.get(id)?.urgent.open();
      },
      down: (id) => this.#unlinked(parts, inbound, id),
    });
    this.#inbound = inbound;
    for (const id of this.#options.peers.keys())
      if (id !== this.#options.self) this.#peers.set(id, this.#peer(parts, inbound, id));
    for (const peer of this.#peers.values()) peer.urgent.open();
    this.#ticker = setInterval(() => this.#tick(), this.#tuning.pingMs);
  }

  #peer(parts: NetworkParts, inbound: InboundLinks, id: NodeId): Peer {
    const { backoffMinMs, backoffMaxMs } = this.#tuning;
    const backoff = (): Backoff => new Backoff(backoffMinMs, backoffMaxMs, this.#options.random);
    const bulk = new OutboundLane(parts, id, "bulk", backoff(), {
      up: () => null,
      down: () => {},
      refused: () => {},
    });
    const urgent = new OutboundLane(parts, id, "urgent", backoff(), {
      up: (hello) => {
        const reason = parts.listener.linkUp(hello);
        if (reason !== null || this.#state !== "open") return reason;
        this.#linked.add(id);
        bulk.open();
        return null;
      },
      down: () => {
        bulk.close(false);
        this.#unlinked(parts, inbound, id);
      },
      refused: (reason) => {
        this.#counters.linksRefused += 1;
        parts.listener.refused(id, reason);
      },
    });
    return { urgent, bulk };
  }

  /** A connection is gone: the link is down when there is none in the other direction. */
  #unlinked(parts: NetworkParts, inbound: InboundLinks, id: NodeId): void {
    if (this.#state !== "open" || !this.#linked.has(id)) return;
    if (this.#peers.get(id)?.urgent.isUp === true || inbound.has(id)) return;
    this.#linked.delete(id);
    parts.listener.linkDown(id);
  }

  #tick(): void {
    const now = performance.now();
    this.#fairMs += Math.min(now - this.#tickedMs, 2 * this.#tuning.pingMs);
    this.#tickedMs = now;
    for (const peer of this.#peers.values()) {
      peer.urgent.tick(this.#fairMs);
      peer.bulk.tick(this.#fairMs);
    }
    this.#inbound?.tick(this.#fairMs);
  }
}

function isSameAddress(a: Address | undefined, b: Address | undefined): boolean {
  return a !== undefined && a.host === b?.host && a.port === b.port;
}
