import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { type RoundFigures, runRound } from "./soak-round.ts";

/** What a server makes of a write, and of a read. */
interface Manners {
  keep(key: string, store: Map<string, string>, value: string): void;
  find(key: string, store: ReadonlyMap<string, string>): string | undefined;
}

const HONEST: Manners = {
  keep: (key, store, value) => void store.set(key, value),
  find: (key, store) => store.get(key),
};

/** A round of clients at a server in this process that minds its manners. */
async function round(manners: Partial<Manners>): Promise<RoundFigures & { file: string }> {
  const { keep, find } = { ...HONEST, ...manners };
  const store = new Map<string, string>();
  const server = createServer((request, response) => {
    const key = (request.url ?? "").slice(1);
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      if (request.method === "GET") {
        const value = find(key, store);
        response.writeHead(value === undefined ? 404 : 200).end(value);
        return;
      }
      const existed = request.method === "PUT" || store.has(key);
      if (request.method === "PUT") keep(key, store, body);
      else store.delete(key);
      response.writeHead(existed ? 204 : 404).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  const url = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`;
  const folder = mkdtempSync(join(tmpdir(), "synod-round-"));
  const file = join(folder, "history.jsonl");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const meanwhile = async (clients: { progress(): number }): Promise<void> => {
    while (clients.progress() < 300) await sleep(5);
  };
  const figures = await runRound({ urls: [url, url], name: "t-", file, meanwhile });
  expect([...store.keys()]).toEqual([]);
  return { ...figures, file };
}

test("an honest server leaves nothing to say, and a history that anybody can check", async () => {
  const { operations, unanswered, violations, file } = await round({});
  expect(violations).toEqual([]);
  expect(unanswered).toBe(0);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(operations + 1);
  expect(lines[1]).toContain('"key":"t-');
});

test("a write that is acknowledged and lost is a violation", async () => {
  let appended = 0;
  const keep: Manners["keep"] = (key, store, value) => {
    if (key.includes("once-")) appended += 1;
    if (!key.includes("once-") || appended % 5 > 0) store.set(key, value);
  };
  const { violations } = await round({ keep });
  expect(violations[0]).toMatch(/^last-0 does not find t-once-\d+, which was acknowledged$/);
  expect(violations.at(-1)).toMatch(/^not-linearizable: npm run synod -- check .*history\.jsonl$/);
});

test("a read of what is no more is a violation", async () => {
  let first: string | undefined;
  const find: Manners["find"] = (key, store) => {
    if (key !== "t-left") return store.get(key);
    first ??= store.get(key);
    return first;
  };
  const { violations } = await round({ find });
  expect(violations).toEqual([expect.stringMatching(/^not-linearizable: /)]);
});
