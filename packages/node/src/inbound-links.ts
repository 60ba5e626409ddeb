import type { Socket } from "node:net";
import type { Hello, Lane, NodeId } from "@synod/core";
import { decodeRefusal, encodeRefusal, type Frame, helloProblem } from "@synod/runtime";
import { FrameSocket } from "./frame-socket.ts";
import { decodeGreeting, encodeGreeting, type Greeting, isSameStart } from "./greeting.ts";
import type { NetworkParts } from "./network-parts.ts";

export interface InboundEvents {
  /** The first connection of this kind from `peer`, or a newer one in place of it. */
  up(peer: NodeId): void;
  down(peer: NodeId): void;
}

/** Nodes that are no peers and may be connected at a time. */
const OTHERS_MAX = 16;

interface Link {
  readonly hello: Hello;
  readonly sockets: Map<Lane, FrameSocket>;
  heardMs: Map<FrameSocket, number>;
}

/** The connections that peers dialed: on these their frames come in. */
export class InboundLinks {
  readonly #parts: NetworkParts;
  readonly #events: InboundEvents;
  readonly #links = new Map<NodeId, Link>();
  /** Connections that have not greeted yet. */
  readonly #strangers = new Set<FrameSocket>();
  #closed = false;

  constructor(parts: NetworkParts, events: InboundEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  has(peer: NodeId): boolean {
    return this.#links.has(peer);
  }

  /** A connection was made to this node. */
  connected(stream: Socket): void {
    if (this.#strangers.size >= this.#parts.tuning.strangersMax) return void stream.destroy();
    let link: Link | null = null;
    const socket = new FrameSocket(stream, this.#parts.checksum, {
      control: (frame) => {
        if (link !== null) return this.#interrupted(link, socket, frame);
        clearTimeout(timer);
        link = this.#greeted(socket, frame);
      },
      data: (bytes) => link !== null && this.#parts.listener.frame(link.hello.node, bytes),
      closed: (why) => {
        clearTimeout(timer);
        this.#strangers.delete(socket);
        if (link !== null) this.#lost(link, socket, why);
      },
    });
    this.#strangers.add(socket);
    const timer = setTimeout(() => socket.close("no greeting"), this.#parts.tuning.greetingMs);
  }

  /** Drops connections that have been silent. */
  tick(fairMs: number): void {
    for (const link of this.#links.values())
      for (const [socket, heardMs] of link.heardMs) {
        if (socket.look()) link.heardMs.set(socket, fairMs);
        else if (fairMs - heardMs > this.#parts.tuning.silenceMs) socket.close("silent");
      }
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#strangers) socket.close("");
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const link of links) for (const socket of link.sockets.values()) socket.close("");
  }

  #greeted(socket: FrameSocket, frame: Frame): Link | null {
    this.#strangers.delete(socket);
    const greeting = frame.kind === "hello" ? decodeGreeting(frame.body) : null;
    const problem =
      greeting === null ? "this greeting cannot be read here" : this.#problem(greeting);
    if (greeting === null || problem !== null) {
      this.#parts.counters.linksRefused += 1;
      socket.finish(encodeRefusal(problem ?? "", this.#parts.checksum));
      return null;
    }
    if (this.#closed) {
      socket.close("");
      return null;
    }
    const link = this.#enter(greeting, socket);
    const { hello, checksum } = this.#parts;
    socket.accept();
    socket.send(encodeGreeting({ lane: greeting.lane, to: greeting.hello.node, hello }, checksum));
    if (greeting.lane === "urgent") this.#events.up(greeting.hello.node);
    return link;
  }

  /** The dialer may refuse our answer to its greeting; nothing else of the kind comes twice. */
  #interrupted(link: Link, socket: FrameSocket, frame: Frame): void {
    const reason = frame.kind === "refusal" ? decodeRefusal(frame.body) : null;
    if (reason !== null) {
      this.#parts.counters.linksRefused += 1;
      this.#parts.listener.refused(link.hello.node, reason);
    }
    socket.close(reason === null ? "greeted twice" : "");
  }

  /** Why this greeting is refused; null: it is accepted, by the host as well. */
  #problem(greeting: Greeting): string | null {
    const { self, peers, hello, listener } = this.#parts;
    const theirs = greeting.hello;
    const problem = helloProblem(hello, theirs, null);
    if (problem !== null) return problem;
    if (greeting.to !== self) return `node ${greeting.to} was called, and node ${self} answered`;
    if (!peers.has(theirs.node) && !this.#hasRoomFor(theirs.node))
      return `node ${theirs.node} is not a member of this cluster, and too many such are here`;
    if (greeting.lane === "urgent") return listener.linkUp(theirs);
    const link = this.#links.get(theirs.node);
    const accepted = link !== undefined && isSameStart(link.hello, theirs);
    return accepted ? null : "a bulk connection needs an urgent one of the same start first";
  }

  /** Of nodes that are no peers some may come in: the host hears from them that they want to be. */
  #hasRoomFor(node: NodeId): boolean {
    const others = [...this.#links.keys()].filter((id) => !this.#parts.peers.has(id));
    return others.includes(node) || others.length < OTHERS_MAX;
  }

  /**
   * The newest connection of a node and lane wins; a new urgent one ends all that were before it.
   */
  #enter({ hello, lane }: Greeting, socket: FrameSocket): Link {
    const before = this.#links.get(hello.node);
    const fresh = lane === "urgent" || before === undefined;
    const link: Link = fresh ? { hello, sockets: new Map(), heardMs: new Map() } : before;
    this.#links.set(hello.node, link);
    const replaced = fresh ? [...(before?.sockets.values() ?? [])] : [link.sockets.get(lane)];
    link.sockets.set(lane, socket);
    link.heardMs.set(socket, this.#parts.fairMs());
    for (const old of replaced) old?.close("");
    return link;
  }

  #lost(link: Link, socket: FrameSocket, why: string): void {
    link.heardMs.delete(socket);
    if (this.#links.get(link.hello.node) !== link) return;
    if (why !== "") this.#parts.counters.linksLost += 1;
    if (link.sockets.get("bulk") === socket) link.sockets.delete("bulk");
    if (link.sockets.get("urgent") !== socket) return;
    this.#links.delete(link.hello.node);
    link.sockets.get("bulk")?.close("");
    this.#events.down(link.hello.node);
  }
}
