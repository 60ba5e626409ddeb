import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { keyValue } from "@synod/machines";
import { failed } from "@synod/runtime";
import { describe, expect, it } from "vitest";
import { createNode } from "./node.ts";
import type { NodeOptions } from "./node-options.ts";
import { PendingAnswer } from "./pending-answer.ts";
import { SynodError } from "./synod-error.ts";
import { ready, testCluster } from "./testing/test-cluster.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** The error that a promise was rejected with. */
async function errorOf(promise: Promise<unknown>): Promise<SynodError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SynodError);
  return error as SynodError;
}

function read(result: Uint8Array): string | null {
  const decoded = keyValue.result(result);
  return decoded?.kind === "found" ? new TextDecoder().decode(decoded.value) : null;
}

describe("a cluster of one", () => {
  it("executes, answers, and holds what it answered after a restart", async () => {
    const cluster = await testCluster(1);
    await cluster.format(0);
    const node = await cluster.start(0);
    await ready(node);
    const put = await node.propose(keyValue.put("a", bytes("one")));
    expect(put.repeated).toBe(false);
    expect(put.position.index).toBeGreaterThan(0);
    const got = await node.read(keyValue.get("a"));
    expect(read(got.result)).toBe("one");
    expect(got.position.index).toBeGreaterThanOrEqual(put.position.index);
    const { incarnation } = node.status();
    await node.close();
    expect(await node.stopped).toBeNull();
    const again = await cluster.start(0);
    await ready(again);
    expect(read((await again.read(keyValue.get("a"))).result)).toBe("one");
    expect(again.status().incarnation).toBe(incarnation + 1);
  });

  it("answers a repeated request as the first, and refuses another under its name", async () => {
    const cluster = await testCluster(1);
    await cluster.format(0);
    const node = await cluster.start(0);
    await ready(node);
    const session = { client: "c", sequence: 1, acknowledged: 1 };
    const first = await node.propose(keyValue.put("a", bytes("1")), { session });
    const second = await node.propose(keyValue.put("a", bytes("1")), { session });
    expect(second).toEqual({ ...first, repeated: true });
    const other = await errorOf(node.propose(keyValue.put("a", bytes("2")), { session }));
    expect(other).toMatchObject({ code: "sequence-reused", applied: "no" });
  });

  it("locks its directory against a second start, and frees it", async () => {
    const cluster = await testCluster(1);
    await cluster.format(0);
    const node = await cluster.start(0);
    expect(await errorOf(cluster.start(0))).toMatchObject({ code: "locked", applied: "no" });
    expect(await errorOf(cluster.format(0))).toMatchObject({ code: "locked" });
    await node.close();
    expect(await errorOf(cluster.format(0))).toMatchObject({ code: "foreign" });
    await cluster.start(0);
  });

  it("never reads the log of another protocol than that of its first start", async () => {
    const cluster = await testCluster(1);
    await cluster.format(0);
    const first = await cluster.start(0, { protocol: omnipaxos as never });
    await ready(first);
    await first.propose(keyValue.put("a", bytes("one")));
    await first.close();
    expect(await errorOf(cluster.start(0, { protocol: multipaxos as never }))).toMatchObject({
      code: "foreign",
      message: "the data directory holds the log of omnipaxos, not of multipaxos",
    });
    const again = await cluster.start(0, { protocol: omnipaxos as never });
    await ready(again);
    expect(read((await again.read(keyValue.get("a"))).result)).toBe("one");
  });
});

