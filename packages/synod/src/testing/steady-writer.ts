import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface SteadyWriter {
  /** Keys whose write was acknowledged; the value is the key. */
  readonly acknowledged: readonly string[];
  /** The longest time between two acknowledgements, ms. */
  longestWaitMs(): number;
  /** The longest time for which this process itself was held up, ms: no cluster can make up. */
  longestStallMs(): number;
  stop(): Promise<void>;
}

const PAUSE_MS = 20;
/** A node that has not answered by then is left alone, and the next one is asked. */
const TRY_MS = 500;

/** Writes one key after the other, each at whatever node takes it, and watches the clock. */
export function startSteadyWriter(urls: readonly string[]): SteadyWriter {
  const agent = new Agent({ keepAlive: true });
  const acknowledged: string[] = [];
  let stopped = false;
  let lastMs = performance.now();
  let longestWaitMs = 0;
  let longestStallMs = 0;
  const ticker = watchStalls((ms) => {
    longestStallMs = Math.max(longestStallMs, ms);
  });
  const write = async (): Promise<void> => {
    for (let number = 0; !stopped; number += 1) {
      const key = `steady-${number}`;
      for (let at = number; !stopped; at += 1)
        if (await put(agent, urls[at % urls.length] ?? "", key)) break;
      if (stopped) break;
      acknowledged.push(key);
      const now = performance.now();
      longestWaitMs = Math.max(longestWaitMs, now - lastMs);
      lastMs = now;
      await sleep(PAUSE_MS);
    }
  };
  const done = write();
  return {
    acknowledged,
    longestWaitMs: () => longestWaitMs,
    longestStallMs: () => longestStallMs,
    async stop() {
      stopped = true;
      await done;
      clearInterval(ticker);
      agent.destroy();
    },
  };
}

function watchStalls(told: (ms: number) => void): NodeJS.Timeout {
  const everyMs = 10;
  let before = performance.now();
  return setInterval(() => {
    const now = performance.now();
    told(now - before - everyMs);
    before = now;
  }, everyMs);
}

function put(agent: Agent, url: string, key: string): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { "synod-deadline-ms": String(TRY_MS) };
    const sent = request(`${url}/${key}`, { method: "PUT", agent, headers }, (response) => {
      response.resume();
      response.on("close", () => resolve(response.statusCode === 204));
    });
    sent.setTimeout(2 * TRY_MS, () => sent.destroy());
    sent.on("error", () => resolve(false));
    sent.end(key);
  });
}
