import { crc32, createPrng, type Hello, MEMBERS_MAX, nextBelow, Reader, Writer } from "@synod/core";
import { describe, expect, test } from "vitest";
import { openFrame } from "./frames.ts";
import {
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  helloProblem,
  readRemembered,
  writeRemembered,
} from "./hello.ts";

const CLUSTER = "0123456789abcdef".repeat(2);

const HELLO: Hello = {
  cluster: CLUSTER,
  node: 2,
  dataId: "fedcba9876543210".repeat(2),
  incarnation: 2 ** 40 + 5,
  boot: 0xdeadbeef,
  formatted: true,
  starts: [
    { incarnation: 3, boot: 0xfeedface },
    { incarnation: 2 ** 40 + 4, boot: 7 },
  ],
  protocol: "multipaxos",
  version: 1001,
  remembers: [
    { node: 0, dataId: "a".repeat(32), incarnation: 7, boot: 1 },
    { node: 1, dataId: "b".repeat(32), incarnation: 2 ** 53 - 1, boot: 0 },
  ],
};

function bodyOf(bytes: Uint8Array): Reader {
  const frame = openFrame(bytes, crc32);
  if (frame === null) throw new Error("not a frame");
  return frame.body;
}

/** The body alone, to be damaged behind a checksum that would be right again. */
function helloBody(): Uint8Array {
  const body = bodyOf(encodeHello(HELLO, crc32));
  return body.raw(body.remaining).slice();
}

describe("a hello", () => {
  test("comes back as it was", () => {
    expect(decodeHello(bodyOf(encodeHello(HELLO, crc32)))).toEqual(HELLO);
    const alone = { ...HELLO, formatted: false, remembers: [] };
    expect(decodeHello(bodyOf(encodeHello(alone, crc32)))).toEqual(alone);
  });

  test("cut short anywhere, or with anything behind it, is none", () => {
    const body = helloBody();
    for (let length = 0; length < body.length; length += 1)
      expect(decodeHello(new Reader(body, 0, length)), `${length} bytes`).toBeNull();
    expect(decodeHello(new Reader(Uint8Array.of(...body, 0)))).toBeNull();
  });

  test("of another program is none: the magic number decides", () => {
    const body = helloBody();
    body[0] = (body[0] as number) ^ 1;
    expect(decodeHello(new Reader(body))).toBeNull();
    const http = new TextEncoder().encode("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    expect(decodeHello(new Reader(http))).toBeNull();
  });

  test("with any byte changed either is none or says something else; it never throws", () => {
    const body = helloBody();
    for (let at = 0; at < body.length; at += 1) {
      for (const value of [0x00, 0x7f, 0xff]) {
        if (body[at] === value) continue;
        const damaged = body.slice();
        damaged[at] = value;
        expect(decodeHello(new Reader(damaged)), `byte ${at}`).not.toEqual(HELLO);
      }
    }
  });

  test("random bodies never throw", () => {
    const random = createPrng(5);
    const body = helloBody();
    for (let round = 0; round < 2_000; round += 1) {
      const noise = body.slice();
      for (let flips = 0; flips < 5; flips += 1)
        noise[4 + nextBelow(random, noise.length - 4)] = nextBelow(random, 256);
      const hello = decodeHello(new Reader(noise));
      if (hello !== null) expect(decodeHello(bodyOf(encodeHello(hello, crc32)))).toEqual(hello);
    }
  });
});

describe("what is remembered", () => {
  test("a count beyond the bytes, or beyond all reason, is refused", () => {
    const writer = new Writer();
    writer.u32(1_000_000_000);
    expect(readRemembered(new Reader(writer.take()))).toBeNull();
    const many = Array.from({ length: 4 * MEMBERS_MAX + 1 }, (_, node) => ({
      node,
      dataId: "",
      incarnation: 1,
      boot: 0,
    }));
    const roundTrip = (count: number): number | undefined => {
      writer.reset();
      writeRemembered(writer, many.slice(0, count));
      return readRemembered(new Reader(writer.take()))?.length;
    };
    expect(roundTrip(4 * MEMBERS_MAX)).toBe(4 * MEMBERS_MAX);
    expect(roundTrip(4 * MEMBERS_MAX + 1)).toBeUndefined();
  });
});

describe("a refusal", () => {
  test("tells its reason", () => {
    expect(decodeRefusal(bodyOf(encodeRefusal("cluster a is not b", crc32)))).toBe(
      "cluster a is not b",
    );
  });

  test("of any length and alphabet can be read by the other side", () => {
    for (const letter of ["x", "ß", "語", "🙂"]) {
      const told = decodeRefusal(bodyOf(encodeRefusal(letter.repeat(2_000), crc32)));
      expect(told?.slice(0, 20 * letter.length)).toBe(letter.repeat(20));
    }
  });
});

describe("what can be said against a hello", () => {
  const mine: Hello = { ...HELLO, node: 0 };
  const cases: [string, Partial<Hello>, RegExp][] = [
    ["another cluster", { cluster: "c".repeat(32) }, /cluster c+ is not this cluster/],
    ["another protocol", { protocol: "epaxos" }, /protocol epaxos/],
    ["another version", { version: 1002 }, /version 1002/],
    ["my own name", { node: 0 }, /node 0/],
  ];

  test.each(cases)("%s", (_, change, words) => {
    expect(helloProblem(mine, { ...HELLO, ...change }, null)).toMatch(words);
  });

  test("another node than the one that was called", () => {
    expect(helloProblem(mine, HELLO, 1)).toMatch(/node 2 answered where node 1/);
    expect(helloProblem(mine, HELLO, 2)).toBeNull();
  });

  test("nothing, whatever it remembers and however often it started", () => {
    expect(
      helloProblem(mine, { ...HELLO, incarnation: 0, remembers: [], formatted: false }, null),
    ).toBeNull();
  });
});
