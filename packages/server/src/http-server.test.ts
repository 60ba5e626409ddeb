import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHttpServer, type HttpLimits, listenHttp } from "./http-server.ts";
import { FAILURE_STATUS } from "./problem.ts";
import { FakeBackend, STATUS } from "./testing/fake-backend.ts";
import { speak, statusLines } from "./testing/raw-http.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Running {
  readonly backend: FakeBackend;
  readonly port: number;
  stopped: string | null;
  close(): Promise<void>;
}

let node: Running;

async function start(limits: Partial<HttpLimits> = {}): Promise<Running> {
  const backend = new FakeBackend();
  const running = { backend, port: 0, stopped: null as string | null, close: async () => {} };
  const server = createHttpServer({
    backend,
    limits,
    stopped: () => running.stopped,
    counters: () => ({ refused_links: 7 }),
  });
  running.port = (await listenHttp(server, { host: "127.0.0.1", port: 0 })).port;
  running.close = () => server.close();
  return running;
}

beforeEach(async () => {
  node = await start();
});
afterEach(() => node.close());

function ask(
  method: string,
  path: string,
  { body, headers = {} }: { body?: string | Uint8Array; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port: node.port, method, path, headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("latin1");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

describe("reading and writing a key", () => {
  it("answers GET of an absent key with 404 and nothing else", async () => {
    const answer = await ask("GET", "/foo");
    expect(answer.status).toBe(404);
    expect(answer.headers["content-length"]).toBe("0");
    expect(answer.body).toBe("");
  });

  for (const method of ["POST", "PUT"]) {
    it(`stores with ${method}, whatever the content type, and gives the very bytes back`, async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const written = await ask(method, "/foo", { body: bytes, headers });
      expect(written.status).toBe(204);
      expect(written.headers["x-paxos-slot"]).toBe("1");
      expect(written.body).toBe("");
      const read = await ask("GET", "/foo");
      expect(read.status).toBe(200);
      expect(read.headers["x-paxos-slot"]).toBe("1");
      expect(read.headers["content-length"]).toBe("256");
      expect(Buffer.from(read.body, "latin1").equals(Buffer.from(bytes))).toBe(true);
    });
  }

  it("takes odd, wrong and missing content types", async () => {
    for (const type of ["application/json", "nonsense", 'a/b; charset="', ""]) {
      const written = await ask("PUT", "/foo", { body: "{", headers: { "content-type": type } });
      expect(written.status).toBe(204);
    }
    expect((await ask("GET", "/foo")).body).toBe("{");
  });

  it("stores empty values, which are not absent", async () => {
    expect((await ask("PUT", "/foo", { body: "" })).status).toBe(204);
    const read = await ask("GET", "/foo");
    expect(read.status).toBe(200);
    expect(read.headers["content-length"]).toBe("0");
  });

  it("answers HEAD like GET without the body", async () => {
    await ask("PUT", "/foo", { body: "hello" });
    const head = await ask("HEAD", "/foo");
    expect(head.status).toBe(200);
    expect(head.headers["content-length"]).toBe("5");
    expect(head.headers["x-paxos-slot"]).toBe("1");
    expect(head.body).toBe("");
    expect((await ask("HEAD", "/none")).status).toBe(404);
    expect((await ask("HEAD", "/%")).status).toBe(400);
  });

  it("deletes, and says 404 when there was nothing", async () => {
    await ask("PUT", "/foo", { body: "x" });
    const deleted = await ask("DELETE", "/foo");
    expect(deleted.status).toBe(204);
    expect(deleted.headers["x-paxos-slot"]).toBe("2");
    const again = await ask("DELETE", "/foo");
    expect(again.status).toBe(404);
    expect(again.headers["x-paxos-slot"]).toBe("3");
    expect(again.headers["content-length"]).toBe("0");
    expect((await ask("GET", "/foo")).status).toBe(404);
  });

  it("never lets a browser take a value for a page", async () => {
    await ask("PUT", "/foo", { body: "<script>alert(1)</script>" });
    const { headers } = await ask("GET", "/foo");
    expect(headers["content-type"]).toBe("application/octet-stream");
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });

  it("serves stale reads only to who asks for them", async () => {
    await ask("GET", "/foo");
    await ask("GET", "/foo", { headers: { "synod-consistency": "stale" } });
    expect(node.backend.queried.map((query) => query.consistency)).toEqual([
      "linearizable",
      "stale",
    ]);
    const wrong = await ask("GET", "/foo", { headers: { "synod-consistency": "eventual" } });
    expect(wrong.status).toBe(400);
  });
});

describe("keys", () => {
  /** Two paths are the same key when what is stored under one is read under the other. */
  const same = async (a: string, b: string): Promise<boolean> => {
    await ask("PUT", a, { body: "same" });
    const { status, body } = await ask("GET", b);
    await ask("DELETE", a);
    return status === 200 && body === "same";
  };

  it("are the percent-decoded path without its first slash and without the query", async () => {
    expect(await same("/foo", "/%66oo")).toBe(true);
    expect(await same("/a/b", "/a%2Fb")).toBe(true);
    expect(await same("/foo?x=1", "/foo")).toBe(true);
    expect(await same("/foo", "/foo?x=%zz&y=/z")).toBe(true);
    expect(await same("/a%20b", "/a%20b")).toBe(true);
    expect(await same("/%D0%BA%D0%BB%D1%8E%D1%87", "/%d0%ba%d0%bb%d1%8e%d1%87")).toBe(true);
    expect(await same("/%3F", "/%3f")).toBe(true);
    expect(await same("/100%25", "/100%25")).toBe(true);
    expect(await same('/a"<>[]^`{|}\\', "/a%22%3C%3E%5B%5D%5E%60%7B%7C%7D%5C")).toBe(true);
  });

  it("differ by slashes, dots, case and reserved words of others", async () => {
    expect(await same("/foo", "//foo")).toBe(false);
    expect(await same("/foo", "/foo/")).toBe(false);
    expect(await same("/foo", "/Foo")).toBe(false);
    expect(await same("/a/../b", "/b")).toBe(false);
    for (const path of [
      "/paxos",
      "/_paxos",
      "/_synod",
      "/_synodx",
      "/__proto__",
      "/constructor",
      "/*",
    ])
      expect(await same(path, path)).toBe(true);
  });

  it("may be sent in the absolute form of proxies, but not with bytes beyond ASCII", async () => {
    await ask("PUT", "/%D0%BA", { body: "raw" });
    const head = "host: a\r\nconnection: close\r\n\r\n";
    const raw = await speak(node.port, [`GET /\xd0\xba HTTP/1.1\r\n${head}`]);
    expect(statusLines(raw.text)).toEqual(["400"]);
    const absolute = await speak(node.port, [`GET http://a:1/%D0%BA HTTP/1.1\r\n${head}`]);
    expect(absolute.text).toMatch(/^HTTP\/1\.1 200 [\s\S]*raw$/);
  });

  it("are refused when empty, broken or not UTF-8, and nothing is proposed", async () => {
    const paths = [
      "/",
      "/?a",
      "/%",
      "/%2",
      "/%zz",
      "/a%",
      "/%ff",
      "/%c0%80",
      "/%ed%a0%80",
      "/%f5%80%80%80",
    ];
    for (const path of paths)
      for (const method of ["GET", "PUT", "DELETE"]) {
        const answer = await ask(method, path, method === "PUT" ? { body: "x" } : {});
        expect([path, answer.status]).toEqual([path, 400]);
        expect(JSON.parse(answer.body)).toMatchObject({ code: "bad-key", applied: "no" });
      }
    expect(node.backend.submitted).toEqual([]);
    expect(node.backend.queried).toEqual([]);
  });

  it("may have 4096 bytes and not one more", async () => {
    const fits = `/${"k".repeat(4_096)}`;
    expect((await ask("PUT", fits, { body: "x" })).status).toBe(204);
    expect((await ask("GET", `/${"%6B".repeat(4_096)}`)).body).toBe("x");
    for (const path of [`${fits}k`, `/${"%6B".repeat(4_097)}`, `/${"k".repeat(60_000)}`]) {
      const answer = await ask("PUT", path, { body: "x" });
      expect(answer.status).toBe(414);
      expect(JSON.parse(answer.body).applied).toBe("no");
    }
    expect(node.backend.submitted).toHaveLength(1);
  });

  it("are not reserved words: only what is below /_synod/ is", async () => {
    for (const path of ["/_synod/", "/_synod/none", "/_synod%2Fstatus", "/%5Fsynod/none"]) {
      expect([path, (await ask("GET", path)).status]).toEqual([path, 404]);
      expect((await ask("PUT", path, { body: "x" })).status).toBeGreaterThanOrEqual(404);
    }
    expect(node.backend.submitted).toEqual([]);
  });
});

describe("values", () => {
  it("may have 1 MiB and not one byte more, announced or not", async () => {
    const fits = Buffer.alloc(1_048_576, 7);
    expect((await ask("PUT", "/foo", { body: fits })).status).toBe(204);
    expect((await ask("GET", "/foo")).headers["content-length"]).toBe("1048576");
    const chunked = { "transfer-encoding": "chunked" };
    expect((await ask("PUT", "/foo", { body: fits, headers: chunked })).status).toBe(204);
    expect(node.backend.submitted).toHaveLength(2);
    const over = Buffer.alloc(1_048_577);
    for (const headers of [{}, chunked]) {
      const answer = await ask("PUT", "/foo", { body: over, headers });
      expect(answer.status).toBe(413);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "too-large", applied: "no" });
    }
    expect(node.backend.submitted).toHaveLength(2);
  });

  it("that are too large leave the connection in order", async () => {
    const large = Buffer.alloc(1_048_577);
    const { text, end } = await speak(node.port, [
      "PUT /a HTTP/1.1\r\nhost: a\r\ncontent-length: 1048577\r\n\r\n",
      large,
      "GET /b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ]);
    expect(statusLines(text)).toEqual(["413", "404"]);
    expect(end).toBe("closed");
  });

  it("are not asked for when they are announced as too large", async () => {
    const head = "PUT /a HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n";
    const refused = await speak(node.port, [`${head}content-length: 1048577\r\n\r\n`]);
    expect(statusLines(refused.text)).toEqual(["413"]);
    expect(refused.end).toBe("closed");
    const taken = await speak(node.port, [
      `${head}connection: close\r\ncontent-length: 2\r\n\r\n`,
      "ok",
    ]);
    expect(statusLines(taken.text)).toEqual(["100", "204"]);
  });

  it("that never end are cut off", async () => {
    const chunk = Buffer.concat([
      Buffer.from("100000\r\n"),
      Buffer.alloc(0x100000),
      Buffer.from("\r\n"),
    ]);
    const parts = ["PUT /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"];
    const { text, end } = await speak(node.port, [...parts, ...Array(40).fill(chunk)], {
      pauseMs: 1,
    });
    expect(statusLines(text)).toEqual(["413"]);
    expect(end).not.toBe("open");
  });

  it("may come in pieces, and by a client that leaves nothing is proposed", async () => {
    const head = "PUT /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 6\r\n\r\n";
    const { text } = await speak(node.port, [head, "ab", "cd", "ef"]);
    expect(statusLines(text)).toEqual(["204"]);
    expect((await ask("GET", "/a")).body).toBe("abcdef");
    await speak(node.port, [head, "gh"], { untilMs: 100 });
    expect((await ask("GET", "/a")).body).toBe("abcdef");
    expect(node.backend.submitted).toHaveLength(1);
    expect((await ask("GET", "/_synod/metrics")).body).toMatch(
      /^synod_http_requests_outstanding 0$/m,
    );
  });

  it("of all connections together are bounded", async () => {
    await node.close();
    node = await start({ bodiesBytesMax: 1_000 });
    const head = "PUT /a HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n";
    const slow = speak(node.port, [head, "x".repeat(600)], { untilMs: 300 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const second = await ask("PUT", "/b", { body: "y".repeat(600) });
    expect(second.status).toBe(429);
    expect(second.headers["retry-after"]).toBe("1");
    await slow;
    expect((await ask("PUT", "/b", { body: "y".repeat(600) })).status).toBe(204);
  });
});

describe("methods", () => {
  it("other than the five are refused, with those in `allow`, and nothing is proposed", async () => {
    for (const method of ["PATCH", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "QUERY"]) {
      if (method === "QUERY") continue; // unknown to this Node's parser
      const answer = await ask(method, "/foo", method === "PATCH" ? { body: "{" } : {});
      expect([method, answer.status]).toEqual([method, 405]);
      expect(answer.headers.allow).toBe("GET, HEAD, POST, PUT, DELETE");
    }
    expect(node.backend.submitted).toEqual([]);
  });

  it("that are no methods are refused", async () => {
    const { text, end } = await speak(node.port, ["BREW /pot HTTP/1.1\r\nhost: a\r\n\r\n"]);
    expect(statusLines(text)).toEqual(["400"]);
    expect(end).toBe("closed");
  });
});

describe("failures", () => {
  it("have the status of the table, and say whether the request was applied", async () => {
    expect(FAILURE_STATUS).toEqual({
      deadline: 503,
      overload: 429,
      "disk-full": 507,
      "too-large": 413,
      "session-expired": 410,
      "sequence-reused": 409,
      "sequence-forgotten": 410,
      "not-serving": 503,
      stopped: 503,
    });
    for (const [code, status] of Object.entries(FAILURE_STATUS))
      for (const applied of ["no", "unknown"] as const) {
        node.backend.fail(code as keyof typeof FAILURE_STATUS, applied);
        const answer = await ask("PUT", "/foo", { body: "x" });
        expect([code, answer.status]).toEqual([code, status]);
        expect(JSON.parse(answer.body)).toMatchObject({ code, applied });
        expect(answer.headers["retry-after"]).toBe([429, 503].includes(status) ? "1" : undefined);
      }
  });

  it("of reads look the same", async () => {
    node.backend.fail("deadline", "no");
    const answer = await ask("GET", "/foo");
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "deadline", applied: "no" });
  });

  it("of a node that stops close the connection", async () => {
    node.backend.fail("stopped", "unknown");
    const { text, end } = await speak(node.port, ["GET /foo HTTP/1.1\r\nhost: a\r\n\r\n"]);
    expect(text).toMatch(/^HTTP\/1\.1 503 [\s\S]*connection: close/i);
    expect(end).toBe("closed");
  });
});

describe("headers", () => {
  it("give the deadline, 5000 by default", async () => {
    await ask("PUT", "/foo", { body: "x" });
    await ask("PUT", "/foo", { body: "x", headers: { "synod-deadline-ms": "1" } });
    await ask("PUT", "/foo", { body: "x", headers: { "synod-deadline-ms": "60000" } });
    await ask("GET", "/foo", { headers: { "synod-deadline-ms": "77" } });
    expect(node.backend.submitted.map((each) => each.deadlineMs)).toEqual([5_000, 1, 60_000]);
    expect(node.backend.queried.map((each) => each.deadlineMs)).toEqual([77]);
  });

  it("name the session; the lowest unacknowledged sequence is 255 back unless told", async () => {
    const put = (headers: Record<string, string>) =>
      ask("PUT", "/foo", { body: Buffer.from("x"), headers });
    await put({ "synod-client": "c", "synod-sequence": "1" });
    await put({ "synod-client": "c", "synod-sequence": "256" });
    await put({ "synod-client": "c", "synod-sequence": "257" });
    await put({ "synod-client": "c", "synod-sequence": "9", "synod-acknowledged": "9" });
    await put({ "synod-client": "\xc3\xa9", "synod-sequence": "1" });
    await put({});
    expect(node.backend.submitted.map((each) => each.session)).toEqual([
      { client: "c", sequence: 1, acknowledged: 1 },
      { client: "c", sequence: 256, acknowledged: 1 },
      { client: "c", sequence: 257, acknowledged: 2 },
      { client: "c", sequence: 9, acknowledged: 9 },
      { client: "é", sequence: 1, acknowledged: 1 },
      null,
    ]);
  });

  it("mark the answer to a repeated write", async () => {
    node.backend.outcome = {
      kind: "done",
      position: { log: 0, index: 5 },
      result: node.backend.machine.apply(new Uint8Array([1, 1, 0, 97])),
      repeated: true,
    };
    const answer = await ask("PUT", "/foo", { body: "x" });
    expect(answer.status).toBe(204);
    expect(answer.headers["x-paxos-slot"]).toBe("5");
    expect(answer.headers["synod-repeated"]).toBe("true");
  });

  it("that make no sense are refused, and nothing is proposed", async () => {
    const wrong: Record<string, string>[] = [
      { "synod-deadline-ms": "0" },
      { "synod-deadline-ms": "60001" },
      { "synod-deadline-ms": "1.5" },
      { "synod-deadline-ms": "-1" },
      { "synod-deadline-ms": "" },
      { "synod-deadline-ms": "1e3" },
      { "synod-client": "c" },
      { "synod-sequence": "1" },
      { "synod-acknowledged": "1" },
      { "synod-client": "", "synod-sequence": "1" },
      { "synod-client": "~0.1", "synod-sequence": "1" },
      { "synod-client": "c".repeat(129), "synod-sequence": "1" },
      { "synod-client": "\xff", "synod-sequence": "1" },
      { "synod-client": "c", "synod-sequence": "0" },
      { "synod-client": "c", "synod-sequence": "-1" },
      { "synod-client": "c", "synod-sequence": "9007199254740992" },
      { "synod-client": "c", "synod-sequence": "x" },
      { "synod-client": "c", "synod-sequence": "5", "synod-acknowledged": "6" },
      { "synod-client": "c", "synod-sequence": "5", "synod-acknowledged": "0" },
    ];
    for (const headers of wrong) {
      const answer = await ask("PUT", "/foo", { body: Buffer.from("x"), headers });
      expect([headers, answer.status]).toEqual([headers, 400]);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "bad-header", applied: "no" });
    }
    expect(node.backend.submitted).toEqual([]);
  });
});

