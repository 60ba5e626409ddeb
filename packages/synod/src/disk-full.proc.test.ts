import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask } from "./http.ts";
import {
  freeBasePort,
  type Running,
  runSynod,
  startSynod,
  temporaryFolder,
} from "./testing/demo-process.ts";

/** A file may grow this far and no further: to a process the same as a disk without room. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
const PATIENCE_MS = 20_000;

let folder: ReturnType<typeof temporaryFolder>;
let url: string;
let where: readonly string[];
let node: Running | null = null;

beforeEach(async () => {
  folder = temporaryFolder();
  const basePort = await freeBasePort();
  const http = `127.0.0.1:${basePort}`;
  const members = [{ id: 0, http, peer: `127.0.0.1:${basePort + 1000}` }];
  const file = join(folder.path, "cluster.json");
  writeFileSync(file, JSON.stringify({ cluster: "0123456789abcdef".repeat(2), members }));
  url = `http://${http}`;
  where = ["--id", "0", "--cluster", file, "--dir", join(folder.path, "data")];
});

afterEach(async () => {
  await stop();
  folder.remove();
});

async function start(fileBytesMax?: number): Promise<void> {
  node = startSynod(["start", ...where], fileBytesMax === undefined ? {} : { fileBytesMax });
  const ready = async () =>
    (await request("GET", "/_synod/ready").catch(() => null))?.status ?? null;
  await expect.poll(ready, { timeout: PATIENCE_MS }).toBe(200);
}

async function stop(): Promise<void> {
  node?.child.kill("SIGTERM");
  await node?.finished;
  node = null;
}

function request(method: string, path: string, body?: Uint8Array) {
  const headers = { "synod-deadline-ms": "3000" };
  const question = { method, url, path, headers, timeoutMs: PATIENCE_MS };
  return ask(body === undefined ? question : { ...question, body });
}

test.skipIf(process.platform === "win32")(
  "a full disk: writes are refused with 507, reads go on, and room is all that it takes",
  async () => {
    expect((await runSynod(["format", ...where])).stderr).toBe("");
    await start();
    expect((await request("PUT", "/kept", Buffer.from("still here"))).status).toBe(204);
    await stop();

    await start(FILE_BYTES_MAX);
    const large = Buffer.alloc(1024 * 1024);
    const answers: number[] = [];
    while (answers.at(-1) !== 507 && answers.length < 20)
      answers.push((await request("PUT", "/large", large)).status);
    // What is under way when the room ends cannot be taken back: its outcome stays unknown.
    expect(answers.join(" ")).toMatch(/^(204 )+(503 )?507$/);
    const small = await request("PUT", "/small", Buffer.from("x"));
    expect([small.status, JSON.parse(small.body.toString()).applied]).toEqual([507, "no"]);
    expect((await request("GET", "/kept")).body.toString()).toBe("still here");
    expect((await request("GET", "/small")).status).toBe(404);
    expect((await request("GET", "/_synod/health")).status).toBe(200);
    const status = await runSynod(["status", "--url", url]);
    expect(status.stdout).toContain("node 0: its disk is full; it only reads");
    await stop();

    await start();
    expect((await request("GET", "/kept")).body.toString()).toBe("still here");
    expect((await request("PUT", "/small", Buffer.from("x"))).status).toBe(204);
  },
);
