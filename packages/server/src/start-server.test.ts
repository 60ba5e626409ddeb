import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatNode, SynodError, type SynodNode } from "@synod/node";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ClusterFile } from "./cluster-file.ts";
import { HTTP_LIMITS } from "./http-server.ts";
import { SERVER_PROTOCOL_NAMES } from "./protocols.ts";
import { type RunningServer, serve, startServer } from "./start-server.ts";
import { FakeBackend } from "./testing/fake-backend.ts";
import { speak, statusLines } from "./testing/raw-http.ts";

const silent = pino({ level: "silent" });
const CLUSTER = "0123456789abcdef0123456789abcdef";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

async function localAddress(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "synod-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A cluster of one, formatted. */
async function one(): Promise<{ cluster: ClusterFile; directory: string }> {
  const directory = join(temporaryDirectory(), "node-0");
  await formatNode({ directory, cluster: CLUSTER, id: 0 });
  const members = [{ id: 0, peer: await localAddress(), http: await localAddress() }];
  return { cluster: { cluster: CLUSTER, protocol: null, members, quorums: null }, directory };
}

async function errorOf(promise: Promise<RunningServer>): Promise<SynodError> {
  const error = await promise.then(
    (server) => server.close().then(() => null),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SynodError);
  return error as SynodError;
}

async function untilReady(url: string): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if ((await fetch(`${url}/_synod/ready`)).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("never ready");
}

describe.each(SERVER_PROTOCOL_NAMES)("three servers on %s", (protocol) => {
  it("serve alike, do without one, and take it back with what it missed", async () => {
    const root = temporaryDirectory();
    const members = [];
    for (const id of [0, 1, 2])
      members.push({ id, peer: await localAddress(), http: await localAddress() });
    const cluster: ClusterFile = { cluster: CLUSTER, protocol, members, quorums: null };
    const urls = members.map(({ http }) => `http://${http}`);
    // So small that what the third one missed is nowhere but in a snapshot.
    const tuning = { journalBytesMax: 65_536, segmentBytes: 65_536 };
    const protocolTuning = { retainBytes: 4_096 };
    const start = async (id: number): Promise<RunningServer> => {
      const directory = join(root, `node-${id}`);
      const options = { id, cluster, directory, tuning, protocolTuning, logger: silent };
      const server = await startServer(options);
      onTestFinished(() => server.close());
      return server;
    };
    for (const { id } of members) {
      const others = members.filter((each) => each.id !== id);
      const registeredPeers = others.map((each) => ({
        node: each.id,
        dataId: `${each.id}`.repeat(32),
        incarnation: 0,
        boot: 0,
      }));
      const directory = join(root, `node-${id}`);
      const dataId = `${id}`.repeat(32);
      await formatNode({ directory, cluster: CLUSTER, id, dataId, registeredPeers });
    }
    const servers = await Promise.all(members.map(({ id }) => start(id)));
    await Promise.all(urls.map(untilReady));
    const put = async (id: number, key: string, body: string): Promise<void> =>
      expect((await fetch(`${urls[id]}/${key}`, { method: "PUT", body })).status).toBe(204);
    for (const id of [0, 1, 2]) await put(id, `of-${id}`, "one");
    await servers[2]?.close();
    for (let n = 0; n < 40; n += 1) await put(n % 2, `late-${n}`, "x".repeat(8_192));
    expect(servers[0]?.node.status().replica.compactedUpTo).toBeGreaterThan(0);
    await start(2);
    await untilReady(urls[2] ?? "");
    for (const key of ["of-0", "of-1", "of-2"])
      expect(await (await fetch(`${urls[2]}/${key}`)).text()).toBe("one");
    expect((await (await fetch(`${urls[2]}/late-39`)).text()).length).toBe(8_192);
    await put(2, "back", "again");
    expect(await (await fetch(`${urls[0]}/back`)).text()).toBe("again");
  }, 30_000);
});

describe("a server", () => {
  it("serves keys over HTTP, and holds them over a restart", async () => {
    const { cluster, directory } = await one();
    const options = { id: 0, cluster, directory, logger: silent };
    const first = await startServer(options);
    const url = `http://127.0.0.1:${first.http.port}`;
    expect(`127.0.0.1:${first.http.port}`).toBe(cluster.members[0]?.http);
    await untilReady(url);
    expect((await fetch(`${url}/foo`)).status).toBe(404);
    const put = await fetch(`${url}/foo`, { method: "PUT", body: "hello paxos" });
    expect(put.status).toBe(204);
    const slot = Number(put.headers.get("x-paxos-slot"));
    const got = await fetch(`${url}/foo`);
    expect(await got.text()).toBe("hello paxos");
    expect(Number(got.headers.get("x-paxos-slot"))).toBeGreaterThanOrEqual(slot);
    expect(await (await fetch(`${url}/_synod/status`)).json()).toMatchObject({
      id: 0,
      role: "leader",
      leader: 0,
      voter: true,
      incarnation: first.node.status().incarnation,
    });
    await first.close();
    expect(await first.stopped).toBeNull();
    await expect(fetch(url)).rejects.toThrow();
    const second = await startServer(options);
    onTestFinished(() => second.close());
    await untilReady(url);
    expect(await (await fetch(`${url}/foo`)).text()).toBe("hello paxos");
  });

  it("answers a repeated write as the first, once executed", async () => {
    const { cluster, directory } = await one();
    const server = await startServer({ id: 0, cluster, directory, logger: silent });
    onTestFinished(() => server.close());
    const url = `http://127.0.0.1:${server.http.port}`;
    await untilReady(url);
    const write = (key: string, method: string, sequence: number, body?: string) =>
      fetch(`${url}/${key}`, {
        method,
        headers: { "synod-client": "tester", "synod-sequence": `${sequence}` },
        ...(body === undefined ? {} : { body }),
      });
    const first = await write("a", "PUT", 1, "one");
    expect([first.status, first.headers.get("synod-repeated")]).toEqual([204, null]);
    expect((await write("a", "DELETE", 2)).status).toBe(204);
    const repeated = await write("a", "PUT", 1, "one");
    expect([repeated.status, repeated.headers.get("synod-repeated")]).toEqual([204, "true"]);
    expect(repeated.headers.get("x-paxos-slot")).toBe(first.headers.get("x-paxos-slot"));
    expect((await fetch(`${url}/a`)).status).toBe(404);
    expect((await write("a", "PUT", 1, "another")).status).toBe(409);
    const stranger = await fetch(`${url}/a`, {
      method: "PUT",
      body: "x",
      headers: { "synod-client": "never seen", "synod-sequence": "9", "synod-acknowledged": "9" },
    });
    expect(stranger.status).toBe(410);
    expect(await stranger.json()).toMatchObject({ code: "session-expired", applied: "no" });
  });

  it("answers 429 at once to what is beyond its bounds, and 503 when no quorum comes", async () => {
    const { cluster, directory } = await one();
    const absent = { id: 1, peer: `127.0.0.1:${await freePort()}`, http: "127.0.0.1:1" };
    const pair = { ...cluster, members: [...cluster.members, absent] };
    const tuning = { outstandingMax: 2 };
    const server = await startServer({ id: 0, cluster: pair, directory, tuning, logger: silent });
    onTestFinished(() => server.close());
    const url = `http://127.0.0.1:${server.http.port}`;
    const put = (key: string, deadlineMs: number) =>
      fetch(`${url}/${key}`, {
        method: "PUT",
        body: "x",
        headers: { "synod-deadline-ms": `${deadlineMs}` },
      });
    const held = [put("a", 2_000), put("b", 2_000)];
    await expect.poll(() => server.node.status().outstanding, { timeout: 5_000 }).toBe(2);
    const startedMs = performance.now();
    const refused = await put("c", 60_000);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ code: "overload", applied: "no" });
    for (const answer of await Promise.all(held)) {
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await answer.json()).toMatchObject({ code: "deadline" });
    }
    expect((await put("d", 1)).status).toBe(503);
  });

  it("does not start twice, nor on a port that is taken, and then holds nothing", async () => {
    const { cluster, directory } = await one();
    const server = await startServer({ id: 0, cluster, directory, logger: silent });
    const again = { id: 0, cluster, directory, logger: silent };
    expect((await errorOf(startServer(again))).code).toBe("locked");
    const other = await one();
    const taken = await errorOf(
      startServer({ id: 0, ...other, http: server.http, logger: silent }),
    );
    expect(taken.code).toBe("in-use");
    expect(taken.message).toMatch(`the HTTP port 127.0.0.1:${server.http.port} is taken`);
    await server.close();
    const free = await startServer({ id: 0, ...other, http: server.http, logger: silent });
    await free.close();
  });

  it("is not started for a node that the cluster does not have, or for all the world", async () => {
    const { cluster, directory } = await one();
    expect(
      (await errorOf(startServer({ id: 5, cluster, directory, logger: silent }))).message,
    ).toBe("node 5 is not a member of the cluster");
    const peer = { host: "0.0.0.0", port: 0 };
    const open = await errorOf(startServer({ id: 0, cluster, directory, peer, logger: silent }));
    expect(open.message).toMatch("--insecure");
  });

  it("runs one protocol: what the cluster file says, and what the data is of", async () => {
    const { cluster, directory } = await one();
    const told: ClusterFile = { ...cluster, protocol: "omnipaxos" };
    const options = { id: 0, directory, logger: silent };
    const torn = startServer({ ...options, cluster: told, protocol: "pmmc" });
    expect(await errorOf(torn)).toMatchObject({
      code: "invalid",
      message: "the cluster file says omnipaxos, not pmmc",
    });
    const server = await startServer({ ...options, cluster: told });
    expect(server.node.status().protocol).toBe("omnipaxos");
    await server.close();
    expect(await errorOf(startServer({ ...options, cluster }))).toMatchObject({
      code: "foreign",
      message: "the data directory holds the log of omnipaxos, not of multipaxos",
    });
    const again = await startServer({ ...options, cluster, protocol: "omnipaxos" });
    await again.close();
  });

  it("says when the data belongs to another node or cluster", async () => {
    const { cluster, directory } = await one();
    const other = { ...cluster, cluster: "f".repeat(32) };
    const error = await errorOf(startServer({ id: 0, cluster: other, directory, logger: silent }));
    expect(error.code).toBe("foreign");
    expect(error.message).toMatch(CLUSTER);
  });
});

