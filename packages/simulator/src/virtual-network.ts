import type { Hello, Lane, Network, NetworkListener, NodeId } from "@synod/core";
import { draw, drawFraction, longTail } from "./addressed.ts";
import {
  type NetworkFaults,
  PERFECT_NETWORK,
  QUEUE_MS_MAX,
  REPLAY_MS_MAX,
} from "./network-faults.ts";
import type { Scheduler } from "./scheduler.ts";

/** Watches what passes; never changes it. */
export interface NetworkWatch {
  /** A host handed a frame to its network port. */
  sent(from: NodeId, to: readonly NodeId[], frame: Uint8Array): void;
  /** A frame, perhaps damaged, is about to reach its host. */
  arrives(from: NodeId, to: NodeId, frame: Uint8Array): void;
  /** Something happened that lives should see sometimes. */
  hit(probe: string): void;
}

interface Endpoint {
  hello: Hello;
  readonly listener: NetworkListener;
  /** Connection number per peer whose link is up on this side. */
  readonly up: Map<NodeId, number>;
}

/** Between two nodes there is at most one connection; 0: none. */
interface Pair {
  connection: number;
  dialing: boolean;
  attempts: number;
}

interface Link {
  /** Its share in the loss of the network; 1 on the average. */
  readonly lossiness: number;
  cuts: number;
  /** Cuts that leave a connection standing. */
  mutes: number;
  frames: number;
  /** Number of the latest frame that has arrived. */
  newest: number;
  /** Frames that would arrive before wait until then, as far as there is room. */
  cloggedUntil: number;
  clogged: number;
  /** Latest arrival so far, by lane: each is a stream of its own. */
  readonly lastArrival: Record<Lane, number>;
  readonly freeAt: Record<Lane, number>;
}

/** Pause between two attempts to connect, ms. */
const DIAL_MS = { min: 20, spread: 300 } as const;
/** Pause after a refusal: the other side will hardly have changed its mind at once, ms. */
const REDIAL_REFUSED_MS = 1_000;
/** Frames that a clogged link keeps; what comes on top is dropped. */
const CLOGGED_MAX = 64;
/** How long a side takes to notice that the other is gone without a word, ms. */
const SILENT_MS = { min: 300, spread: 4_000 } as const;

/**
 * All links of a simulated cluster. Connections are made, exchanged hellos over, refused and lost
 * as real ones are; frames on them are lost, doubled, replayed, reordered, damaged and held up as
 * drawn.
 */
export class Switchboard {
  readonly #scheduler: Scheduler;
  readonly #seed: number;
  readonly #watch: NetworkWatch;
  readonly #endpoints = new Map<NodeId, Endpoint>();
  readonly #pairs = new Map<number, Pair>();
  readonly #links = new Map<number, Link>();
  #faults: NetworkFaults;
  #connections = 0;
  /** What is lent to hosts, frame after frame. */
  #lent: Uint8Array = new Uint8Array(64 * 1024);

  constructor(scheduler: Scheduler, seed: number, faults: NetworkFaults, watch: NetworkWatch) {
    this.#scheduler = scheduler;
    this.#seed = seed;
    this.#faults = faults;
    this.#watch = watch;
  }

