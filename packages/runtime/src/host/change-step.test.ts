import type { NodeId } from "@synod/core";
import { expect, test } from "vitest";
import type { Configuration, Member } from "../configuration.ts";
import { nextStep, type Standing } from "./change-step.ts";

const dataId = (id: NodeId): string => `${id}`.padStart(32, "0");

function members(ids: readonly NodeId[]): Member[] {
  return ids.map((id) => ({
    id,
    address: `node-${id}`,
    zone: "",
    roles: [],
    dataId: dataId(id),
  }));
}

function of(ids: readonly NodeId[], quorums: Configuration["quorums"] = null): Configuration {
  return { number: 8, cluster: "c".repeat(32), members: members(ids), quorums };
}

function standing(ids: readonly NodeId[], more: Partial<Standing> = {}): Standing {
  return {
    current: { ...of(ids), number: 7 },
    holders: ids,
    isSettled: true,
    dataIdOf: dataId,
    isConnected: (node, shown) => shown === dataId(node),
    paceOf: () => "level",
    learner: "learner",
    ...more,
  };
}

/** Its members, with a star after those without a vote; or what it waits for, or is refused for. */
function outcome(asked: Configuration, now: Standing): string {
  const step = nextStep(asked, now);
  switch (step.kind) {
    case "propose": {
      expect(step.next.number).toBe(now.current.number + 1);
      const names = step.next.members.map(({ id, roles }) => `${id}${roles.length > 0 ? "*" : ""}`);
      return `${step.isLast ? "last" : "between"} ${names}`;
    }
    case "wait":
      return step.reason;
    case "refuse":
      return step.why.message;
  }
}

test.each([
  [[0, 1, 2], [1, 2, 3], "last 1,2,3"],
  [[0, 1, 2], [0, 1, 2, 3], "last 0,1,2,3"],
  [[0, 1, 2], [0, 1, 2, 3, 4], "last 0,1,2,3,4"],
  [[0, 1, 2], [0], "last 0"],
  [[0, 1, 2], [2, 3, 4], "between 0,1,2,3*,4*"],
  [[0], [0, 1], "between 0,1*"],
  [[0], [0, 1, 2], "between 0,1*,2*"],
  [[0], [5], "between 0,5*"],
  [[0, 1, 2], [3, 4, 5], "between 0,1,2,3*,4*,5*"],
] as const)("from %j to %j, all of whom are there: %s", (from, to, expected) => {
  expect(outcome(of(to), standing(from))).toBe(expected);
});

test("quorums of both phases count, in the sizes that are asked for", () => {
  const five = standing([0, 1, 2, 3, 4]);
  const sizes = { phase1: 4, phase2: 2 };
  expect(outcome(of([0, 1, 2, 3, 5], sizes), five)).toBe("last 0,1,2,3,5");
  expect(outcome(of([0, 1, 2, 5, 6], sizes), five)).toBe("between 0,1,2,3,4,5*,6*");
  expect(outcome(of([0, 1, 2, 5, 6], { phase1: 2, phase2: 4 }), five)).toMatch(/^between/);
});

test("members without a vote are no part of a quorum, and may come without the state", () => {
  const asked = of([0, 1, 2]);
  const roles = ["learner"];
  const [first, second, third] = asked.members as [Member, Member, Member];
  const members = [first, { ...second, roles }, { ...third, roles }];
  expect(outcome({ ...asked, members }, standing([0]))).toBe("last 0,1*,2*");
});

test("newcomers that are members without a vote get it when enough of them hold the state", () => {
  const now = standing([0, 1, 2, 3, 4], { holders: [0, 1, 2] });
  expect(outcome(of([2, 3, 4]), now)).toBe("3 and 4 lack the state");
  const then = standing([0, 1, 2, 3, 4], { holders: [0, 1, 2, 4] });
  expect(outcome(of([2, 3, 4]), then)).toBe("last 2,3,4");
});

