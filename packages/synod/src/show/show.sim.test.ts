import { runInNewContext } from "node:vm";
import { type Regression, runSeed } from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { SYSTEMS } from "../sim/systems.ts";
import { recordLife } from "./record-life.ts";
import { replayPage } from "./replay-page.ts";
import { runPage } from "./testing/page-stage.ts";
import { shortLife } from "./testing/short-life.ts";

const regression: Regression = {
  protocol: "multipaxos",
  mutant: null,
  oracle: "word",
  says: "</script> & <b>",
  life: shortLife(),
};
const { report, record } = recordLife(regression, ["a life", regression.says]);
const page = replayPage(record);

describe("the record of a life", () => {
  it("changes nothing in it", () => {
    const { life } = regression;
    expect(report).toEqual(runSeed(SYSTEMS.multipaxos, life.seed, { life }));
    expect(report.violation).toBeNull();
  });

  it("has the way of every message, from its sender to where it arrives", () => {
    const { messages, messageKinds, nodes } = record;
    expect(messageKinds).toEqual(expect.arrayContaining(["prepare", "promise", "accept"]));
    expect(messages.length).toBeGreaterThan(100);
    for (const [sentMs, from, to, kind, text, arrivedMs] of messages) {
      expect(nodes).toEqual(expect.arrayContaining([from, to]));
      expect(from).not.toBe(to);
      expect(arrivedMs === -1 || arrivedMs > sentMs).toBe(true);
      expect(record.texts[text]).toMatch(/./);
      expect(messageKinds[kind]).toMatch(/./);
    }
    const arrived = messages.filter(([, , , , , arrivedMs]) => arrivedMs >= 0).length;
    expect(arrived / messages.length).toBeGreaterThan(0.8);
  });

  it("has what happened on every node, in order", () => {
    const { marks, markKinds, states, texts } = record;
    expect(marks.map(([atMs]) => atMs)).toEqual(marks.map(([atMs]) => atMs).sort((a, b) => a - b));
    const kinds = new Set(marks.map(([, , kind]) => markKinds[kind]));
    for (const kind of ["up", "down", "fault", "persist", "deliver", "timeout", "client"])
      expect(kinds, kind).toContain(kind);
    const downs = marks.filter(([, , kind]) => markKinds[kind] === "down");
    expect(downs).toHaveLength(report.crashes);
    expect(new Set(states.map(([, , role]) => texts[role]))).toContain("leader");
    const delivered = Math.max(...states.map(([, , , , , upTo]) => upTo));
    expect(delivered).toBeGreaterThan(2);
  });
});

describe("the page of a life", () => {
  it("holds everything, and asks for nothing from elsewhere", () => {
    expect(page.startsWith("<!doctype html>")).toBe(true);
    expect(page).not.toMatch(/https?:|\bsrc=|<link|@import|url\(|\bfetch\(|^import |^export /m);
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).toContain("<p>a life, &lt;/script> &amp; &lt;b></p>");
    const json = /id="record">(.*)<\/script>/.exec(page)?.[1] ?? "";
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(record)));
  });

  it("draws lanes, ballots, leaders and slots, and lists what may be hidden", () => {
    const stage = runPage(page, runInNewContext);
    stage.frame();
    const drawn = stage.drawn();
    for (const node of record.nodes) expect(drawn).toContain(`node ${node}`);
    expect(stage.textOf("verdict")).toBe("No violation.");
    expect(stage.textOf("filters")).toMatch(/prepare\d+.*heartbeat\d+.*writes to disk\d+/);
    expect(stage.textOf("clock")).toMatch(/^\d+\.\d{4} s$/);
    stage.press("0");
    stage.frame();
    const whole = stage.drawn().join("\n");
    expect(whole).toMatch(/^leads \d+\.\d$/m);
    expect(whole).toMatch(/^crash leader at call 3/m);
    expect(stage.strokes()).toBeGreaterThan(50);
  });

  it("shows less when a kind is hidden, and the state of nodes at any moment", () => {
    const stage = runPage(page, runInNewContext);
    stage.press("0");
    stage.frame();
    const before = stage.strokes();
    stage.pressChip("accept");
    stage.frame();
    expect(stage.strokes()).toBeLessThan(before);
    expect(stage.textOf("replicas")).toContain("leader");
    stage.press("Home");
    stage.frame();
    expect(stage.textOf("clock")).toBe("0.0000 s");
    expect(stage.textOf("replicas")).not.toContain("leader");
    stage.press("n");
    stage.frame();
    expect(stage.textOf("details")).toMatch(/node \d is up/);
  });

  it("tells a violation first", () => {
    const violation = { atMs: 1_600, text: "word: node 0 forgot" };
    const told = replayPage({ ...record, violation });
    const stage = runPage(told, runInNewContext);
    stage.frame();
    expect(stage.textOf("verdict")).toBe("Violation at 1.6000 s: word: node 0 forgot");
    expect(stage.textOf("clock")).toBe("1.6000 s");
  });
});
