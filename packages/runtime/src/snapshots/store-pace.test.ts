import { crc32, type MachineImage, type MachineRestore } from "@synod/core";
import { expect, test } from "vitest";
import { SpareTime } from "../spare-time.ts";
import type { Manifest } from "./manifest.ts";
import { SnapshotStore } from "./store.ts";
import { executeUpTo, newExecution } from "./testing/replica.ts";
import { World } from "./testing/world.ts";

/** What one slice costs, to be made or to be put in place. */
const SLICE_MS = 4;
const PARTS = 20;

/** A store whose slices take time; `busy`: commands come all the while. */
function create(busy: boolean) {
  const world = new World();
  const life = world.boot();
  let worked = 0;
  const clock = { ...life.clock, now: () => life.clock.now() + worked };
  const spare = new SpareTime(clock);
  const guard = <A extends unknown[]>(callback: (...args: A) => void) => callback;
  const ports = { disk: life.disk, clock, checksum: crc32, guard, chunkBytes: 200 };
  const store = new SnapshotStore({ ...ports, spare });
  const come = (): void => {
    spare.commandsCame(false);
    world.scheduler.after(50, 0, "timer", come);
  };
  if (busy) come();
  const work = <T>(result: T): T => {
    worked += SLICE_MS;
    return result;
  };
  /** Virtual ms that pass until it is done, without the work itself. */
  const time = (begin: (done: () => void) => void): number => {
    const { scheduler } = world;
    const begunAt = scheduler.now;
    let over = false;
    begin(() => {
      over = true;
    });
    world.run(() => over);
    return scheduler.now - begunAt;
  };
  return { store, work, time };
}

/** How long a snapshot is written and loaded, and of how many chunks. */
function course(busy: boolean) {
  const { store, work, time } = create(busy);
  const execution = newExecution();
  executeUpTo(execution, 300);
  const position = execution.executedUpTo;
  const frozen = execution.freeze();
  const image: MachineImage = {
    next: (bytesMax) => work(frozen.next(bytesMax)),
    release: () => frozen.release(),
  };
  const restored = newExecution().restore();
  const restore: MachineRestore = {
    add: (slice) => work(restored.add(slice)),
    finish: () => restored.finish(),
  };
  let manifest: Manifest | null = null;
  time((done) =>
    store.open(
      () => restore,
      () => done(),
    ),
  );
  const taken = { position, protocolImage: new Uint8Array(0), tenure: null };
  const writing = time((done) =>
    store.write(taken, image, (error, made) => {
      expect(error).toBeNull();
      manifest = made;
      done();
    }),
  );
  const loading = time((done) =>
    store.load(manifest as unknown as Manifest, restore, (problem) => {
      expect(problem).toBeNull();
      done();
    }),
  );
  return { writing, loading, chunks: (manifest as unknown as Manifest).chunks.length };
}

test("while no commands come, a snapshot is written and loaded as fast as it goes", () => {
  const { writing, loading, chunks } = course(false);
  expect(chunks).toBeGreaterThan(20);
  expect(writing).toBeLessThan(chunks * SLICE_MS);
  expect(loading).toBeLessThan(chunks * SLICE_MS);
});

test("while they come, each slice is followed by a rest in proportion to what it took", () => {
  const { writing, loading, chunks } = course(true);
  const rests = (chunks - 1) * SLICE_MS * (PARTS - 1);
  expect(writing).toBeGreaterThanOrEqual(rests);
  expect(writing).toBeLessThan(1.5 * rests);
  expect(loading).toBeGreaterThanOrEqual(rests);
  expect(loading).toBeLessThan(1.5 * rests);
});
