import { describe, expect, it } from "vitest";
import { STATUS } from "./testing/fake-backend.ts";
import { httpHarness } from "./testing/http-harness.ts";

const node = httpHarness();
const { ask } = node;

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
    await ask("PATCH", "/foo");
    const { status, headers, body } = await ask("GET", "/_synod/metrics");
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch(/^text\/plain/);
    for (const line of [
      'synod_http_requests_total{method="PUT",status="204"} 1',
      'synod_http_requests_total{method="GET",status="200"} 1',
      'synod_http_requests_total{method="other",status="405"} 2',
      'synod_http_request_seconds_count{method="PUT",status="204"} 1',
      'synod_http_request_seconds_bucket{method="PUT",status="204",le="+Inf"} 1',
      'synod_http_request_seconds_bucket{method="PUT",status="204",le="60"} 1',
      "# TYPE synod_http_request_seconds histogram",
      "synod_chosen_up_to 17",
      "synod_executed_up_to 16",
      "synod_execution_lag 1",
      "synod_leader 0",
      'synod_role{role="follower"} 1',
      'synod_protocol{protocol="multipaxos"} 1',
      'synod_peer_connected{peer="2"} 0',
      'synod_peer_refused{peer="2"} 1',
      "synod_journal_bytes 4096",
      "synod_outstanding 5",
      "synod_links_refused_total 7",
      "synod_http_requests_outstanding 0",
    ])
      expect(body.split("\n")).toContain(line);
    expect(body).toMatch(/^synod_event_loop_stall_max_seconds \d/m);
    const names = body.split("\n").map((line) => line.replace(/ \S+$/, ""));
    const samples = names.filter((name) => name !== "" && !name.startsWith("#"));
    expect(new Set(samples).size).toBe(samples.length);
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
      throw new Error("secret of /etc/hosts");
    };
    for (const path of ["/_synod/status", "/_synod/metrics", "/_synod/ready"]) {
      const answer = await ask("GET", path);
      expect(answer.status).toBe(500);
      expect(answer.body).not.toMatch(/secret|hosts|\.ts|\bat\b.*:\d+/);
    }
  });
});
