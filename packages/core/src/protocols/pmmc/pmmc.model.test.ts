import { appendFileSync } from "node:fs";
import { explore } from "@synod/simulator";
import { test } from "vitest";
import { pmmcModel } from "./testing/model.ts";
const ALL = { statesMax: 600_000, depthMax: 10_000 };
const PHASES = ["p1a", "p1b", "p2a", "p2b"] as const;
test("x", () => {
  for (const [name, o] of Object.entries({
    oneA: { size: 3, scouts: [1, 0, 0], requests: { 0: ["a#1"] }, kinds: [...PHASES, "decision" as const], crashes: 0 },
    oneC1: { size: 3, scouts: [1, 0, 0], requests: { 0: ["a#1"] }, kinds: [...PHASES, "decision" as const], crashes: 1 },
    two: { size: 3, scouts: [1, 1, 0], requests: { 0: ["a#1"], 1: ["b#1"] }, kinds: PHASES },
    twoC: { size: 3, scouts: [1, 1, 0], requests: { 0: ["a#1"], 1: ["b#1"] }, kinds: PHASES, crashes: 1 },
  })) {
    const t = performance.now();
    const r = explore(pmmcModel(o), ALL);
    appendFileSync("/tmp/pm/model.log", `${name} ${Math.round(performance.now() - t)} ${JSON.stringify({ ...r, violation: r.violation && { p: r.violation.problem, n: r.violation.path.length } })}\n`);
    if (r.violation) { const m = pmmcModel(o); let s = m.initial[0]; for (const a of r.violation.path) { appendFileSync("/tmp/pm/model.log", m.describe(s as never, a as never) + "\n"); s = m.apply(s as never, a as never) as never; } }
  }
}, 600000);
