import type { Protocol } from "@synod/core";
import { broadcast } from "@synod/core/protocols/broadcast";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { paxos } from "@synod/core/protocols/paxos";
import { pmmc } from "@synod/core/protocols/pmmc";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMemoryTransport } from "../memory-transport.ts";
import type { NodeOptions } from "../node-options.ts";
import { SynodError } from "../synod-error.ts";
import { ready, type TestCluster, testCluster } from "../testing/test-cluster.ts";
import { createConsensus } from "./consensus.ts";
import type { OrderedMessage } from "./order-machine.ts";
import { createTotalOrder, type TotalOrder } from "./total-order.ts";

type AnyProtocol = Protocol<any, any>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

async function nodeOptions(
  protocol: AnyProtocol,
  size: number,
  more: Partial<NodeOptions<unknown, unknown>> = {},
) {
  const cluster: TestCluster = await testCluster(size);
  await cluster.formatAll();
  const { configuration, directory } = cluster;
  return (id: number) => ({ id, configuration, directory: directory(id), protocol, ...more });
}

async function startOrder(
  options: Parameters<typeof createTotalOrder<unknown, unknown>>[0],
): Promise<TotalOrder> {
  const order = await createTotalOrder(options);
  onTestFinished(() => order.close());
  return order;
}

/** The first `count` messages after `after`, as `sender: payload`. */
async function first(order: TotalOrder, count: number, after = 0): Promise<string[]> {
  const found: string[] = [];
  for await (const { sender, payload } of order.deliver({ after })) {
    found.push(`${sender}: ${text(payload)}`);
    if (found.length === count) break;
  }
  return found;
}

async function errorOf(promise: Promise<unknown>): Promise<SynodError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SynodError);
  return error as SynodError;
}

const PROTOCOLS: readonly AnyProtocol[] = [broadcast, multipaxos, pmmc];

