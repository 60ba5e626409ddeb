import { setTimeout as sleep } from "node:timers/promises";
import type { CellHistory } from "@synod/simulator";
import { type Answer, ask, NoAnswer } from "../http.ts";

const READERS = 16;
const ANSWER_MS = 10_000;
/** A node that cannot be read by then has failed. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 100;

/**
 * Reads each key at one node after the other, as one more client of the history, and asks again
 * until it is answered. Rejects when a node cannot be read at all.
 */
export async function readEverywhere(
  urls: readonly string[],
  keys: readonly string[],
): Promise<CellHistory[number][]> {
  const seen: CellHistory[number][] = [];
  await atOnce(
    keys.flatMap((key) => urls.map((url, node) => ({ key, url, process: `last-${node}` }))),
    async ({ key, url, process }) => {
      const { answer, call } = await persist("GET", url, key);
      const value = answer.status === 404 ? null : answer.body.toString();
      const output = { kind: "value", value } as const;
      const returned = performance.now();
      seen.push({ process, key, input: { kind: "read" }, output, call, returned });
    },
  );
  return seen;
}

/** Deletes keys that nobody needs any more. */
export async function deleteAll(urls: readonly string[], keys: readonly string[]): Promise<void> {
  const [url = ""] = urls;
  await atOnce(keys, async (key) => {
    await persist("DELETE", url, key);
  });
}

/** `call` is the time of the attempt that was answered. */
async function persist(
  method: "GET" | "DELETE",
  url: string,
  key: string,
): Promise<{ readonly answer: Answer; readonly call: number }> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const call = performance.now();
    const answer = await attempt(method, url, key);
    if (answer !== null) return { answer, call };
    if (call > until) throw new Error(`${url}: no answer to ${method} ${key}`);
    await sleep(AGAIN_MS);
  }
}

async function attempt(method: string, url: string, key: string): Promise<Answer | null> {
  try {
    const answer = await ask({ method, url, path: `/${key}`, timeoutMs: ANSWER_MS });
    return answer.status < 300 || answer.status === 404 ? answer : null;
  } catch (error) {
    if (error instanceof NoAnswer) return null;
    throw error;
  }
}

async function atOnce<Each>(
  all: readonly Each[],
  treat: (each: Each) => Promise<void>,
): Promise<void> {
  const rest = all.values();
  const worker = async (): Promise<void> => {
    for (const each of rest) await treat(each);
  };
  await Promise.all(Array.from({ length: READERS }, worker));
}
