import { describe, expect, it } from "vitest";
import { FAILURE_STATUS } from "./problem.ts";
import { httpHarness } from "./testing/http-harness.ts";
import { speak } from "./testing/raw-http.ts";

const node = httpHarness();
const { ask } = node;

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
      decided: 409,
      "not-serving": 503,
      "configuration-invalid": 400,
      "configuration-unchanged": 409,
      "configuration-changed": 409,
      "configuration-unsettled": 409,
      "data-id-unknown": 409,
      "not-a-member": 503,
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