  /** The network port of `node` for one incarnation. */
  port(node: NodeId): Network {
    return {
      open: (hello, listener, done) => {
        this.#endpoints.set(node, { hello, listener, up: new Map() });
        this.#scheduler.after(0.1, node, "link", () => done(null));
        for (const peer of this.#endpoints.keys()) if (peer !== node) this.#dial(node, peer);
      },
      announce: (hello) => {
        const endpoint = this.#endpoints.get(node);
        if (endpoint !== undefined) endpoint.hello = hello;
      },
      // Every node finds every other one here, whatever its address.
      reach: () => undefined,
      send: (to, lane, frame) => this.#send(node, to, lane, frame),
      close: (done) => {
        this.vanish(node, true);
        this.#scheduler.after(0.1, node, "link", done);
      },
    };
  }

  /** `node` is gone. With `fin` its kernel says goodbye; without, the peers find out by silence. */
  vanish(node: NodeId, fin: boolean): void {
    const endpoint = this.#endpoints.get(node);
    if (endpoint === undefined) return;
    this.#endpoints.delete(node);
    for (const [peer, other] of this.#endpoints) {
      const pair = this.#pair(node, peer);
      if (pair.connection === 0) continue;
      const connection = pair.connection;
      pair.connection = 0;
      const notice = fin
        ? this.#faults.delayMinMs
        : SILENT_MS.min +
          SILENT_MS.spread * drawFraction(this.#seed, "down", node, peer, connection);
      this.#loseSide(other, peer, node, connection, notice);
    }
  }

  /** Nothing passes from `from` to `to` until every cut is healed. */
  cut(from: NodeId, to: NodeId): void {
    this.#link(from, to).cuts += 1;
    const pair = this.#pair(from, to);
    const connection = pair.connection;
    if (connection === 0) return;
    const notice =
      SILENT_MS.min + SILENT_MS.spread * drawFraction(this.#seed, "down", from, to, connection);
    this.#scheduler.after(notice, -1, "link", () => {
      const cut = this.#link(from, to).cuts > 0 || this.#link(to, from).cuts > 0;
      if (cut && pair.connection === connection) this.flap(from, to);
    });
  }

  heal(from: NodeId, to: NodeId): void {
    const link = this.#link(from, to);
    link.cuts = Math.max(0, link.cuts - 1);
  }

  /** Nothing passes, but a connection stays up and nobody notices; no new one can be made. */
  mute(from: NodeId, to: NodeId): void {
    this.#link(from, to).mutes += 1;
  }

  unmute(from: NodeId, to: NodeId): void {
    const link = this.#link(from, to);
    link.mutes = Math.max(0, link.mutes - 1);
  }

  /** Frames from `from` to `to` are held up for `ms`. */
  clog(from: NodeId, to: NodeId, ms: number): void {
    const link = this.#link(from, to);
    link.cloggedUntil = Math.max(link.cloggedUntil, this.#scheduler.now + ms);
  }

  /** Ends the connection of two nodes at once; they will dial again. */
  flap(a: NodeId, b: NodeId): void {
    const pair = this.#pair(a, b);
    const connection = pair.connection;
    if (connection === 0) return;
    pair.connection = 0;
    for (const [self, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      const endpoint = this.#endpoints.get(self);
      if (endpoint !== undefined) this.#loseSide(endpoint, self, peer, connection, 0.01);
    }
    this.#dial(a, b);
  }

  /** From now on the network is perfect, and all cuts are healed. */
  calm(): void {
    this.#faults = { ...PERFECT_NETWORK, delayMinMs: this.#faults.delayMinMs };
    for (const link of this.#links.values()) {
      link.cuts = 0;
      link.mutes = 0;
      link.cloggedUntil = 0;
    }
  }

  #loseSide(endpoint: Endpoint, self: NodeId, peer: NodeId, connection: number, ms: number): void {
    this.#scheduler.after(ms, self, "link", () => {
      if (endpoint.up.get(peer) !== connection) return;
      endpoint.up.delete(peer);
      if (this.#endpoints.get(self) === endpoint) endpoint.listener.linkDown(peer);
    });
  }

  #dial(a: NodeId, b: NodeId, waitMs = 0): void {
    const pair = this.#pair(a, b);
    if (pair.dialing || pair.connection !== 0) return;
    pair.dialing = true;
    pair.attempts += 1;
    const spread = drawFraction(this.#seed, "dial", Math.min(a, b), Math.max(a, b), pair.attempts);
    const ms = waitMs + DIAL_MS.min + DIAL_MS.spread * spread;
    this.#scheduler.after(ms, -1, "link", () => {
      pair.dialing = false;
      const both = this.#endpoints.has(a) && this.#endpoints.has(b);
      if (!both || pair.connection !== 0) return;
      if (this.#isCut(a, b) || this.#isCut(b, a)) return this.#dial(a, b);
      this.#connections += 1;
      pair.connection = this.#connections;
      this.#greet(a, b, pair.connection);
      this.#greet(b, a, pair.connection);
    });
  }

