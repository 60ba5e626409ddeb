import { connect } from "node:net";

/** What came back on a connection, byte for byte as Latin-1. */
export interface Spoken {
  readonly text: string;
  /** How the connection ended: by the other side, by a reset, or not before the time was over. */
  readonly end: "closed" | "reset" | "open";
  readonly afterMs: number;
}

/**
 * Says `parts` on a connection of its own, a pause before each but the first, and listens until its
 * end.
 */
export function speak(
  port: number,
  parts: readonly (string | Uint8Array)[],
  {
    pauseMs = 20,
    untilMs = 3_000,
    until,
  }: { pauseMs?: number; untilMs?: number; until?: RegExp } = {},
): Promise<Spoken> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect(port, "127.0.0.1");
    let text = "";
    let end: Spoken["end"] = "open";
    let index = 0;
    const say = (): void => {
      const part = parts[index];
      index += 1;
      if (part === undefined || !socket.writable) return;
      socket.write(typeof part === "string" ? Buffer.from(part, "latin1") : part);
      timer = setTimeout(say, pauseMs);
    };
    let timer = setTimeout(say, 0);
    const limit = setTimeout(() => socket.destroy(), untilMs);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (until?.test(text)) socket.destroy();
    });
    socket.on("end", () => {
      end = "closed";
    });
    socket.on("error", () => {
      end = "reset";
    });
    socket.on("close", () => {
      clearTimeout(timer);
      clearTimeout(limit);
      resolve({ text, end, afterMs: performance.now() - startedMs });
    });
  });
}

export function statusLines(text: string): string[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1] as string);
}