describe("the node itself", () => {
  it("tells its status", async () => {
    const { status, headers, body } = await ask("GET", "/_synod/status");
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch("application/json");
    expect(JSON.parse(body)).toMatchObject({
      id: 1,
      pid: process.pid,
      protocol: "multipaxos",
      role: "follower",
      leader: 0,
      ballot: "3.0",
      chosenUpTo: 17,
      executedUpTo: 16,
      configuration: 1,
      incarnation: 2,
      voter: true,
      journalBytes: 4_096,
      snapshotBytes: 1_024,
      peers: [
        { id: 0, connected: true },
        { id: 2, connected: false, refused: "its disk is blank" },
      ],
    });
  });

  it("is healthy until it stops, and ready when it has caught up", async () => {
    expect((await ask("GET", "/_synod/health")).status).toBe(200);
    expect((await ask("GET", "/_synod/ready")).status).toBe(200);
    node.backend.statusNow = { ...STATUS, ready: false, notReadyReason: "no leader" };
    expect((await ask("GET", "/_synod/health")).status).toBe(200);
    const unready = await ask("GET", "/_synod/ready");
    expect(unready.status).toBe(503);
    expect(JSON.parse(unready.body)).toEqual({ ready: false, reason: "no leader" });
    node.backend.statusNow = STATUS;
    node.stopped = "a sync failed";
    const dead = await ask("GET", "/_synod/health");
    expect(dead.status).toBe(503);
    expect(dead.body).toContain("a sync failed");
    expect((await ask("GET", "/_synod/ready")).status).toBe(503);
    expect((await ask("HEAD", "/_synod/health")).status).toBe(503);
  });

  it("gives metrics that Prometheus reads", async () => {
    await ask("PUT", "/foo", { body: "x" });
    await ask("GET", "/foo");
    await ask("PROPFIND", "/foo");
    const { status, headers, body } = await ask("GET", "/_synod/metrics");
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch(/^text\/plain/);
    for (const line of [
      'synod_http_requests_total{method="PUT",status="204"} 1',
      'synod_http_requests_total{method="GET",status="200"} 1',
      'synod_http_requests_total{method="other",status="405"} 1',
      'synod_http_request_seconds_count{method="PUT"} 1',
      "synod_chosen_up_to 17",
      "synod_executed_up_to 16",
      "synod_execution_lag 1",
      "synod_leader 0",
      'synod_role{role="follower"} 1',
      'synod_peer_connected{peer="2"} 0',
      'synod_peer_refused{peer="2"} 1',
      "synod_journal_bytes 4096",
      "synod_outstanding 5",
      "synod_refused_links_total 7",
      "synod_http_requests_outstanding 0",
    ])
      expect(body.split("\n")).toContain(line);
    expect(body).toMatch(/^synod_event_loop_stall_max_seconds \d/m);
    expect(body).toMatch(/^nodejs_heap_size_used_bytes \d/m);
  });

  it("measures how long the event loop was held up", async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 120;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { body } = await ask("GET", "/_synod/metrics");
    const seconds = Number(/^synod_event_loop_stall_recent_seconds (\S+)$/m.exec(body)?.[1]);
    expect(seconds).toBeGreaterThan(0.08);
    expect(seconds).toBeLessThan(2);
  });

  it("can only be read", async () => {
    for (const path of ["/_synod/status", "/_synod/none"]) {
      const answer = await ask("PUT", path, { body: "x", headers: { "content-type": "nonsense" } });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe("GET, HEAD");
    }
    const unknown = await ask("GET", "/_synod/none");
    expect(unknown.status).toBe(404);
    expect(JSON.parse(unknown.body)).toMatchObject({ code: "unknown-path" });
  });

  it("does not show how it is made when it fails", async () => {
    node.backend.status = () => {
      throw new Error("secret at /home/somebody");
    };
    for (const path of ["/_synod/status", "/_synod/metrics", "/_synod/ready"]) {
      const answer = await ask("GET", path);
      expect(answer.status).toBe(500);
      expect(answer.body).not.toMatch(/secret|home|\.ts|\bat\b.*:\d+/);
    }
  });
});

