import { describe, expect, it } from "vitest";
import { httpHarness } from "./testing/http-harness.ts";
import { speak, statusLines } from "./testing/raw-http.ts";

const node = httpHarness();
const { ask } = node;

describe("reading and writing a key", () => {
  it("answers GET of an absent key with 404 and nothing else", async () => {
    const answer = await ask("GET", "/foo");
    expect(answer.status).toBe(404);
    expect(answer.headers["content-length"]).toBe("0");
    expect(answer.body).toBe("");
  });

  for (const method of ["POST", "PUT"]) {
    it(`stores with ${method}, and gives the very bytes back`, async () => {
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
    await node.restart({ bodiesBytesMax: 1_000 });
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
  it("other than the five are refused, with those in `allow`", async () => {
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
