import { expect, test } from "vitest";
import type { Out } from "./messages.ts";
import { setTimer, TIMER_NAMES, tellDurably, tellNow, tellOthersNow } from "./send.ts";
import { createSolo, heartbeat, prepare } from "./testing/solo.ts";

test("nothing is sent at once to oneself, to nobody, or by somebody alone", () => {
  const out: Out = [];
  const { state } = createSolo();
  tellNow(state, out, 0, heartbeat("1.0"));
  tellDurably(out, [], prepare("1.0"));
  tellOthersNow(createSolo({ size: 1 }).state, out, heartbeat("1.0"));
  expect(out).toEqual([]);
  tellOthersNow(state, out, heartbeat("1.0"));
  tellDurably(out, [0, 1], prepare("1.0"));
  expect(out.map((effect) => effect.kind)).toEqual(["sendNow", "send"]);
});

test("every timer that goes off after its time does no harm", () => {
  for (const name of TIMER_NAMES) {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    const before = JSON.stringify([...solo.state.log]);
    const lines = solo.timeout(name);
    // The election alone is in its time here.
    if (name === "election") expect(lines[0]).toContain("probe");
    else expect(lines).toEqual([]);
    expect(JSON.stringify([...solo.state.log])).toBe(before);
    expect(solo.state.role.kind).toBe(name === "election" ? "prober" : "follower");
  }
});

test("a timer that is set again moves, one that is cleared is gone", () => {
  const out: Out = [];
  setTimer(out, "reads", 5);
  setTimer(out, "reads", null);
  expect(out).toEqual([
    { kind: "timer", name: "reads", ms: 5 },
    { kind: "timer", name: "reads", ms: null },
  ]);
});
