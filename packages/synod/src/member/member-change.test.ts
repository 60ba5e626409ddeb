import { describe, expect, it } from "vitest";
import { additions, quorumsOf, replacements } from "./member-change.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);

describe("members to be added", () => {
  it("are pairs of id and address, each with a data id or none", () => {
    expect(additions([3, "h:1"], undefined)).toEqual([{ id: 3, peer: "h:1" }]);
    expect(additions([3, "h:1", 4, "h:2"], [A, B])).toEqual([
      { id: 3, peer: "h:1", dataId: A },
      { id: 4, peer: "h:2", dataId: B },
    ]);
  });

  it("are not guessed", () => {
    expect(() => additions([3, "h:1", 4], undefined)).toThrow("where is node 4?");
    expect(() => additions([3, "h:1", 4, "h:2"], [A])).toThrow("--data-id has 1 values for 2");
  });
});

describe("members to be replaced", () => {
  it("take what belongs to each of them", () => {
    expect(replacements([0], {})).toEqual([{ member: 0 }]);
    expect(replacements([0, 2], { by: [3, 4], peer: ["h:1", "h:2"], dataId: [A, B] })).toEqual([
      { member: 0, id: 3, peer: "h:1", dataId: A },
      { member: 2, id: 4, peer: "h:2", dataId: B },
    ]);
  });

  it("are as many as there are values in each option", () => {
    expect(() => replacements([0, 2], { by: [3] })).toThrow("--by has 1 values for 2 nodes");
    expect(() => replacements([0], { peer: ["h:1", "h:2"] })).toThrow("--peer has 2 values for 1");
    expect(() => replacements([0, 1], { dataId: [A] })).toThrow("--data-id has 1 values for 2");
  });
});

describe("quorums", () => {
  it("stay, are given both sizes, or become majorities", () => {
    expect(quorumsOf({})).toEqual({});
    expect(quorumsOf({ phase1: 3, phase2: 1 })).toEqual({ quorums: { phase1: 3, phase2: 1 } });
    expect(quorumsOf({ majority: true })).toEqual({ quorums: null });
  });

  it("are never half said, nor twice", () => {
    expect(() => quorumsOf({ phase1: 3 })).toThrow("belong together");
    expect(() => quorumsOf({ phase2: 3 })).toThrow("belong together");
    expect(() => quorumsOf({ phase1: 2, phase2: 2, majority: true })).toThrow("no room");
  });
});
