import { createServer } from "node:net";
import { CommandFailure } from "../exit-codes.ts";

export interface WantedPort {
  readonly host: string;
  readonly port: number;
  /** What it is for, in words: `HTTP of node 1`. */
  readonly purpose: string;
}

/**
 * Fails with exit code `port`, naming the first port that cannot be listened on and the way out.
 */
export async function checkPorts(wanted: readonly WantedPort[]): Promise<void> {
  for (const { host, port, purpose } of wanted) {
    const reason = await whyNot(host, port);
    if (reason === null) continue;
    throw new CommandFailure(
      "port",
      `port ${port} (${purpose}) ${reason}: stop what uses it, or choose other ports with ` +
        "--base-port",
    );
  }
}

/** Listens for a moment. Null when that works. */
function whyNot(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve("is taken");
      else if (error.code === "EACCES") resolve("may not be used by this user");
      else resolve(`cannot be used (${error.message})`);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** Below the range from which systems hand out ports by themselves. */
const SEARCHED = { from: 11_000, to: 30_000 } as const;
/** Peers of a demo listen that far above. */
const PEERS_ABOVE = 1_000;

/** A base port for a demo of so many nodes on this machine: all that it will need is free now. */
export async function freeBasePort(nodes: number): Promise<number> {
  for (;;) {
    const base =
      SEARCHED.from + 10 * Math.floor((Math.random() * (SEARCHED.to - SEARCHED.from)) / 10);
    const ids = Array.from({ length: nodes }, (_, id) => id);
    const ports = ids.flatMap((id) => [base + id, base + PEERS_ABOVE + id]);
    const reasons = await Promise.all(ports.map((port) => whyNot("127.0.0.1", port)));
    if (reasons.every((reason) => reason === null)) return base;
  }
}
