import { explore } from "@synod/simulator";
import { test } from "vitest";
import { pmmcModel } from "./testing/model.ts";
const ALL = { statesMax: 1_500_000, depthMax: 10_000 };
const PHASES = ["p1a", "p1b", "p2a", "p2b"] as const;
test("x", () => {
  for (const [name, o] of Object.entries({
    two: { size: 3, scouts: [1, 1, 0], requests: { 0: ["a#1"], 1: ["b#1"] }, kinds: PHASES },
    twoD: { size: 3, scouts: [1, 1, 0], requests: { 0: ["a#1"], 1: ["b#1"] }, kinds: [...PHASES, "decision" as const] },
    twoDC: { size: 3, scouts: [1, 1, 0], requests: { 0: ["a#1"], 1: ["b#1"] }, kinds: PHASES, crashes: 1 },
    oneC2: { size: 3, scouts: [1, 0, 0], requests: { 0: ["a#1"], 1: ["b#1"] }, kinds: [...PHASES, "decision" as const], crashes: 2 },
  })) {
    const t = performance.now();
    const r = explore(pmmcModel(o), ALL);
    console.log(name, Math.round(performance.now() - t), JSON.stringify({ ...r, violation: r.violation && { p: r.violation.problem, n: r.violation.path.length } }));
    if (r.violation) { const m = pmmcModel(o); let s = m.initial[0]; for (const a of r.violation.path) { console.log(m.describe(s as never, a as never)); s = m.apply(s as never, a as never) as never; } }
  }
}, 600000);