describe("when the node stops", () => {
  /** A node that stops when the test says so. */
  class FakeNode extends FakeBackend {
    readonly id = 0;
    stop: (reason: string | null) => void = () => {};
    readonly stopped = new Promise<string | null>((resolve) => {
      this.stop = resolve;
    });
    counters() {
      return { framesDropped: 1, linksLost: 2, linksRefused: 3 };
    }
    async close(): Promise<void> {
      this.stop(null);
    }
  }

  it("by itself, the server closes HTTP and says why", async () => {
    const node = new FakeNode();
    const lines: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const address = { host: "127.0.0.1", port: 0 };
    const server = await serve(node as unknown as SynodNode, address, HTTP_LIMITS, logger);
    const text = await (await fetch(`http://127.0.0.1:${server.http.port}/_synod/metrics`)).text();
    expect(text).toMatch(/^synod_links_refused_total 3$/m);
    node.stop("a sync failed: EIO");
    expect(await server.stopped).toBe("a sync failed: EIO");
    expect(lines.join()).toMatch(/"level":60.*a sync failed: EIO/);
    await expect(fetch(`http://127.0.0.1:${server.http.port}/`)).rejects.toThrow();
  });

  it("answers under way leave, and connections that do nothing are cut", async () => {
    const node = new FakeNode();
    node.held = [];
    const address = { host: "127.0.0.1", port: 0 };
    const server = await serve(node as unknown as SynodNode, address, HTTP_LIMITS, silent);
    const get = "GET /a HTTP/1.1\r\nhost: a\r\n\r\n";
    const asked = speak(server.http.port, [get], { untilMs: 5_000 });
    const halfway = speak(server.http.port, ["PUT /a HTTP/1.1\r\ncontent-le"], { untilMs: 5_000 });
    const idle = speak(server.http.port, [], { untilMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = server.close();
    for (const answer of node.held) answer();
    await closed;
    expect(statusLines((await asked).text)).toEqual(["404"]);
    for (const spoken of await Promise.all([asked, halfway, idle])) {
      expect(spoken.end).not.toBe("open");
      expect(spoken.afterMs).toBeLessThan(4_000);
    }
  });
});