describe("three nodes", () => {
  it("take requests at each of them and agree", async () => {
    const cluster = await testCluster(3);
    await cluster.formatAll();
    const nodes = await Promise.all([0, 1, 2].map((id) => cluster.start(id)));
    await Promise.all(nodes.map((node) => ready(node)));
    await Promise.all(
      nodes.flatMap((node) =>
        Array.from({ length: 50 }, (_, n) =>
          node.propose(keyValue.put(`${node.id}/${n}`, bytes(`${node.id}:${n}`))),
        ),
      ),
    );
    for (const node of nodes)
      for (const id of [0, 1, 2])
        expect(read((await node.read(keyValue.get(`${id}/49`))).result)).toBe(`${id}:49`);
    expect(nodes[0]?.status().peers.map((peer) => peer.connected)).toEqual([true, true]);
  }, 20_000);

  it("fail in time, and say what is known, when there is no quorum", async () => {
    const cluster = await testCluster(3);
    await cluster.format(0);
    const node = await cluster.start(0);
    const startedMs = performance.now();
    const write = await errorOf(node.propose(keyValue.put("a", bytes("x")), { deadlineMs: 200 }));
    expect(write.code).toBe("deadline");
    const readError = await errorOf(node.read(keyValue.get("a"), { deadlineMs: 200 }));
    expect(readError).toMatchObject({ code: "deadline", applied: "no" });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});

describe("a request", () => {
  it("that is aborted is not waited for", async () => {
    const cluster = await testCluster(3);
    await cluster.format(0);
    const node = await cluster.start(0);
    const abort = new AbortController();
    const signal = abort.signal;
    const write = node.propose(keyValue.put("a", bytes("x")), { signal });
    const query = node.read(keyValue.get("a"), { signal });
    abort.abort(new Error("enough"));
    expect(await errorOf(write)).toMatchObject({ code: "aborted", applied: "unknown" });
    expect(await errorOf(query)).toMatchObject({ code: "aborted", applied: "no" });
    const late = await errorOf(node.propose(keyValue.put("a", bytes("x")), { signal }));
    expect(late).toMatchObject({ code: "aborted", applied: "no" });
  });

  it("under the name of a node is refused", async () => {
    const cluster = await testCluster(1);
    await cluster.format(0);
    const node = await cluster.start(0);
    const session = { client: "~0.1", sequence: 1, acknowledged: 1 };
    const error = await errorOf(node.propose(keyValue.put("a", bytes("x")), { session }));
    expect(error).toMatchObject({ code: "invalid", applied: "no" });
    await node.close();
  });

  it("with a deadline that makes no sense is refused", async () => {
    const cluster = await testCluster(1);
    await cluster.format(0);
    const node = await cluster.start(0);
    for (const deadlineMs of [0, -1, Number.NaN])
      expect((await errorOf(node.read(keyValue.get("a"), { deadlineMs }))).code).toBe("invalid");
  });

  it("is answered when the node stops, and refused afterwards", async () => {
    const cluster = await testCluster(3);
    await cluster.format(0);
    const node = await cluster.start(0);
    const write = errorOf(node.propose(keyValue.put("a", bytes("x"))));
    await new Promise((resolve) => setImmediate(resolve));
    await node.close();
    expect((await write).code).toBe("stopped");
    expect(await errorOf(node.read(keyValue.get("a")))).toMatchObject({
      code: "stopped",
      applied: "no",
    });
  });

  it("leaves no listener on its signal", async () => {
    const abort = new AbortController();
    const answer = new PendingAnswer(abort.signal, "no");
    answer.answered(failed("overload", "no"));
    abort.abort();
    expect((await errorOf(answer.promise)).code).toBe("overload");
  });
});

describe("options", () => {
  it("that cannot work are refused before anything is touched", async () => {
    const cluster = await testCluster(2);
    const { configuration } = cluster;
    const members = configuration.members;
    const start = (more: object) =>
      errorOf(cluster.start(0, more as Partial<NodeOptions<never, never>>));
    expect((await start({ id: 7 })).message).toMatch("node 7 is not a member");
    const badAddress = [{ ...members[0], address: "nowhere" }, members[1]];
    expect(
      (await start({ configuration: { ...configuration, members: badAddress } })).message,
    ).toMatch("the address of member 0 is not host:port: nowhere");
    const open = await start({ listen: { host: "0.0.0.0", port: 0 } });
    expect(open).toMatchObject({ code: "invalid", applied: "no" });
    expect(open.message).toMatch("--insecure");
    expect((await start({ configuration: { ...configuration, cluster: "x" } })).code).toBe(
      "invalid",
    );
  });

  it("give a port that is taken as `in-use`", async () => {
    const cluster = await testCluster(1);
    await cluster.format(0);
    const first = await cluster.start(0);
    const second = await testCluster(1);
    await second.format(0);
    const error = await errorOf(
      second.start(0, { configuration: cluster.configuration } as object),
    );
    expect(error.code).toBe("in-use");
    await first.close();
  });
});

it("foreign exceptions pass one gate", () => {
  const original = new SynodError("overload", "no", "full");
  expect(SynodError.from(original)).toBe(original);
  const foreign = SynodError.from(new TypeError("x is not a function"));
  expect(foreign).toMatchObject({ code: "internal", applied: "unknown" });
  expect(foreign.cause).toBeInstanceOf(TypeError);
  expect(SynodError.from("text").message).toBe("text");
  expect(createNode).toBeTypeOf("function");
});
