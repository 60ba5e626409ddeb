import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type Demo,
  freeBasePort,
  runSynod,
  startDemo,
  startSynod,
  temporaryFolder,
} from "./testing/demo-process.ts";

let folder: ReturnType<typeof temporaryFolder>;
let basePort: number;
let demo: Demo | null = null;

beforeEach(async () => {
  folder = temporaryFolder();
  basePort = await freeBasePort();
  demo = null;
});

afterEach(async () => {
  await demo?.stop();
  folder.remove();
});

async function start(args: readonly string[] = []): Promise<Demo> {
  demo = startDemo({ folder: folder.path, basePort, args });
  await demo.ready();
  return demo;
}

async function curl(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)("curl", ["-s", ...args])).stdout;
}

function slotOf(answer: string): number {
  return Number(/^x-paxos-slot: (\d+)\r$/m.exec(answer)?.[1]);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.each(["multipaxos", "omnipaxos"])("a demo of %s that runs", (protocol) => {
  let place: ReturnType<typeof temporaryFolder>;
  let running: Demo;

  beforeAll(async () => {
    place = temporaryFolder();
    const args = ["--protocol", protocol];
    running = startDemo({ folder: place.path, basePort: await freeBasePort(), args });
    const all = await running.ready();
    expect(all.map((status) => status.protocol)).toEqual([protocol, protocol, protocol]);
  });

  afterAll(async () => {
    await running.stop();
    place.remove();
  });

  test("the session of the README on every node, each with a key of its own", async () => {
    for (const id of [0, 1, 2]) {
      const url = `localhost:${running.basePort + id}/foo-${id}`;
      const before = await curl("-i", url);
      expect(before).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
      expect(before).toMatch(/^content-length: 0\r$/m);
      const written = await curl("-i", url, "-d", "hello paxos");
      expect(written).toMatch(/^HTTP\/1\.1 204 No Content\r\n/);
      expect(slotOf(written)).toBeGreaterThan(0);
      const after = await curl("-i", url);
      expect(after).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(slotOf(after)).toBeGreaterThanOrEqual(slotOf(written));
      expect(after.endsWith("\r\n\r\nhello paxos")).toBe(true);
    }
    for (const id of [0, 1, 2])
      expect(await curl(`localhost:${running.basePort + id}/foo-${(id + 1) % 3}`)).toBe(
        "hello paxos",
      );
  });

  test("keeps another demo out of its folder: exit code 4", async () => {
    const other = await freeBasePort();
    const finished = await startDemo({ folder: running.folder, basePort: other }).finished;
    expect(finished.code).toBe(4);
    expect(finished.stderr).toMatch(
      new RegExp(`^synod: .*locked by process ${running.child.pid}; another demo .*--dir\\n$`),
    );
  });

  test("starts a node that was killed again, and says so", async () => {
    const { pid } = await running.status(1);
    process.kill(pid, "SIGKILL");
    await expect
      .poll(() => running.stdout(), { timeout: 20_000 })
      .toContain("node 1 started again");
    expect(running.stdout()).toContain("node 1 was ended by SIGKILL; starting it again in 100 ms");
    const [, again] = await running.ready();
    expect(again?.pid).not.toBe(pid);
    expect(again?.incarnation).toBe(2);
  });

  test("takes its nodes along when it is killed", async () => {
    const pids = await Promise.all([0, 1, 2].map(async (id) => (await running.status(id)).pid));
    running.child.kill("SIGKILL");
    await expect.poll(() => pids.filter(isRunning), { timeout: 15_000 }).toEqual([]);
  });
});

test("says where each node is, its pid, and what to try; keeps the data; stops all", async () => {
  const first = await start();
  await expect.poll(() => first.stdout(), { timeout: 20_000 }).toContain("Ctrl-C");
  const { pid } = await first.status(1);
  expect(first.stdout()).toMatch(
    new RegExp(`node 1 +http://127\\.0\\.0\\.1:${basePort + 1} .*${basePort + 1001}.* pid ${pid} `),
  );
  expect(first.stdout().match(/^ +curl .*localhost:\d+\//gm)).toHaveLength(3);
  await curl(`localhost:${basePort}/kept`, "-d", "still here");
  const pids = await Promise.all([0, 1, 2].map(async (id) => (await first.status(id)).pid));
  expect(statSync(join(folder.path, "node-0")).mode & 0o777).toBe(0o700);
  const finished = await first.stop();
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(finished.stdout).toMatch(/a new cluster[\s\S]*stopped; the data stays/);
  expect(pids.filter(isRunning)).toEqual([]);
  const second = await start();
  expect(await curl(`localhost:${basePort + 2}/kept`)).toBe("still here");
  expect((await second.status(0)).incarnation).toBe(2);
  expect(second.stdout()).toContain("the cluster of last time");
});

test("a cluster keeps its number of nodes and its protocol; --fresh begins anew", async () => {
  const before = await (await start(["--protocol", "omnipaxos"])).status(0);
  await curl(`localhost:${basePort}/old`, "-d", "x");
  await demo?.stop();
  const refused = startDemo({ folder: folder.path, basePort, args: ["--protocol", "multipaxos"] });
  expect([(await refused.finished).code, (await refused.finished).stderr]).toEqual([
    2,
    expect.stringMatching(/runs omnipaxos: leave --protocol out, .*--fresh/),
  ]);
  const finished = await startDemo({ folder: folder.path, basePort, nodes: 5 }).finished;
  expect([finished.code, finished.stderr]).toEqual([
    2,
    expect.stringMatching(/has 3 nodes: .*--fresh/),
  ]);
  const after = await (await start(["--fresh"])).status(0);
  expect(await curl("-o", "-", "-w", "%{http_code}", `localhost:${basePort}/old`)).toBe("404");
  expect(after.cluster).not.toBe(before.cluster);
  expect([after.incarnation, before.protocol, after.protocol]).toEqual([
    1,
    "omnipaxos",
    "multipaxos",
  ]);
});

test.each(["multipaxos", "omnipaxos"])(
  "%s: a wiped node comes back without a vote, catches up, serves",
  async (protocol) => {
    const running = await start(["--protocol", protocol]);
    await curl(`localhost:${basePort}/before`, "-d", "the wipe");
    await running.stop();
    rmSync(join(folder.path, "node-1"), { recursive: true });
    const again = await start();
    const url = `localhost:${basePort + 1}`;
    expect(await curl(`${url}/before`)).toBe("the wipe");
    expect(await curl("-i", `${url}/after`, "-d", "forwarded")).toMatch(/^HTTP\/1\.1 204 /);
    expect(await curl(`localhost:${basePort + 2}/after`)).toBe("forwarded");
    const status = await again.status(1);
    expect([status.voter, status.ready]).toEqual([false, true]);
    expect(status.nonVoterReason).not.toBe("");
    const shown = await runSynod(["status", "--cluster", join(folder.path, "cluster.json")]);
    expect(shown.stdout).toContain(`node 1 does not vote: ${status.nonVoterReason}`);
    // Two votes are a majority still; one is none, and the wiped node makes no second.
    const victim = [0, 2].find((id) => id !== status.leader) ?? 0;
    const { pid } = await again.status(victim);
    process.kill(pid, "SIGSTOP");
    try {
      const headers = ["-H", "synod-deadline-ms: 1500"];
      const refused = await curl("-i", ...headers, `${url}/alone`, "-d", "x");
      expect(refused).toMatch(/^HTTP\/1\.1 503 /);
      expect(refused).toMatch(/"applied":"(no|unknown)"/);
    } finally {
      process.kill(pid, "SIGCONT");
    }
  },
);

describe("refuses with one line that says what to do", () => {
  test("a taken port: exit code 3", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(basePort + 1001, "127.0.0.1", done));
    const finished = await startDemo({ folder: folder.path, basePort }).finished;
    server.close();
    expect(finished.code).toBe(3);
    expect(finished.stderr).toBe(
      `synod: port ${basePort + 1001} (peers of node 1) is taken: ` +
        "stop what uses it, or choose other ports with --base-port\n",
    );
  });

  test("a folder with other files: exit code 5, and they are still there", async () => {
    writeFileSync(join(folder.path, "thesis.txt"), "mine");
    const refused = startDemo({ folder: folder.path, basePort, args: ["--fresh"] });
    const finished = await refused.finished;
    expect(finished.code).toBe(5);
    expect(finished.stderr).toMatch(/holds other files \(thesis\.txt\): .*--dir\n$/);
    expect(readdirSync(folder.path)).toContain("thesis.txt");
  });
});

describe("single nodes", () => {
  const cluster = "0123456789abcdef0123456789abcdef";

  function clusterFile(content: unknown, name = "cluster.json"): string {
    const path = join(folder.path, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  function oneNode(id = 0): unknown {
    const at = `127.0.0.1:${basePort}`;
    return { cluster, members: [{ id, http: at, peer: `127.0.0.1:${basePort + 1000}` }] };
  }

  test("format once, start, put, get, delete, status, stop", async () => {
    const file = clusterFile(oneNode());
    const dir = join(folder.path, "data");
    const where = ["--id", "0", "--cluster", file, "--dir", dir];
    const formatted = await runSynod(["format", ...where]);
    expect([formatted.code, formatted.stderr]).toEqual([0, ""]);
    expect(formatted.stdout).toMatch(/^formatted .* for node 0, data id [0-9a-f]{32}\n$/);
    const again = await runSynod(["format", ...where]);
    expect(again.code).toBe(5);
    expect(again.stderr).toMatch(/^synod: .*already holds the data of node 0/);

    const node = startSynod(["start", ...where]);
    await expect.poll(() => node.stdout(), { timeout: 20_000 }).toMatch(/serves http.*votes\n$/);
    const to = ["--cluster", file];
    const put = await runSynod(["put", "a key/with ü", "-", ...to], { input: "line\n\0binary" });
    expect([put.code, put.stdout, put.stderr]).toEqual([0, "", ""]);
    const get = await runSynod(["get", "a key/with ü", ...to]);
    expect([get.code, get.stdout, get.stderr]).toEqual([0, "line\n\0binary", ""]);
    const session = ["--client", "me", "--sequence", "1"];
    for (const _ of [1, 2])
      expect((await runSynod(["put", "s", "v", ...session, ...to])).code).toBe(0);
    const reused = await runSynod(["put", "s", "other", ...session, ...to]);
    expect([reused.code, reused.stderr]).toEqual([1, expect.stringMatching(/^synod: refused: /)]);
    expect((await runSynod(["delete", "s", ...to])).code).toBe(0);
    const gone = await runSynod(["delete", "s", ...to]);
    expect([gone.code, gone.stderr]).toEqual([1, 'synod: there is no key "s"\n']);
    expect((await runSynod(["get", "s", ...to])).code).toBe(1);
    const status = await runSynod(["status", "--json", ...to]);
    expect(JSON.parse(status.stdout)[0].status).toMatchObject({
      id: 0,
      role: "leader",
      voter: true,
    });

    const second = await runSynod(["start", ...where]);
    expect(second.code).toBe(4);
    expect(second.stderr).toMatch(new RegExp(`locked by process ${node.child.pid}; stop`));
    node.child.kill("SIGTERM");
    expect((await node.finished).code).toBe(0);
    const nobody = await runSynod(["get", "s", ...to]);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toMatch(/^synod: no node answered \(.*nothing listens there\); .*\n$/);
    expect((await runSynod(["status", ...to])).code).toBe(1);
  });

  test("the directory of another node or cluster: exit code 5", async () => {
    const dir = join(folder.path, "data");
    const mine = clusterFile(oneNode());
    await runSynod(["format", "--id", "0", "--cluster", mine, "--dir", dir]);
    const node = clusterFile(oneNode(7), "seven.json");
    const other = await runSynod(["start", "--id", "7", "--cluster", node, "--dir", dir]);
    expect(other.code).toBe(5);
    expect(other.stderr).toMatch(/belongs to node 0, not node 7; choose another directory/);
    const foreign = { ...(oneNode() as object), cluster: cluster.replaceAll("0", "f") };
    const file = clusterFile(foreign, "foreign.json");
    const stranger = await runSynod(["start", "--id", "0", "--cluster", file, "--dir", dir]);
    expect(stranger.code).toBe(5);
    expect(stranger.stderr).toMatch(/belongs to cluster 0123/);
  });

  test("a directory of another protocol: exit code 5; one that is not for servers: 2", async () => {
    const dir = join(folder.path, "data");
    const where = ["--id", "0", "--cluster", clusterFile(oneNode()), "--dir", dir];
    await runSynod(["format", ...where]);
    const node = startSynod(["start", ...where, "--protocol", "omnipaxos"]);
    await expect.poll(() => node.stdout(), { timeout: 20_000 }).toMatch(/, omnipaxos, .*votes\n$/);
    node.child.kill("SIGTERM");
    expect((await node.finished).code).toBe(0);
    const other = await runSynod(["start", ...where]);
    expect(other.code).toBe(5);
    expect(other.stderr).toMatch(
      /holds the log of omnipaxos, not of multipaxos; .*and protocol that it was made for\n$/,
    );
    const decree = await runSynod(["start", ...where, "--protocol", "paxos"]);
    expect(decree.code).toBe(2);
    expect(decree.stderr).toMatch(/'paxos' is invalid. .* multipaxos, omnipaxos, pmmc, broadcast/);
  });

  test("a bad cluster file: exit code 6", async () => {
    const start = (file: string, id = "0") =>
      runSynod(["start", "--id", id, "--cluster", file, "--dir", join(folder.path, "d")]);
    for (const [file, words] of [
      [join(folder.path, "missing.json"), /missing\.json: there is no such file/],
      [clusterFile("{", "broken.json"), /broken\.json: this is not JSON/],
      [clusterFile({ cluster, members: [] }, "empty.json"), /empty\.json: .*at least one member/],
      [
        clusterFile({ ...(oneNode() as object), mebmers: [] }, "typo.json"),
        /typo\.json: .*mebmers/,
      ],
    ] as const) {
      const finished = await start(file);
      expect([finished.code, finished.stderr]).toEqual([6, expect.stringMatching(words)]);
      expect(finished.stderr.trim().split("\n")).toHaveLength(1);
    }
    const absent = await start(clusterFile(oneNode()), "3");
    expect([absent.code, absent.stderr]).toEqual([6, expect.stringMatching(/there is no node 3/)]);
    expect(existsSync(join(folder.path, "d"))).toBe(false);
  });

  test("an exposed peer address without --insecure: exit code 2", async () => {
    const file = clusterFile(oneNode());
    mkdirSync(join(folder.path, "d"));
    const where = ["--id", "0", "--cluster", file, "--dir", join(folder.path, "d")];
    const exposed = ["--peer", `0.0.0.0:${basePort + 1000}`];
    const finished = await runSynod(["start", ...where, ...exposed]);
    expect([finished.code, finished.stderr]).toEqual([2, expect.stringMatching(/--insecure/)]);
    const allowed = startSynod(["start", ...where, ...exposed, "--insecure"]);
    await expect.poll(() => allowed.stdout(), { timeout: 20_000 }).toMatch(/does not vote/);
    allowed.child.kill("SIGINT");
    expect((await allowed.finished).code).toBe(0);
  });

  test("a taken port: exit code 3", async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(basePort, "127.0.0.1", done));
    const where = ["--id", "0", "--cluster", clusterFile(oneNode()), "--dir"];
    const finished = await runSynod(["start", ...where, join(folder.path, "d")]);
    server.close();
    expect([finished.code, finished.stderr]).toEqual([
      3,
      expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${basePort} is taken; stop`)),
    ]);
  });
});

test("a write that nobody answers ends as unknown: exit code 8", async () => {
  const server = createServer((socket) => socket.resume());
  await new Promise<void>((done) => server.listen(basePort, "127.0.0.1", done));
  const to = ["--url", `http://127.0.0.1:${basePort}`, "--timeout", "100"];
  const put = await runSynod(["put", "k", "v", ...to]);
  expect([put.code, put.stderr]).toEqual([8, expect.stringMatching(/may or may not .*: read/)]);
  expect((await runSynod(["get", "k", ...to])).code).toBe(1);
  server.close();
  await sleep(0);
});
