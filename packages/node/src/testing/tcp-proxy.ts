import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Stands between a dialer and a listener, and misbehaves on demand. */
export interface TcpProxy {
  readonly port: number;
  /** Neither reads nor writes nor closes any more, like a machine that lost its power. */
  freeze(): void;
  /** Closes what is there and serves new connections again. */
  thaw(): void;
  /** Only in this direction nothing passes. */
  muteAnswers(muted: boolean): void;
  /** What may pass, per chunk; by default the chunk. */
  transform: (chunk: Buffer) => Uint8Array[];
  readonly connections: number;
}

export async function tcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let frozen = false;
  let muted = false;
  let connections = 0;
  const server = createServer({ allowHalfOpen: false }, (near) => {
    connections += 1;
    const far = connect(targetPort, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    near.on("data", (chunk: Buffer) => {
      if (!frozen) for (const part of proxy.transform(chunk)) far.write(part);
    });
    far.on("data", (chunk: Buffer) => {
      if (!frozen && !muted) near.write(chunk);
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on("error", () => {});
      socket.on("close", () => {
        pairs.delete(pair);
        if (!frozen) other.destroy();
      });
    }
    if (frozen) for (const socket of pair) socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const drop = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  onTestFinished(() => {
    drop();
    server.close();
  });
  const bound = server.address();
  const proxy: TcpProxy = {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    freeze() {
      frozen = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    thaw() {
      frozen = false;
      drop();
    },
    muteAnswers(now) {
      muted = now;
    },
    transform: (chunk) => [chunk],
    get connections() {
      return connections;
    },
  };
  return proxy;
}