test("it waits for the change before, and tells which of the voters lack the state", () => {
  const now = standing([0, 1, 2], { isSettled: false, holders: [1] });
  expect(outcome(of([0, 1]), now)).toBe("0 and 2 lack the state");
});

test("who cannot be reached counts for nothing", () => {
  const isConnected = (node: NodeId): boolean => node !== 1;
  const now = standing([0, 1, 2], { isConnected });
  expect(outcome(of([0, 2, 3]), now)).toBe("last 0,2,3");
  expect(outcome(of([0, 1]), now)).toBe("1 cannot be reached");
  // Three of four would be needed, and only two are there.
  expect(outcome(of([0, 1, 2, 3]), now)).toBe("between 0,1,2,3*");
});

test("who is behind the log counts for nothing until it has caught up", () => {
  const slow = (...ids: NodeId[]) => {
    return { paceOf: (node: NodeId) => (ids.includes(node) ? "behind" : "level") } as const;
  };
  const learners = standing([0, 1, 2, 3, 4], slow(3, 4));
  expect(outcome(of([2, 3, 4]), learners)).toBe("3 and 4 are behind");
  const one = standing([0, 1, 2, 3, 4], slow(3));
  expect(outcome(of([2, 3, 4]), one)).toBe("last 2,3,4");
  // Learners lengthen a configuration, so its own voters have to be ready for another one.
  const busy = standing([0, 1, 2], { ...slow(1, 2), holders: [0, 1] });
  expect(outcome(of([2, 3, 4]), busy)).toBe("2 lacks the state; 1 is behind");
  const silent = standing([0, 1, 2], { paceOf: (node) => (node === 0 ? "level" : "unknown") });
  expect(outcome(of([0, 1, 3]), silent)).toBe("1 has not said how far it is");
});

test("another data directory under the same id holds nothing, and is no newcomer", () => {
  const wiped = { ...of([0, 1, 2]) };
  const replaced = (ids: readonly NodeId[]): Configuration => ({
    ...wiped,
    members: wiped.members.map((member) =>
      ids.includes(member.id) ? { ...member, dataId: "f".repeat(32) } : member,
    ),
  });
  expect(outcome(replaced([0]), standing([0, 1, 2]))).toBe("last 0,1,2");
  expect(outcome(replaced([0, 1]), standing([0, 1, 2]))).toMatch(/: of its members, only 2 can/);
  // Its old directory has held the state, and is not the one that shows itself now.
  const isConnected = (node: NodeId): boolean => node !== 2;
  expect(outcome(of([2]), standing([0, 1, 2], { isConnected }))).toBe("2 cannot be reached");
});

test("in the first configuration data ids are those that are known", () => {
  const now = standing([0, 1, 2]);
  const nameless = now.current.members.map(({ dataId: _, ...member }) => member);
  const first = { ...now, current: { ...now.current, members: nameless } };
  expect(outcome(of([0, 1, 3]), first)).toBe("last 0,1,3");
  const step = nextStep(of([2, 3, 4]), first);
  expect(step).toMatchObject({
    next: { members: members([0, 1, 2, 3, 4]).map(({ dataId }) => ({ dataId })) },
  });
});

test("more members than there may be, with both beside each other, are refused", () => {
  const many = Array.from({ length: 20 }, (_, id) => id);
  const now = standing([50]);
  const asked = of(many);
  const roles = ["learner"];
  const crowd = asked.members.map((member) => (member.id < 5 ? member : { ...member, roles }));
  const current = { ...now.current, members: members(Array.from({ length: 7 }, (_, n) => 30 + n)) };
  const full = { ...standing([]), current, holders: [30, 31, 32, 33] };
  expect(outcome({ ...asked, members: crowd }, full)).toMatch(/^between/);
  const more = members(Array.from({ length: 6 }, (_, n) => 40 + n)).map((m) => ({ ...m, roles }));
  const crowded = { ...full, current: { ...current, members: [...current.members, ...more] } };
  expect(outcome({ ...asked, members: crowd }, crowded)).toMatch(/at most 31 members$/);
});
