import { describe, expect, test } from "vitest";
import type { Configuration, Member } from "../configuration.ts";
import type { ReconfigureRequest } from "../host-options.ts";
import { encodeStop, nextConfiguration, stopOutcome, successorOf } from "./next-configuration.ts";

const memberOf = (id: number): Member => ({ id, address: `node-${id}`, zone: "", roles: [] });
const dataIdOf = (id: number): string => `${id}`.repeat(32);

const current: Configuration = {
  number: 3,
  cluster: "c".repeat(32),
  members: [0, 1, 2].map((id) => ({ ...memberOf(id), dataId: dataIdOf(id) })),
  quorums: null,
};

function request(change: Partial<ReconfigureRequest>): ReconfigureRequest {
  return { token: 1, replaces: 3, members: [], quorums: null, deadlineMs: 1, ...change };
}

/** Knows members and node 3, which has knocked. */
const known = (id: number): string => (id <= 3 ? dataIdOf(id) : "");

function next(change: Partial<ReconfigureRequest>): Configuration | string {
  const found = nextConfiguration(current, request(change), known);
  return "code" in found ? `${found.code} ${found.applied}` : found;
}

describe("what is asked for", () => {
  test("becomes the next configuration, in order, with the data ids that are known here", () => {
    expect(next({ members: [memberOf(3), memberOf(0)] })).toEqual({
      ...current,
      number: 4,
      members: [0, 3].map((id) => ({ ...memberOf(id), dataId: dataIdOf(id) })),
    });
  });

  test("replaces a member under its id when it names another data directory", () => {
    const replaced = { ...memberOf(2), dataId: "f".repeat(32) };
    expect(next({ members: [memberOf(0), memberOf(1), replaced] })).toMatchObject({
      number: 4,
      members: [{ id: 0 }, { id: 1 }, replaced],
    });
  });

  test.each([
    ["after another change", { replaces: 2, members: [memberOf(0)] }, "configuration-changed no"],
    ["of somebody unknown", { members: [memberOf(0), memberOf(4)] }, "data-id-unknown no"],
    ["of nobody", { members: [] }, "configuration-invalid no"],
    ["twice the same", { members: [memberOf(0), memberOf(0)] }, "configuration-invalid no"],
    [
      "with quorums that do not meet",
      { members: [memberOf(0), memberOf(1)], quorums: { phase1: 1, phase2: 1 } },
      "configuration-invalid no",
    ],
    [
      "of what is there already",
      { members: [memberOf(2), memberOf(1), memberOf(0)] },
      "configuration-unchanged no",
    ],
  ] as const)("%s is refused, and nothing is done", (_, change, code) => {
    expect(next(change)).toBe(code);
  });

  test("with another address or other quorums is a change", () => {
    const members = current.members.map((member) => ({ ...member, address: "elsewhere" }));
    expect(next({ members })).toMatchObject({ number: 4 });
    const quorums = { phase1: 3, phase2: 1 };
    expect(next({ members: current.members, quorums })).toMatchObject({ number: 4, quorums });
  });
});

describe("a stop", () => {
  const position = { log: 0, index: 40 };
  const successor = {
    ...current,
    number: 4,
    members: [{ ...memberOf(7), dataId: "7".repeat(32) }],
  };

  test("begins the configuration that it carries", () => {
    const tenure = successorOf(current, encodeStop(successor), position);
    expect(tenure).toEqual({ configuration: successor, began: position });
  });

  test.each([
    ["noise", Uint8Array.of(1, 2, 3)],
    ["the number of another one", encodeStop({ ...successor, number: 5 })],
    ["another cluster", encodeStop({ ...successor, cluster: "d".repeat(32) })],
    ["something behind it", Uint8Array.from([...encodeStop(successor), 0])],
  ])("that carries %s cannot be taken back: the same members go on", (_, payload) => {
    expect(successorOf(current, payload, position)).toEqual({
      configuration: { ...current, number: 4 },
      began: position,
    });
  });

  test("is done when its configuration is the one that began, and else was not applied", () => {
    const tenure = { configuration: successor, began: position };
    expect(stopOutcome(tenure, encodeStop(successor))).toMatchObject({ kind: "done", position });
    const other = encodeStop({ ...successor, quorums: { phase1: 1, phase2: 1 } });
    expect(stopOutcome(tenure, other)).toMatchObject({
      code: "configuration-changed",
      applied: "no",
    });
  });
});
