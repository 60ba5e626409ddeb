import { connect } from "node:net";
import type { Hello, Lane, NodeId } from "@synod/core";
import { decodeRefusal, encodeRefusal, type Frame, helloProblem } from "@synod/runtime";
import type { Backoff } from "./backoff.ts";
import { FrameSocket } from "./frame-socket.ts";
import { decodeGreeting, encodeGreeting } from "./greeting.ts";
import type { NetworkParts } from "./network-parts.ts";

export interface OutboundEvents {
  /** The greeting was answered; a reason refuses it in turn. */
  up(hello: Hello): string | null;
  /** An accepted connection is gone. */
  down(): void;
  /** The other side refused us, or is not who it should be. */
  refused(reason: string): void;
}

/** Nothing; a pause before the next attempt; an attempt under way; an accepted connection. */
type State =
  | { readonly kind: "idle" }
  | { readonly kind: "pausing"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "dialing"; readonly socket: FrameSocket; readonly timer: NodeJS.Timeout }
  | { readonly kind: "up"; readonly socket: FrameSocket; readonly sinceMs: number };

/**
 * The connection that this node dials to one peer for one lane: dialed again for ever while it is
 * wanted.
 */
export class OutboundLane {
  readonly #parts: NetworkParts;
  readonly #peer: NodeId;
  readonly #lane: Lane;
  readonly #bytesMax: number;
  readonly #events: OutboundEvents;
  readonly #backoff: Backoff;
  #state: State = { kind: "idle" };
  /** Frames that wait for a connection which is being made. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #heardMs = 0;

  constructor(
    parts: NetworkParts,
    peer: NodeId,
    lane: Lane,
    backoff: Backoff,
    events: OutboundEvents,
  ) {
    this.#parts = parts;
    this.#peer = peer;
    this.#lane = lane;
    this.#backoff = backoff;
    this.#events = events;
    const { urgentBytesMax, bulkBytesMax } = parts.tuning;
    this.#bytesMax = lane === "urgent" ? urgentBytesMax : bulkBytesMax;
  }

  get isUp(): boolean {
    return this.#state.kind === "up";
  }

  /** Wants a connection: dials unless there is one or an attempt, cutting a pause short. */
  open(): void {
    if (this.#state.kind === "pausing") clearTimeout(this.#state.timer);
    else if (this.#state.kind !== "idle") return;
    this.#dial();
  }

  /** Sends, or drops when there is no connection and `hold` is false, or when too much waits. */
  send(frame: Uint8Array, hold: boolean): void {
    const waiting = this.#state.kind === "up" ? this.#state.socket.backlog : this.#heldBytes;
    const fits = waiting + frame.length <= this.#bytesMax;
    if (this.#state.kind === "up" && fits) return this.#state.socket.send(frame);
    if (this.#state.kind !== "up" && fits && hold) {
      this.#held.push(frame);
      this.#heldBytes += frame.length;
    } else this.#parts.counters.framesDropped += 1;
  }

  /** Pings, and drops a connection that has been silent. */
  tick(fairMs: number): void {
    if (this.#state.kind !== "up") return;
    const { socket } = this.#state;
    if (socket.look()) this.#heardMs = fairMs;
    if (fairMs - this.#heardMs > this.#parts.tuning.silenceMs) socket.close("silent");
    else socket.sendPing();
  }

  /** Wants no connection any more; what was sent still leaves when `inOrder`. */
  close(inOrder: boolean): void {
    const state = this.#state;
    this.#rest();
    if (state.kind === "pausing") clearTimeout(state.timer);
    if (state.kind === "dialing") {
      clearTimeout(state.timer);
      state.socket.close("");
    }
    if (state.kind === "up" && inOrder) state.socket.finish(null);
    else if (state.kind === "up") state.socket.close("");
  }

  #rest(): void {
    this.#state = { kind: "idle" };
    this.#held = [];
    this.#heldBytes = 0;
  }

  #dial(): void {
    const parts = this.#parts;
    const address = parts.peers.get(this.#peer);
    if (address === undefined) return;
    const stream = connect({ host: address.host, port: address.port, noDelay: true });
    const socket = new FrameSocket(stream, parts.checksum, {
      control: (frame) => this.#answered(socket, frame),
      // This side only sends: whoever answers with messages is no peer.
      data: () => false,
      closed: (why) => this.#lost(socket, why),
    });
    const timer = setTimeout(() => socket.close("no answer"), parts.tuning.greetingMs);
    this.#state = { kind: "dialing", socket, timer };
    const { hello, checksum } = parts;
    socket.send(encodeGreeting({ lane: this.#lane, to: this.#peer, hello }, checksum));
  }

  #answered(socket: FrameSocket, frame: Frame): void {
    const state = this.#state;
    if (state.kind !== "dialing" || state.socket !== socket) return socket.close("greeted twice");
    if (frame.kind === "refusal") {
      this.#events.refused(decodeRefusal(frame.body) ?? "refused without a readable reason");
      return socket.close("");
    }
    const greeting = decodeGreeting(frame.body);
    if (greeting === null) return socket.close("a greeting that cannot be read");
    const problem = helloProblem(this.#parts.hello, greeting.hello, this.#peer);
    if (problem !== null) {
      this.#events.refused(problem);
      return socket.close("");
    }
    const reason = this.#events.up(greeting.hello);
    // The host may have closed the network in that call.
    if (this.#state !== state) return;
    if (reason !== null) {
      this.#parts.counters.linksRefused += 1;
      return socket.finish(encodeRefusal(reason, this.#parts.checksum));
    }
    clearTimeout(state.timer);
    socket.accept();
    this.#heardMs = this.#parts.fairMs();
    this.#state = { kind: "up", socket, sinceMs: performance.now() };
    for (const held of this.#held.splice(0)) socket.send(held);
    this.#heldBytes = 0;
  }

  #lost(socket: FrameSocket, why: string): void {
    const state = this.#state;
    if ((state.kind !== "dialing" && state.kind !== "up") || state.socket !== socket) return;
    if (state.kind === "dialing") clearTimeout(state.timer);
    else {
      if (why !== "") this.#parts.counters.linksLost += 1;
      if (performance.now() - state.sinceMs >= this.#parts.tuning.livedMs) this.#backoff.reset();
    }
    const timer = setTimeout(() => this.#dial(), this.#backoff.next());
    this.#held = [];
    this.#heldBytes = 0;
    this.#state = { kind: "pausing", timer };
    if (state.kind === "up") this.#events.down();
  }
}
