import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { play } from "./play.ts";
import { partialConnectivityPage } from "./scenario-page.ts";
import { scenarioStory } from "./scenario-text.ts";

const PAGE = new URL("../../../../../docs/partial-connectivity.md", import.meta.url);

test("docs/partial-connectivity.md says what runs say; UPDATE_DOCS=1 writes it again", () => {
  const page = partialConnectivityPage();
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, "utf8")).toBe(page);
});

test("a story says what was cut, who led, how long it took and whether it is over", () => {
  const story = scenarioStory("omnipaxos", "chained", play("omnipaxos", "chained", 1));
  expect(story.split("\n")).toEqual([
    "chained, 3 nodes of omnipaxos, time-out 500 ms: " +
      "the link between the leader and one of two followers is cut",
    expect.stringMatching(/^node \d led; served again \d\.\d time-outs after the last cut$/),
    expect.stringMatching(/^longest wait \d\.\d time-outs; \d+ commands .*; the same node leads$/),
    "no ballot has moved; every node executes what is decided",
    "recovered",
  ]);
});
