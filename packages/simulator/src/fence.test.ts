import type { Ports } from "@synod/core";
import { describe, expect, it } from "vitest";
import { VirtualDisk } from "./disk.ts";
import { Fence, fenced } from "./fence.ts";
import { Scheduler } from "./scheduler.ts";
import { virtualClock, virtualRandom } from "./virtual-clock.ts";

function createPorts(fence: Fence) {
  const scheduler = new Scheduler();
  const disk = new VirtualDisk({
    seed: 1,
    schedule: (ms, callback) => void scheduler.after(ms, 0, "disk", callback),
  });
  const sent: number[] = [];
  const faults = { rate: 1, offsetMs: 0, lateMs: 0 };
  const ports: Ports = {
    clock: virtualClock(scheduler, { seed: 1, node: 0, incarnation: 1, faults }),
    network: {
      open: () => undefined,
      announce: () => undefined,
      reach: () => undefined,
      send: (_to, _lane, frame) => sent.push(frame[0] as number),
      close: () => undefined,
    },
    disk: disk.attach(),
    random: virtualRandom(1, 0, 1),
  };
  return { scheduler, disk, sent, ports: fenced(ports, fence) };
}

describe("Fence", () => {
  it("lets exactly the calls before the fatal one through, whichever port they go to", () => {
    for (let fatal = 1; fatal <= 6; fatal += 1) {
      const falls: number[] = [];
      const fence = new Fence(() => falls.push(fence.calls));
      const { sent, ports, disk } = createPorts(fence);
      fence.fallAt(fatal);
      for (const n of [1, 2, 3]) {
        ports.network.send([1], "urgent", Uint8Array.of(n));
        ports.disk.create(`file-${n}`, () => undefined);
      }
      expect(falls).toEqual([fatal - 1]);
      expect(sent.length + disk.calls).toBe(fatal - 1);
    }
  });

  it("swallows what comes back after the fall", () => {
    const fence = new Fence(() => undefined);
    const { scheduler, ports } = createPorts(fence);
    const came: string[] = [];
    ports.clock.setTimer(5, () => came.push("timer"));
    ports.clock.defer(() => came.push("defer"));
    ports.disk.list(() => came.push("disk"));
    fence.fall();
    while (scheduler.step());
    expect(came).toEqual([]);
  });

  it("does not fall when the armed fall was called off", () => {
    const fence = new Fence(() => undefined);
    const { sent, ports } = createPorts(fence);
    fence.fallAt(1);
    fence.spare();
    ports.network.send([1], "urgent", Uint8Array.of(1));
    expect(fence.down).toBe(false);
    expect(sent).toEqual([1]);
  });
});