  /** The hello of `from` travels to `to`. */
  #greet(from: NodeId, to: NodeId, connection: number): void {
    const pair = this.#pair(from, to);
    const hello = this.#endpoints.get(from)?.hello;
    const delay =
      this.#faults.delayMinMs + this.#faults.delayMeanMs * this.#tail(from, to, connection);
    this.#scheduler.after(delay, to, "link", () => {
      const endpoint = this.#endpoints.get(to);
      if (endpoint === undefined || hello === undefined || pair.connection !== connection) return;
      if (endpoint.up.has(from)) {
        endpoint.up.delete(from);
        endpoint.listener.linkDown(from);
      }
      const reason = endpoint.listener.linkUp(hello);
      if (pair.connection !== connection || this.#endpoints.get(to) !== endpoint) return;
      if (reason === null) endpoint.up.set(from, connection);
      else this.#refuse(from, to, connection, reason);
    });
  }

  #refuse(from: NodeId, to: NodeId, connection: number, reason: string): void {
    this.#watch.hit("link: refused");
    this.#pair(from, to).connection = 0;
    const endpoint = this.#endpoints.get(from);
    this.#scheduler.after(this.#faults.delayMinMs, from, "link", () => {
      if (endpoint === undefined || this.#endpoints.get(from) !== endpoint) return;
      if (endpoint.up.get(to) === connection) {
        endpoint.up.delete(to);
        endpoint.listener.linkDown(to);
      }
      endpoint.listener.refused(to, reason);
    });
    this.#dial(from, to, REDIAL_REFUSED_MS);
  }

  #send(from: NodeId, to: readonly NodeId[], lane: Lane, frame: Uint8Array): void {
    this.#watch.sent(from, to, frame);
    const endpoint = this.#endpoints.get(from);
    if (endpoint === undefined) return;
    for (const peer of to) {
      const connection = endpoint.up.get(peer);
      if (connection === undefined) continue;
      const link = this.#link(from, peer);
      link.frames += 1;
      const wait = this.#queue(link, lane, frame.length);
      if (wait === null) {
        this.#watch.hit("frame: dropped, link full");
        continue;
      }
      this.#carry(from, peer, link, lane, wait, frame);
    }
  }

  /** When the link has sent it, ms from now; null: dropped, the queue is full. */
  #queue(link: Link, lane: Lane, bytes: number): number | null {
    const now = this.#scheduler.now;
    const begins = Math.max(now, link.freeAt[lane]);
    if (begins - now > QUEUE_MS_MAX) return null;
    link.freeAt[lane] = begins + bytes / this.#faults.bytesPerMs;
    return link.freeAt[lane] - now;
  }

  #carry(from: NodeId, to: NodeId, link: Link, lane: Lane, wait: number, frame: Uint8Array): void {
    const { loss, duplication, replay, corruption, delayMinMs, delayMeanMs, ordered } =
      this.#faults;
    const n = link.frames;
    const seed = this.#seed;
    if (loss > 0 && drawFraction(seed, "loss", from, to, n) < loss * link.lossiness)
      return this.#watch.hit("frame: lost");
    let delay = wait + delayMinMs + delayMeanMs * this.#tail(from, to, n);
    if (ordered) {
      const arrival = Math.max(link.lastArrival[lane], this.#scheduler.now + delay);
      link.lastArrival[lane] = arrival;
      delay = arrival - this.#scheduler.now;
    }
    const flip = corruption > 0 && drawFraction(seed, "flip", from, to, n) < corruption;
    if (flip) this.#watch.hit("frame: damaged");
    this.#arrive(from, to, delay, n, flip ? this.#flipped(frame, from, to, n) : frame);
    if (duplication > 0 && drawFraction(seed, "copies", from, to, n) < duplication) {
      this.#watch.hit("frame: doubled");
      this.#arrive(from, to, delay + delayMeanMs * this.#tail(to, from, n), n, frame);
    }
    if (replay === 0) return;
    const fraction = drawFraction(seed, "replay", from, to, n);
    if (fraction >= replay) return;
    this.#replay(from, to, delay + (REPLAY_MS_MAX * fraction) / replay, n, frame);
  }

  #replay(from: NodeId, to: NodeId, delay: number, n: number, frame: Uint8Array): void {
    const meant = this.#endpoints.get(to);
    this.#arrive(from, to, delay, n, frame, () => {
      const same = this.#endpoints.get(to) === meant;
      this.#watch.hit(same ? "frame: replayed late" : "frame: replayed to a later incarnation");
    });
  }

  /**
   * Frames reach whoever is linked with the sender by then: an old frame may meet a new
   * incarnation.
   */
  #arrive(
    from: NodeId,
    to: NodeId,
    delay: number,
    n: number,
    frame: Uint8Array,
    landed: (() => void) | null = null,
  ): void {
    this.#scheduler.after(delay, to, "frame", () => {
      const link = this.#link(from, to);
      if (link.cuts + link.mutes > 0) return;
      if (link.cloggedUntil > this.#scheduler.now)
        return this.#holdUp(link, () => this.#arrive(from, to, 0, n, frame, landed));
      const endpoint = this.#endpoints.get(to);
      if (endpoint === undefined || !endpoint.up.has(from)) return;
      landed?.();
      if (n < link.newest && landed === null) this.#watch.hit("frame: overtaken");
      else link.newest = n;
      this.#watch.arrives(from, to, frame);
      const lent = this.#lend(frame);
      const connection = endpoint.up.get(from);
      const whole = endpoint.listener.frame(from, lent);
      lent.fill(0xa5);
      // A damaged frame ends the connection that it came on.
      if (!whole && this.#pair(from, to).connection === connection) this.flap(from, to);
    });
  }

  /** A copy that is spoilt when the host returns, and used again for the next frame. */
  #lend(frame: Uint8Array): Uint8Array {
    if (frame.length > this.#lent.length) this.#lent = new Uint8Array(2 * frame.length);
    const lent = this.#lent.subarray(0, frame.length);
    lent.set(frame);
    return lent;
  }

  #holdUp(link: Link, goOn: () => void): void {
    if (link.clogged >= CLOGGED_MAX) return this.#watch.hit("frame: dropped, link full");
    link.clogged += 1;
    this.#scheduler.after(link.cloggedUntil - this.#scheduler.now, -1, "link", () => {
      link.clogged -= 1;
      goOn();
    });
  }

  #isCut(from: NodeId, to: NodeId): boolean {
    const { cuts, mutes } = this.#link(from, to);
    return cuts + mutes > 0;
  }

  #flipped(frame: Uint8Array, from: NodeId, to: NodeId, n: number): Uint8Array {
    const bit = draw(this.#seed, "flip", to, from, n) % (frame.length * 8);
    const damaged = frame.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    return damaged;
  }

  #tail(from: NodeId, to: NodeId, n: number): number {
    return longTail(drawFraction(this.#seed, "delay", from, to, n));
  }

  #pair(a: NodeId, b: NodeId): Pair {
    const key = Math.min(a, b) * 0x10000 + Math.max(a, b);
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = { connection: 0, dialing: false, attempts: 0 };
      this.#pairs.set(key, pair);
    }
    return pair;
  }

  #link(from: NodeId, to: NodeId): Link {
    const key = from * 0x10000 + to;
    let link = this.#links.get(key);
    if (link === undefined) {
      const { lossSpread } = this.#faults;
      link = {
        lossiness: 1 + lossSpread * (2 * drawFraction(this.#seed, "loss", from, to) - 1),
        cuts: 0,
        mutes: 0,
        frames: 0,
        newest: 0,
        cloggedUntil: 0,
        clogged: 0,
        lastArrival: { urgent: 0, bulk: 0 },
        freeAt: { urgent: 0, bulk: 0 },
      };
      this.#links.set(key, link);
    }
    return link;
  }
}