describe.each(PROTOCOLS.map((protocol) => [protocol.name, protocol] as const))(
  "a total order over %s",
  (_name, protocol) => {
    test.each(["tcp", "memory"])("is the same on three nodes, over %s", async (transport) => {
      const more = transport === "memory" ? { transport: createMemoryTransport() } : {};
      const options = await nodeOptions(protocol, 3, more);
      const nodes = await Promise.all([0, 1, 2].map((id) => startOrder(options(id))));
      await Promise.all(nodes.map(({ node }) => ready(node)));
      const sent = nodes.flatMap((order) =>
        ["a", "b", "c"].map((name) => order.broadcast(bytes(`${name}${order.id}`))),
      );
      const offsets = await Promise.all(sent);
      expect([...offsets].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const orders = await Promise.all(nodes.map((order) => first(order, 9)));
      expect(orders[1]).toEqual(orders[0]);
      expect(orders[2]).toEqual(orders[0]);
      // Each message once, by the node that broadcast it, where its sender was told.
      const names = [0, 1, 2].flatMap((id) => ["a", "b", "c"].map((name) => `${id}: ${name}${id}`));
      expect(offsets.map((offset) => orders[0]?.[offset - 1])).toEqual(names);
    });
  },
);

describe("a total order", () => {
  test("is durable, and goes on where a consumer was", async () => {
    const options = await nodeOptions(broadcast, 1);
    const before = await startOrder(options(0));
    await ready(before.node);
    for (const name of ["a", "b"]) await before.broadcast(bytes(name));
    const [one] = await messages(before, 1);
    await before.close();
    const after = await startOrder(options(0));
    await ready(after.node);
    expect(await first(after, 1, 1)).toEqual(["0: b"]);
    await after.broadcast(bytes("a"));
    const all = await messages(after, 3);
    expect(all[0]).toEqual(one);
    expect(all.map(({ payload }) => text(payload))).toEqual(["a", "b", "a"]);
    // Equal payloads are two messages; their sender goes on counting over the restart.
    expect(all.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  test("reaches a node that was away, and one whose place is only in a snapshot", async () => {
    const options = await nodeOptions(broadcast, 3, {
      tuning: { journalBytesMax: 40_000, segmentBytes: 65_536 },
      protocolTuning: { retainBytes: 0 },
    });
    const [zero, one] = await Promise.all([0, 1].map((id) => startOrder(options(id))));
    if (zero === undefined || one === undefined) throw new Error("not started");
    await Promise.all([ready(zero.node), ready(one.node)]);
    for (let n = 0; n < 60; n += 10)
      await Promise.all(
        Array.from({ length: 10 }, (_, k) => zero.broadcast(bytes(`${n + k}`.padEnd(4_000)))),
      );
    expect(zero.node.status().snapshotPosition.index).toBeGreaterThan(0);
    const late = await startOrder(options(2));
    await ready(late.node);
    const caughtUp = (await first(late, 60)).map((message) => message.trim());
    expect(caughtUp.sort()).toEqual(Array.from({ length: 60 }, (_, n) => `0: ${n}`).sort());
    expect(await first(late, 60)).toEqual(await first(one, 60));
  }, 30_000);

  test("tells how far it is, everywhere, after a broadcast anywhere", async () => {
    const options = await nodeOptions(broadcast, 3, { transport: createMemoryTransport() });
    const nodes = await Promise.all([0, 1, 2].map((id) => startOrder(options(id))));
    await Promise.all(nodes.map(({ node }) => ready(node)));
    const offset = await (nodes[0] as TotalOrder).broadcast(bytes("a"));
    for (const order of nodes) {
      expect(await order.ordered()).toBeGreaterThanOrEqual(offset);
      expect(order.delivered).toBeGreaterThanOrEqual(offset);
    }
  });

  test("holds nobody up for a slow consumer, and grows for none: that one is told", async () => {
    const options = await nodeOptions(broadcast, 1);
    const order = await startOrder({ ...options(0), kept: { messages: 0, bytes: 0 } });
    await ready(order.node);
    const slow = order.deliver({ after: 0 });
    await order.broadcast(bytes("a"));
    await slow.next();
    for (let n = 0; n < 1_100; n += 100)
      await Promise.all(Array.from({ length: 100 }, () => order.broadcast(bytes("b"))));
    expect(await errorOf(slow.next())).toMatchObject({ code: "lagging", applied: "no" });
    expect(await first(order, 1_024, 1_101 - 1_024)).toHaveLength(1_024);
  });

  test("ends its deliveries when it is closed, and when the consumer has had enough", async () => {
    const options = await nodeOptions(broadcast, 1);
    const order = await startOrder(options(0));
    const { signal, abort } = abortable();
    const waiting = order.deliver({ signal }).next();
    const endless = order.deliver().next();
    abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await order.close();
    expect(await endless).toEqual({ done: true, value: undefined });
    expect(await errorOf(order.broadcast(bytes("a")))).toMatchObject({ code: "stopped" });
    expect(await errorOf(order.deliver({ after: -1 }).next())).toMatchObject({ code: "invalid" });
  });
});

describe.each([...PROTOCOLS, paxos as AnyProtocol].map((one) => [one.name, one] as const))(
  "consensus over %s",
  (_name, protocol) => {
    test("all decide one value that was proposed, and keep it", async () => {
      const options = await nodeOptions(protocol, 3);
      const start = async (id: number) => {
        const consensus = await createConsensus(options(id));
        onTestFinished(() => consensus.close());
        return consensus;
      };
      const nodes = await Promise.all([0, 1, 2].map(start));
      const [, , third] = nodes;
      const known = third?.decide();
      const decided = await Promise.all(
        nodes.slice(0, 2).map((node, id) => node.propose(bytes(`of ${id}`))),
      );
      expect(
        new Set([...decided, await known].map((value) => text(value as Uint8Array))).size,
      ).toBe(1);
      expect(["of 0", "of 1"]).toContain(text(decided[0] as Uint8Array));
      await nodes[0]?.close();
      const again = await start(0);
      expect(await again.decide()).toEqual(decided[0]);
      expect(await again.propose(bytes("late"))).toEqual(decided[0]);
    });
  },
);

test("the empty value can be decided", async () => {
  const options = await nodeOptions(broadcast, 1);
  const consensus = await createConsensus(options(0));
  const waiting = consensus.decide();
  expect(await consensus.propose(new Uint8Array(0))).toEqual(new Uint8Array(0));
  expect(await waiting).toEqual(new Uint8Array(0));
  await consensus.close();
});

test("without a decision there is none to wait for any longer", async () => {
  const options = await nodeOptions(broadcast, 1);
  const consensus = await createConsensus(options(0));
  const { signal, abort } = abortable();
  const given = errorOf(consensus.decide(signal));
  const stopped = errorOf(consensus.decide());
  abort();
  expect(await given).toMatchObject({ code: "aborted" });
  await consensus.close();
  expect(await stopped).toMatchObject({ code: "stopped" });
});

async function messages(order: TotalOrder, count: number): Promise<OrderedMessage[]> {
  const found: OrderedMessage[] = [];
  for await (const message of order.deliver({ after: 0 })) {
    found.push(message);
    if (found.length === count) break;
  }
  return found;
}

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
