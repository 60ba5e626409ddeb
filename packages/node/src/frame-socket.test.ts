import { connect } from "node:net";
import { crc32 } from "node:zlib";
import { FRAME_BYTES_MAX, Writer } from "@synod/core";
import { encodeFrame, encodeRefusal, type FrameKind } from "@synod/runtime";
import { describe, expect, it } from "vitest";
import { helloOf } from "./compliance/hello.ts";
import { encodeGreeting, GREETING_BYTES_MAX } from "./greeting.ts";
import { pause, type TestPeer, testPeer, textFrame, until } from "./testing/test-peer.ts";

/**
 * A node 1 with which a test talks as node 0, byte by byte; it tells node 0 nothing but greetings.
 */
function listening(tuning = {}): Promise<TestPeer> {
  return testPeer(1, { 0: 9 }, { tuning: { backoffMinMs: 60_000, ...tuning } });
}

const GREETING = encodeGreeting({ lane: "urgent", to: 1, hello: helloOf(0) }, crc32);

interface Talk {
  /** Ms until the other side ended it; null when it did not. */
  readonly endedAfterMs: number | null;
  readonly heard: number;
}

/** Says `parts` with a turn of the loop between them, then waits `ms` for the end. */
function talk(peer: TestPeer, parts: readonly Uint8Array[], ms = 600): Promise<Talk> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const { port } = peer.network.address();
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let heard = 0;
    let endedAfterMs: number | null = null;
    const limit = setTimeout(() => socket.destroy(), ms);
    socket.on("connect", async () => {
      for (const part of parts) {
        if (socket.writable) socket.write(part);
        await new Promise((done) => setImmediate(done));
      }
    });
    socket.on("data", (chunk) => {
      heard += chunk.length;
    });
    const ended = (): void => {
      endedAfterMs ??= performance.now() - startedMs;
    };
    socket.on("end", ended);
    socket.on("error", ended);
    socket.on("close", () => {
      clearTimeout(limit);
      resolve({ endedAfterMs, heard });
    });
  });
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("a stream of frames", () => {
  const frames = [
    textFrame(""),
    textFrame("one"),
    textFrame("two ".repeat(20)),
    textFrame("three"),
  ];
  const stream = concat(GREETING, ...frames);
  const texts = ["0: ", "0: one", `0: ${"two ".repeat(20)}`, "0: three"];

  it("is the same wherever it is cut in two", async () => {
    const peer = await listening({ greetingMs: 5_000, silenceMs: 60_000 });
    for (let at = GREETING.length; at <= stream.length; at += 1) {
      peer.frames.length = 0;
      const done = talk(
        peer,
        [GREETING, stream.slice(GREETING.length, at), stream.slice(at)],
        5_000,
      );
      await until(() => peer.frames.length === frames.length);
      expect(peer.frames).toEqual(texts);
      // The newest connection wins: the next round ends this one.
      void done;
    }
  });

  it("is the same byte by byte, and so is a greeting", async () => {
    const peer = await listening({ greetingMs: 5_000, silenceMs: 60_000 });
    void talk(
      peer,
      [...stream].map((byte) => Uint8Array.of(byte)),
      5_000,
    );
    await until(() => peer.frames.length === frames.length, 4_000);
    expect(peer.frames).toEqual(texts);
  });
});

describe("damage", () => {
  it("of any single bit ends the connection, and the frame is not handed on", async () => {
    const peer = await listening({ silenceMs: 150, strangersMax: 10_000, greetingMs: 5_000 });
    const golden = textFrame("golden frame 0123456789");
    const follower = textFrame("follows");
    for (let bit = 0; bit < golden.length * 8; bit += 1) {
      const flipped = golden.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      const { endedAfterMs } = await talk(peer, [GREETING, concat(flipped, follower)], 1_500);
      expect([bit, endedAfterMs !== null]).toEqual([bit, true]);
      expect([bit, peer.frames]).toEqual([bit, []]);
    }
  }, 60_000);

  it("of any single bit of a greeting is not taken for a greeting", async () => {
    const peer = await listening();
    for (let bit = 0; bit < GREETING.length * 8; bit += 7) {
      const flipped = GREETING.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      const { endedAfterMs } = await talk(peer, [flipped], 1_500);
      expect([bit, endedAfterMs !== null]).toEqual([bit, true]);
    }
    expect(peer.events).toEqual([]);
  }, 60_000);

  it("in the length is found before anything is allocated", async () => {
    const peer = await listening({ silenceMs: 60_000, greetingMs: 60_000 });
    const bad = [0, 1, 4, FRAME_BYTES_MAX - 3, FRAME_BYTES_MAX, 0x7fffffff, 0x80000000, 0xffffffff];
    const before = process.memoryUsage().arrayBuffers;
    for (const length of bad)
      for (const start of [new Uint8Array(0), GREETING]) {
        const header = new Uint8Array(9);
        new DataView(header.buffer).setUint32(0, length, true);
        const { endedAfterMs } = await talk(peer, [start, header], 1_500);
        expect([length, endedAfterMs !== null]).toEqual([length, true]);
      }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(FRAME_BYTES_MAX);
    expect(peer.frames).toEqual([]);
  });

  it("is not to send a frame of the largest size", async () => {
    const peer = await listening({ silenceMs: 60_000 });
    const largest = textFrame("x".repeat(FRAME_BYTES_MAX - 9));
    expect(largest.length).toBe(FRAME_BYTES_MAX);
    void talk(peer, [GREETING, largest], 5_000);
    await until(() => peer.frames.length === 1);
  });
});

