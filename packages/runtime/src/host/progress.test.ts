import type { Clock, NodeId } from "@synod/core";
import { beforeEach, expect, test } from "vitest";
import { Progress } from "./progress.ts";

let now: number;
let own: number | null;
let sent: string[];
let progress: Progress;

beforeEach(() => {
  now = 0;
  own = 100;
  sent = [];
  progress = new Progress({
    self: 0,
    clock: { now: () => now } as unknown as Clock,
    send: (to, message) =>
      void sent.push(`${to}: ${message.kind === "progress" ? message.executedUpTo : message.kind}`),
    peers: () => [1, 2],
    executedUpTo: () => own,
  });
});

const keepUp = (): NodeId[] => [0, 1, 2, 7].filter((node) => progress.paceOf(node) === "level");

test("without a survey nobody is asked, and nobody is known to keep up", () => {
  progress.heard(1, 100);
  expect([sent, keepUp()]).toEqual([[], []]);
});

test("whoever has come as far as anybody had when the survey began keeps up", () => {
  progress.survey();
  expect(sent).toEqual(["1: askProgress", "2: askProgress"]);
  expect(keepUp()).toEqual([0]);
  progress.heard(1, 99);
  progress.heard(2, 100);
  expect(keepUp()).toEqual([0, 2]);
});

test("it is compared with what was executed a second ago, not with a mark of long ago", () => {
  for (; now <= 3_000; now += 50) {
    own = 100 + now;
    progress.survey();
  }
  progress.heard(1, 2_099);
  progress.heard(2, 2_100);
  expect(keepUp()).toEqual([0, 2]);
  now += 50;
  progress.survey();
  expect(keepUp()).toEqual([0]);
});

test("the node that asks may itself be the one that is behind, from its first look on", () => {
  progress.survey();
  progress.heard(1, 5_000);
  for (let look = 0; look < 25; look += 1) {
    expect([0, 1, 2].map((node) => progress.paceOf(node))).toEqual(["behind", "level", "unknown"]);
    now += 50;
    progress.survey();
  }
  progress.heard(2, 5_000);
  own = 5_000;
  expect(keepUp()).toEqual([0, 1, 2]);
});

test("who is no member, or another directory under its name, says nothing that counts", () => {
  progress.survey();
  progress.heard(7, 9_000);
  expect(keepUp()).toEqual([0]);
});

test("who was gone has to answer again", () => {
  progress.survey();
  progress.heard(1, 100);
  progress.linkDown(1);
  expect(progress.paceOf(1)).toBe("unknown");
});

test("who executes nothing is never behind", () => {
  progress.survey();
  progress.heard(1, null);
  expect(keepUp()).toEqual([0, 1]);
  own = null;
  progress.asked(2);
  expect(sent.at(-1)).toBe("2: null");
});

test("the next survey begins with nothing", () => {
  progress.survey();
  progress.heard(1, 100);
  progress.end();
  expect(keepUp()).toEqual([]);
  progress.survey();
  expect(keepUp()).toEqual([0]);
});