describe("connections", () => {
  it("are kept for the next request and serve a pipeline in order", async () => {
    const put = (key: string, more = "") =>
      `PUT /${key} HTTP/1.1\r\nhost: a\r\n${more}content-length: 1\r\n\r\n${key}`;
    const get = (key: string, more = "") => `GET /${key} HTTP/1.1\r\nhost: a\r\n${more}\r\n`;
    const all = put("a") + put("b") + get("a") + get("c") + get("b", "connection: close\r\n");
    const { text, end } = await speak(node.port, [all]);
    expect(statusLines(text)).toEqual(["204", "204", "200", "404", "200"]);
    expect(end).toBe("closed");
  });

  it("that drip are closed in time, while others are served", async () => {
    await node.close();
    node = await start({ headersMs: 300, requestMs: 600, checkMs: 50 });
    const drip = (text: string) => speak(node.port, [...text], { pauseMs: 40, untilMs: 4_000 });
    const headers = Array.from({ length: 30 }, () =>
      drip(`GET /a HTTP/1.1\r\nhost: ${"a".repeat(200)}\r\n\r\n`),
    );
    const bodies = Array.from({ length: 30 }, () => {
      const head = "PUT /a HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\n";
      return speak(node.port, [head, ..."b".repeat(200)], { pauseMs: 40, untilMs: 4_000 });
    });
    for (let round = 0; round < 20; round += 1) {
      const startedMs = performance.now();
      expect((await ask("PUT", "/other", { body: "x" })).status).toBe(204);
      expect(performance.now() - startedMs).toBeLessThan(500);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const spoken of await Promise.all([...headers, ...bodies])) {
      expect(spoken.end).not.toBe("open");
      expect(spoken.afterMs).toBeLessThan(2_500);
      expect(statusLines(spoken.text)).toEqual(["408"]);
    }
    expect(node.backend.submitted.every((each) => each.payload.length < 20)).toBe(true);
  });

  it("without a request are closed", async () => {
    await node.close();
    node = await start({ idleMs: 200, silenceMs: 300 });
    const silent = await speak(node.port, [], { untilMs: 4_000 });
    expect(silent.end).not.toBe("open");
    const idle = await speak(node.port, ["GET /a HTTP/1.1\r\nhost: a\r\n\r\n"], { untilMs: 6_000 });
    expect(statusLines(idle.text)).toEqual(["404"]);
    expect(idle.end).not.toBe("open");
  });

  it("with headers beyond the limit or no HTTP at all get an answer", async () => {
    const long = `GET /a HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(40_000)}\r\n\r\n`;
    expect(statusLines((await speak(node.port, [long])).text)).toEqual(["431"]);
    const garbage = await speak(node.port, ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]);
    expect(statusLines(garbage.text)).toEqual(["400"]);
  });

  it("that are given up before the answer leave nothing behind", async () => {
    node.backend.held = [];
    const put = "PUT /a HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx";
    await speak(node.port, [put], { untilMs: 150 });
    expect(node.backend.held).toHaveLength(1);
    for (const answer of node.backend.held) answer();
    node.backend.held = null;
    expect((await ask("GET", "/a")).body).toBe("x");
    expect((await ask("GET", "/_synod/metrics")).body).toMatch(
      /^synod_http_requests_outstanding 0$/m,
    );
  });
});
