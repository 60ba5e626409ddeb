import { describe, expect, it } from "vitest";
import { Ballots } from "./ballots.ts";

const ELECTION_MS = 1000;

function watch() {
  const accusations: string[] = [];
  let now = 0;
  const ballots = new Ballots(
    (oracle, message) => accusations.push(`${oracle}: ${message}`),
    () => now,
    ELECTION_MS,
  );
  const beginsAt = (node: number, ...times: readonly number[]): void => {
    for (const time of times) {
      now = time;
      ballots.begins(node);
    }
  };
  return { ballots, beginsAt, accusations };
}

describe("ballots", () => {
  it("rise as often as the shortest waits of a fast clock let them", () => {
    const { beginsAt, accusations } = watch();
    for (const node of [0, 1]) beginsAt(node, 476, 952, 1428, 1904, 2380, 2856);
    expect(accusations).toEqual([]);
  });

  it("do not rise four times within one time-out", () => {
    const { beginsAt, accusations } = watch();
    beginsAt(1, 100, 400, 700);
    beginsAt(2, 800);
    expect(accusations).toEqual([]);
    beginsAt(1, 1099);
    expect(accusations).toEqual(["ballots: node 1 raises 4 ballots within 1000 ms"]);
  });

  it("may rise early where an incarnation ends, or a clock leaps", () => {
    const { ballots, beginsAt, accusations } = watch();
    beginsAt(1, 100, 200, 300);
    ballots.excuse(1);
    beginsAt(1, 400, 500, 600);
    expect(accusations).toEqual([]);
  });

  it("do not rise in a core at rest; outside they may", () => {
    const { ballots, beginsAt, accusations } = watch();
    ballots.settle(new Set([0, 1, 4]));
    beginsAt(3, 5000);
    expect(accusations).toEqual([]);
    beginsAt(4, 5000);
    expect(accusations).toEqual(["ballots: node 4 raises a ballot in a core that is at rest"]);
    ballots.settle(new Set());
    beginsAt(4, 8000);
    expect(accusations).toHaveLength(1);
  });
});
