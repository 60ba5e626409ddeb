import { createServer } from "node:net";

/**
 * Below the range from which systems give ports to outgoing connections (from 32768 on Linux, 49152
 * elsewhere). A port from that range may be taken at any moment; and a node that keeps trying to
 * reach a peer that does not listen yet can be given the peer's own port, and so reach itself.
 */
const PORTS = { from: 11_000, to: 32_000 } as const;

/** Ports of this machine that nobody listens on, for as long as nobody else takes them. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
