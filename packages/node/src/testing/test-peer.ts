import { createServer } from "node:net";
import { crc32 } from "node:zlib";
import { type Hello, type NetworkListener, type NodeId, Writer } from "@synod/core";
import { encodeFrame, openFrame } from "@synod/runtime";
import { onTestFinished } from "vitest";
import type { Address } from "../address.ts";
import { helloOf } from "../compliance/hello.ts";
import { createNetwork, type NodeNetwork } from "../network.ts";
import type { NetworkTuning } from "../network-options.ts";
import { createRandom } from "../random.ts";

/** A network and what it told its host. */
export interface TestPeer {
  readonly network: NodeNetwork;
  readonly events: string[];
  /** Texts of the frames that came, in order, with their sender. */
  readonly frames: string[];
  /** Answers `linkUp`; null accepts. */
  refuse: (hello: Hello) => string | null;
  onFrame: ((from: NodeId, bytes: Uint8Array) => void) | null;
  close(): Promise<void>;
}

export const QUICK: Partial<NetworkTuning> = {
  greetingMs: 300,
  pingMs: 30,
  silenceMs: 250,
  backoffMinMs: 5,
  backoffMaxMs: 40,
  livedMs: 200,
};

export interface TestPeerOptions {
  readonly hello?: Partial<Hello>;
  readonly tuning?: Partial<NetworkTuning>;
  readonly listen?: Address;
}

/** An open network of node `id` that dials `ports`, on an ephemeral port or a given one. */
export async function testPeer(
  id: NodeId,
  ports: Readonly<Record<NodeId, number>>,
  options: TestPeerOptions = {},
): Promise<TestPeer> {
  const peers = new Map<NodeId, Address>();
  for (const [peer, port] of Object.entries(ports))
    peers.set(Number(peer), { host: "127.0.0.1", port });
  const network = createNetwork({
    self: id,
    listen: options.listen ?? { host: "127.0.0.1", port: 0 },
    peers,
    random: createRandom(),
    tuning: { ...QUICK, ...options.tuning },
  });
  let closed: Promise<void> | null = null;
  const peer: TestPeer = {
    network,
    events: [],
    frames: [],
    refuse: () => null,
    onFrame: null,
    close: () => (closed ??= new Promise((resolve) => network.close(resolve))),
  };
  const listener: NetworkListener = {
    linkUp(hello) {
      const reason = peer.refuse(hello);
      if (reason === null) peer.events.push(`up ${hello.node}`);
      return reason;
    },
    linkDown: (node) => void peer.events.push(`down ${node}`),
    refused: (node, reason) => void peer.events.push(`refused by ${node}: ${reason}`),
    frame(from, bytes) {
      const text = readText(bytes);
      if (text === null) return false;
      peer.frames.push(`${from}: ${text}`);
      peer.onFrame?.(from, bytes);
      return true;
    },
  };
  const hello = helloOf(id, options.hello);
  await new Promise<void>((resolve, reject) =>
    network.open(hello, listener, (error) => (error === null ? resolve() : reject(error))),
  );
  onTestFinished(() => peer.close());
  return peer;
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

/** Two linked peers, 0 and 1. */
export async function testPair(tuning: Partial<NetworkTuning> = {}): Promise<[TestPeer, TestPeer]> {
  const [port0, port1] = [await freePort(), await freePort()];
  const listen = (port: number) => ({ host: "127.0.0.1", port });
  const first = await testPeer(0, { 1: port1 }, { tuning, listen: listen(port0) });
  const second = await testPeer(1, { 0: port0 }, { tuning, listen: listen(port1) });
  await until(() => bothWays(first, 1) && bothWays(second, 0));
  return [first, second];
}

/** Both connections of the pair are up: each side was told twice. */
function bothWays(peer: TestPeer, other: NodeId): boolean {
  return peer.events.filter((event) => event === `up ${other}`).length >= 2;
}

/** A frame of kind `message` that carries a text. */
export function textFrame(text: string): Uint8Array {
  return encodeFrame(new Writer(), "message", crc32, (writer) =>
    writer.raw(new TextEncoder().encode(text)),
  );
}

/** Null when the frame is damaged, as a host finds. */
export function readText(bytes: Uint8Array): string | null {
  const frame = openFrame(bytes, crc32);
  if (frame === null) return null;
  return new TextDecoder().decode(frame.body.raw(frame.body.remaining));
}

/** Waits for a condition, for two seconds at most. */
export async function until(condition: () => boolean, ms = 2_000): Promise<void> {
  const limit = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > limit) throw new Error("waited in vain");
    await pause(5);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
