import type { NodeStatus } from "@synod/server";
import { expect, test } from "vitest";
import { statusTable } from "./status-table.ts";

const STATUS: NodeStatus = {
  id: 0,
  pid: 4711,
  cluster: "0".repeat(32),
  protocol: "multipaxos",
  role: "leader",
  leader: 0,
  ballot: "3.0",
  chosenUpTo: 120,
  executedUpTo: 120,
  compactedUpTo: 0,
  configuration: 1,
  membership: "member",
  dataId: "1".repeat(32),
  incarnation: 2,
  voter: true,
  nonVoterReason: "",
  ready: true,
  notReadyReason: "",
  journalBytes: 1023,
  snapshotBytes: 5 * 1024 * 1024,
  snapshotUpTo: 0,
  sessions: 1,
  outstanding: 0,
  diskFull: false,
  uptimeSeconds: 10,
  peers: [],
  detail: {},
};

test("one line per node, columns aligned, lag from the furthest", () => {
  const behind = { ...STATUS, id: 1, role: "follower", executedUpTo: 20, chosenUpTo: 100 };
  const table = statusTable([
    { url: "http://a:1", status: STATUS, reason: "" },
    { url: "http://b:22", status: { ...behind, leader: null }, reason: "" },
  ]);
  expect(table.split("\n")).toEqual([
    "URL          NODE  ROLE      LEADER  BALLOT  EXECUTED  LAG  VOTES  READY  " +
      "INCARNATION  JOURNAL  SNAPSHOT  PID",
    "http://a:1   0     leader    0       3.0     120       0    yes    yes    2            1023 B   5.0 MiB   4711",
    "http://b:22  1     follower  -       3.0     20        100  yes    yes    2            1023 B   5.0 MiB   4711",
    "",
  ]);
});

test("says why a node is silent, does not vote, is not ready, or is not counted", () => {
  const peer = { id: 0, connected: true, dataId: "", incarnation: 1, refused: "an old copy" };
  const odd = {
    ...STATUS,
    voter: false,
    nonVoterReason: "its disk was lost",
    ready: false,
    notReadyReason: "catching up: executed up to 3 of 9",
    diskFull: true,
    peers: [peer, { ...peer, id: 2, refused: "" }],
  };
  const lines = statusTable([
    { url: "http://a:1", status: odd, reason: "" },
    { url: "http://b:2", status: null, reason: "nothing listens there" },
  ]).split("\n");
  expect(lines[2]).toBe("http://b:2  nothing listens there");
  expect(lines.slice(3)).toEqual([
    "node 0 does not vote: its disk was lost",
    "node 0 is not ready: catching up: executed up to 3 of 9",
    "node 0: its disk is full; it only reads",
    "node 0 does not count node 0's votes: an old copy",
    "",
  ]);
});

test("no node at all", () => {
  const table = statusTable([{ url: "http://a:1", status: null, reason: "nothing listens there" }]);
  expect(table.split("\n")[1]).toBe("http://a:1  nothing listens there");
});
