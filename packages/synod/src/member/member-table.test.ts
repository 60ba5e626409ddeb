import type { MemberList } from "@synod/server";
import { expect, test } from "vitest";
import { memberTable } from "./member-table.ts";

const LIST: MemberList = {
  configuration: 3,
  began: 1_200,
  stopping: false,
  settled: true,
  members: [
    { id: 1, peer: "127.0.0.1:9081", roles: [], dataId: "1".repeat(32), holdsState: true },
    { id: 12, peer: "10.0.0.12:9080", roles: ["learner"], dataId: "", holdsState: false },
  ],
  waitsFor: "",
  quorums: null,
  applicants: [],
};

test("members are rows, whatever is known of them", () => {
  expect(memberTable(LIST)).toBe(
    [
      "NODE  PEER            ROLES    DATA ID                           HOLDS STATE",
      `1     127.0.0.1:9081  all      ${"1".repeat(32)}  yes`,
      "12    10.0.0.12:9080  learner  -                                 no",
      "configuration 3, after slot 1200",
      "",
    ].join("\n"),
  );
});

test("quorums that are no majorities are told", () => {
  const table = memberTable({ ...LIST, quorums: { phase1: 3, phase2: 1 } });
  expect(table).toMatch(/, after slot 1200\nquorums of 3 in phase 1 and 1 in phase 2\n$/);
});

test("a change that is not over, and who wants in, are told below", () => {
  const applicants = [{ id: 4, dataId: "4".repeat(32) }];
  const [, , , , unsettled, waiting, applicant] = memberTable({
    ...LIST,
    settled: false,
    waitsFor: "12 lacks the state",
    applicants,
  }).split("\n");
  expect(unsettled).toMatch(/^not settled yet/);
  expect(waiting).toBe("a change waits: 12 lacks the state");
  expect(applicant).toBe(`node 4 wants to be a member, with data id ${"4".repeat(32)}`);
  const stopping = memberTable({ ...LIST, stopping: true, settled: false });
  expect(stopping).toMatch(/\nit is over; the next one is about to begin\n$/);
});
