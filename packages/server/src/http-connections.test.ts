import { describe, expect, it } from "vitest";
import { httpHarness } from "./testing/http-harness.ts";
import { speak, statusLines } from "./testing/raw-http.ts";

const node = httpHarness();
const { ask } = node;

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
    await node.restart({ headersMs: 300, requestMs: 600, checkMs: 50 });
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
    await node.restart({ idleMs: 200, silenceMs: 300 });
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
