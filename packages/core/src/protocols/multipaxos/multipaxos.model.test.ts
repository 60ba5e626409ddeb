import { explore } from "@synod/simulator";
import { expect, test } from "vitest";
import { multipaxosModel } from "./testing/model.ts";

const without = [
  "heartbeat",
  "heartbeatAck",
  "nack",
  "forward",
  "catchUp",
  "probe",
  "probed",
  "behind",
] as const;
for (const [name, o] of Object.entries({
  a: { elections: [1, 1, 0], crashes: 0, duplicates: 0 },
  b: { elections: [1, 1, 0], crashes: 1, duplicates: 0 },
  c: { elections: [2, 1, 0], crashes: 0, duplicates: 0 },
}))
  test(name, () => {
    const t = performance.now();
    const r = explore(
      multipaxosModel({ size: 3, ...o, requests: { 0: "a#1", 1: "b#1" }, without }),
      { statesMax: 60000, depthMax: 1000 },
    );
    console.log(
      name,
      JSON.stringify({ ...r, violation: r.violation?.problem }),
      performance.now() - t,
    );
    expect(r.violation).toBe(null);
  });
