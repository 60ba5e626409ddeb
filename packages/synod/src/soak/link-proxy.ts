import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What is wrong with a link; all of it may come and go while connections stand. */
export type LinkTrouble =
  /** Every piece waits. */
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "throttle"; readonly bytesPerSecond: number }
  /** Of every so many pieces one has one bit that is not what was sent. */
  | { readonly kind: "flip"; readonly every: number }
  /** What the dialer sends stays on the way, and nobody is told; answers pass. */
  | { readonly kind: "hole" };

/** The way from one node to another: a TCP proxy that the first one dials. */
export interface LinkProxy {
  readonly from: number;
  readonly to: number;
  readonly port: number;
  trouble: LinkTrouble | null;
  /** Bits that were not what had been sent. */
  readonly flips: number;
  /** Connections so far. */
  readonly connections: number;
  /** Breaks all connections; new ones are served. */
  drop(): void;
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly from: number;
  readonly to: number;
  /** Where the second one listens. */
  readonly target: { readonly host: string; readonly port: number };
  /** A number below the bound: decides which bits are flipped. */
  readonly below: (bound: number) => number;
}

/** How often a link with a hole looks whether it has been filled, ms. */
const LOOK_MS = 20;
/** A throttled link passes so many pieces a second. */
const PIECES_PER_SECOND = 8;

/** Listens on a free port of this machine. */
export async function openLink(options: LinkOptions): Promise<LinkProxy> {
  const link = new Link(options);
  await link.listen();
  return link;
}

class Link implements LinkProxy {
  readonly from: number;
  readonly to: number;
  trouble: LinkTrouble | null = null;
  flips = 0;
  connections = 0;
  readonly #options: LinkOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: LinkOptions) {
    this.from = options.from;
    this.to = options.to;
    this.#options = options;
    this.#server = createServer((near) => this.#serve(near));
  }

  get port(): number {
    const bound = this.#server.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
  }

  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): Promise<void> {
    this.drop();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #serve(near: Socket): void {
    this.connections += 1;
    const { host, port } = this.#options.target;
    const far = connect(port, host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    void this.#carry(near, far, true);
    void this.#carry(far, near, false);
  }

  /**
   * Passes on what comes, in order, one piece at a time, so that a slow link holds up its sender.
   */
  async #carry(from: Socket, to: Socket, isForth: boolean): Promise<void> {
    try {
      for await (const chunk of from) {
        let rest = chunk as Buffer;
        while (rest.length > 0) {
          await this.#wait(rest, isForth);
          const bytes = this.#pieceBytes(rest.length);
          await written(to, this.#spoilt(rest.subarray(0, bytes)));
          rest = rest.subarray(bytes);
        }
      }
      to.end();
    } catch {
      // One of the two ends is gone; closing it closes the other.
      to.destroy();
    }
  }

  async #wait(rest: Buffer, isForth: boolean): Promise<void> {
    while (isForth && this.trouble?.kind === "hole") await sleep(LOOK_MS);
    const { trouble } = this;
    if (trouble?.kind === "delay") await sleep(trouble.ms);
    if (trouble?.kind === "throttle") {
      const bytes = this.#pieceBytes(rest.length);
      await sleep((1000 * bytes) / trouble.bytesPerSecond);
    }
  }

  #pieceBytes(bytes: number): number {
    const { trouble } = this;
    if (trouble?.kind !== "throttle") return bytes;
    return Math.min(bytes, Math.ceil(trouble.bytesPerSecond / PIECES_PER_SECOND));
  }

  #spoilt(piece: Buffer): Buffer {
    const { trouble } = this;
    const { below } = this.#options;
    if (trouble?.kind !== "flip" || below(trouble.every) > 0) return piece;
    const at = below(piece.length);
    const spoilt = Buffer.from(piece);
    spoilt[at] = (spoilt[at] ?? 0) ^ (1 << below(8));
    this.flips += 1;
    return spoilt;
  }
}

/** Until there is room for more. */
function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