describe("strangers", () => {
  const frame = (kind: FrameKind) => encodeFrame(new Writer(), kind, crc32, () => {});

  it("are not heard before they have greeted", async () => {
    const peer = await listening({ greetingMs: 60_000 });
    for (const first of [textFrame("x"), frame("host"), frame("ping"), frame("pong")]) {
      const { endedAfterMs, heard } = await talk(peer, [first], 1_500);
      expect(endedAfterMs).not.toBeNull();
      expect(heard).toBe(0);
    }
    expect(peer.frames).toEqual([]);
  });

  it("get no more memory than a greeting takes", async () => {
    const peer = await listening({ greetingMs: 60_000 });
    const header = new Uint8Array(9);
    new DataView(header.buffer).setUint32(0, GREETING_BYTES_MAX, true);
    expect((await talk(peer, [header], 1_500)).endedAfterMs).not.toBeNull();
  });

  it("that say nothing, or drip, are sent away", async () => {
    const peer = await listening({ greetingMs: 200 });
    const drip = [...GREETING].flatMap((byte) => [Uint8Array.of(byte)]);
    const silent = await talk(peer, [], 2_000);
    expect(silent.endedAfterMs).toBeGreaterThan(150);
    const slow = new Promise<Talk>((resolve) => {
      const parts: Uint8Array[] = [];
      for (const byte of drip.slice(0, 40)) parts.push(byte);
      resolve(talk(peer, parts, 2_000));
    });
    expect((await slow).endedAfterMs).toBeGreaterThan(150);
    expect(peer.events).toEqual([]);
  });

  it("are limited in number, and do not keep members out for long", async () => {
    const peer = await listening({ strangersMax: 5, greetingMs: 300 });
    const crowd = Array.from({ length: 20 }, () => talk(peer, [], 2_000));
    const ended = (await Promise.all(crowd)).map((each) => each.endedAfterMs ?? Number.NaN);
    expect(ended.filter((ms) => ms < 200)).toHaveLength(15);
    expect(ended.filter((ms) => ms >= 200)).toHaveLength(5);
    void talk(peer, [GREETING], 1_000);
    await until(() => peer.events.includes("up 0"));
  });

  it("that greet twice are sent away; a refusal afterwards is told", async () => {
    const peer = await listening();
    expect((await talk(peer, [GREETING, GREETING], 1_500)).endedAfterMs).not.toBeNull();
    await talk(peer, [GREETING, encodeRefusal("I do not like you", crc32)], 1_500);
    expect(peer.events).toContain("refused by 0: I do not like you");
  });

  it("that speak another protocol get a refusal or nothing, and are sent away", async () => {
    const peer = await listening();
    const http = new TextEncoder().encode("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    expect((await talk(peer, [http], 1_500)).endedAfterMs).not.toBeNull();
    const empty = frame("hello");
    const answered = await talk(peer, [empty], 1_500);
    expect(answered.endedAfterMs).not.toBeNull();
    expect(answered.heard).toBeGreaterThan(9);
  });
});

it("pings are answered", async () => {
  const peer = await listening({ silenceMs: 60_000 });
  const ping = encodeFrame(new Writer(), "ping", crc32, () => {});
  const hello = await talk(peer, [GREETING], 200);
  const withPings = await talk(peer, [GREETING, ping, ping, ping], 200);
  expect(withPings.heard - hello.heard).toBe(3 * 9);
  await pause(20);
});
