import { describe, expect, test } from "vitest";
import { IDENTITY_STARTS_MAX, type Identity } from "./identity-codec.ts";
import { isStale, nextStart } from "./starts.ts";

const FORMATTED: Identity = {
  cluster: "c".repeat(32),
  node: 0,
  dataId: "0".repeat(32),
  formatted: true,
  incarnation: 0,
  boot: 0,
  starts: [],
  met: 0,
  registered: true,
  peers: [],
  protocol: "",
  tenure: null,
};

/** `count` starts with the boots `first`, `first + 1`, and so on. */
function started(identity: Identity, count: number, first: number): Identity {
  let line = identity;
  for (let nth = 0; nth < count; nth += 1) line = nextStart(line, first + nth);
  return line;
}

const memoryOf = ({ incarnation, boot }: Identity) => ({ incarnation, boot });

describe("a line of starts", () => {
  test("names all before it, and none that was only formatted", () => {
    const line = started(FORMATTED, 3, 10);
    expect(line).toMatchObject({ incarnation: 3, boot: 12 });
    expect(line.starts).toEqual([
      { incarnation: 1, boot: 10 },
      { incarnation: 2, boot: 11 },
    ]);
  });

  test("follows every start of its own, whichever was the last that a peer has met", () => {
    let line = FORMATTED;
    const memories = [memoryOf(line)];
    for (let nth = 0; nth < 2 * IDENTITY_STARTS_MAX; nth += 1) {
      line = { ...nextStart(line, 100 + nth), met: nth };
      memories.push(memoryOf(line));
      for (const memory of memories) expect(isStale(memory, line), `start ${nth}`).toBe(false);
    }
    expect(line.starts.length).toBe(IDENTITY_STARTS_MAX);
  });

  test("is stale below a later start, and beside another one of the same number", () => {
    const line = started(FORMATTED, 3, 10);
    expect(isStale({ incarnation: 4, boot: 13 }, line)).toBe(true);
    expect(isStale({ incarnation: 3, boot: 99 }, line)).toBe(true);
  });

  test("of a copy never passes a start that peers remember, however often it starts alone", () => {
    for (const shared of [1, 2, 5, IDENTITY_STARTS_MAX + 3])
      for (const ahead of [1, 2, 3, 40]) {
        const copied = started(FORMATTED, shared, 1_000);
        const memory = memoryOf(started(copied, ahead, 2_000));
        let copy = copied;
        for (let alone = 1; alone <= 3 * IDENTITY_STARTS_MAX; alone += 1) {
          copy = nextStart(copy, 3_000 + alone);
          expect(isStale(memory, copy), `${shared} + ${ahead}, ${alone} alone`).toBe(true);
        }
      }
  });

  test("that nobody has met for too long may be refused, but knows where it came from", () => {
    const line = started(FORMATTED, IDENTITY_STARTS_MAX + 5, 10);
    expect(line.starts.length).toBe(IDENTITY_STARTS_MAX);
    expect(line.starts[0]).toEqual({ incarnation: 1, boot: 10 });
    expect(isStale({ incarnation: 1, boot: 10 }, line)).toBe(false);
    expect(isStale({ incarnation: IDENTITY_STARTS_MAX + 1, boot: 42 }, line)).toBe(true);
  });
});
