import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { type LinkProxy, openLink } from "./link-proxy.ts";

interface Ends {
  readonly link: LinkProxy;
  readonly near: Socket;
  readonly far: Socket;
  /** What has come out at either end so far. */
  forth(): string;
  back(): string;
}

/** A link with one connection through it; `below` gives the same number again and again. */
async function connected(below: (bound: number) => number = () => 0): Promise<Ends> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const target = { host: "127.0.0.1", port };
  const link = await openLink({ from: 0, to: 1, target, below });
  const near = connect(link.port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  let forth = "";
  let back = "";
  far.on("data", (chunk: Buffer) => {
    forth += chunk.toString("latin1");
  });
  near.on("data", (chunk: Buffer) => {
    back += chunk.toString("latin1");
  });
  for (const socket of [near, far]) socket.on("error", () => {});
  onTestFinished(async () => {
    await link.close();
    server.close();
  });
  return { link, near, far, forth: () => forth, back: () => back };
}

test("bytes pass both ways, in order", async () => {
  const { near, far, forth, back, link } = await connected();
  for (let n = 0; n < 50; n += 1) near.write(`${n} `);
  far.write("answer");
  const all = Array.from({ length: 50 }, (_, n) => `${n} `).join("");
  await expect.poll(forth).toBe(all);
  await expect.poll(back).toBe("answer");
  expect([link.connections, link.flips]).toEqual([1, 0]);
});

test("a hole keeps what goes forth, and gives it up when it is filled; answers pass", async () => {
  const { near, far, forth, back, link } = await connected();
  link.trouble = { kind: "hole" };
  near.write("late");
  far.write("answer");
  await expect.poll(back).toBe("answer");
  await sleep(100);
  expect(forth()).toBe("");
  link.trouble = null;
  await expect.poll(forth).toBe("late");
});

test("a delay holds up each piece, both ways", async () => {
  const { near, far, forth, back, link } = await connected();
  link.trouble = { kind: "delay", ms: 100 };
  const began = performance.now();
  near.write("x");
  far.write("y");
  await expect.poll(() => forth() + back(), { interval: 5 }).toMatch(/^xy$/);
  expect(performance.now() - began).toBeGreaterThan(95);
});

test("a throttled link passes so many bytes a second, and all of them at last", async () => {
  const { near, forth, link } = await connected();
  link.trouble = { kind: "throttle", bytesPerSecond: 1024 };
  near.write("z".repeat(4096));
  await sleep(600);
  expect(forth().length).toBeGreaterThan(0);
  expect(forth().length).toBeLessThanOrEqual(1024);
  link.trouble = null;
  await expect.poll(() => forth().length).toBe(4096);
});

test("flips change one bit of the pieces that they strike, and no length", async () => {
  const { near, forth, link } = await connected((bound) => (bound === 8 ? 1 : 0));
  link.trouble = { kind: "flip", every: 4 };
  near.write("abc");
  await expect.poll(() => forth().length).toBe(3);
  expect(forth()).toBe("cbc");
  expect(link.flips).toBe(1);
  link.trouble = { kind: "flip", every: 8 };
  near.write("abc");
  await expect.poll(forth).toBe("cbcabc");
});

test("connections are broken at both ends, and new ones served", async () => {
  const { near, far, link } = await connected();
  const closed = Promise.all([once(near, "close"), once(far, "close")]);
  link.drop();
  await closed;
  const again = connect(link.port, "127.0.0.1");
  await once(again, "connect");
  await expect.poll(() => link.connections).toBe(2);
  again.destroy();
});

test("who ends its connection ends the other side's too", async () => {
  const { near, far } = await connected();
  const closed = once(far, "close");
  near.end("bye");
  await closed;
});
