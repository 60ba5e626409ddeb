import { type CrashFate, KEEP_UNSYNCED, LOSE_UNSYNCED } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import type { Manifest } from "./manifest.ts";
import type { SnapshotStore } from "./store.ts";
import {
  commandAt,
  executeUpTo,
  hashAt,
  hashOf,
  newExecution,
  open,
  write,
} from "./testing/replica.ts";
import { World } from "./testing/world.ts";

/** Everything unsynced lost, everything kept, and six mixtures. */
const FATES: readonly (CrashFate | number)[] = [LOSE_UNSYNCED, KEEP_UNSYNCED, 1, 2, 3, 4, 5, 6];

/** Few chunks, but several: every one means another start for every fate. */
const CHUNK_BYTES = 700;

/** A machine that holds a durable snapshot of the state at 100. */
function machine(): World {
  const world = new World();
  const store = world.store(world.boot(), CHUNK_BYTES);
  open(store, (until) => world.run(until));
  const execution = newExecution();
  executeUpTo(execution, 100);
  write(store, execution, () => undefined);
  world.run();
  world.crashNow(LOSE_UNSYNCED);
  return world;
}

function start(world: World): { store: SnapshotStore; index: number; hash: string } {
  const store = world.store(world.boot(), CHUNK_BYTES);
  const { outcome, execution } = open(store, (until) => world.run(until));
  expect(outcome).toMatchObject({ kind: "loaded", damaged: [] });
  return { store, index: execution.executedUpTo.index, hash: hashOf(execution) };
}

/**
 * Runs `work` on a fresh machine with a crash at its first port call, at its second, and so on
 * until it ends without one. `work` says whether it was told that it is done. After every crash the
 * machine holds the old state or the new one, and the new one for certain once that was told.
 */
function crashEverywhere(
  newer: number,
  work: (world: World, store: SnapshotStore) => () => boolean,
) {
  const expected = new Map([100, newer].map((index) => [index, hashAt(index)]));
  let crashes = 0;
  const ends = new Set<number>();
  for (const fate of FATES) {
    for (let call = 1; ; call += 1) {
      const world = machine();
      const { store } = start(world);
      world.crashAt(world.calls + call, fate);
      const isDone = work(world, store);
      world.run();
      const finished = !world.crashed;
      if (finished) world.crashNow(fate);
      else crashes += 1;
      const after = start(world);
      const told = isDone();
      expect(after.hash, `crash at call ${call}`).toBe(expected.get(after.index));
      if (told) expect(after.index, `told, crash at call ${call}`).toBe(newer);
      ends.add(after.index);
      // What is left of the attempt does not stand in the way of the next one.
      work(world, after.store);
      world.run();
      expect(world.names()).toEqual([`snapshot-${newer}.data`, `snapshot-${newer}.manifest`]);
      if (finished) break;
    }
  }
  expect([...ends].sort()).toEqual([100, newer]);
  return crashes;
}

describe("a crash at every port call", () => {
  test("of a snapshot write", () => {
    const crashes = crashEverywhere(200, (world, store) => {
      const execution = newExecution();
      executeUpTo(execution, 200);
      let done = false;
      write(store, execution, (error) => {
        done = error === null && !world.crashed;
      });
      return () => done;
    });
    expect(crashes).toBeGreaterThan(8 * 20);
  });

  test("of a snapshot install", () => {
    const { manifest, chunks } = fetched(300);
    const crashes = crashEverywhere(300, (_world, store) => {
      let done = false;
      store.beginInstall(manifest, (error, install) => {
        if (error !== null || install === null) {
          done = error === null;
          return;
        }
        for (const [index, chunk] of chunks.entries())
          install.put(index, chunk.slice(), () => {
            if (!install.isComplete) return;
            store.commit(install, (failed) => {
              done = failed === null;
            });
          });
      });
      return () => done;
    });
    expect(crashes).toBeGreaterThan(8 * 12);
  });
});

describe("session expiry", () => {
  /**
   * A replica executes the log and takes a snapshot at every barrier; it crashes, loads what there
   * is, and executes the log from there. Sessions expire all the while, before, in and after the
   * snapshots.
   */
  test("a crash at every port call: who expired and who is remembered stays the same", () => {
    const END = 250;
    const expected = hashAt(END);
    let crashes = 0;
    for (const fate of [LOSE_UNSYNCED, KEEP_UNSYNCED, 5]) {
      for (let call = 1; ; call += 1) {
        const world = new World();
        life(world, { call, fate }, END);
        const finished = !world.crashed;
        if (!finished) crashes += 1;
        world.crashNow(fate);
        expect(life(world, null, END), `crash at call ${call}`).toBe(expected);
        if (finished) break;
      }
    }
    expect(crashes).toBeGreaterThan(3 * 40);
  });

  test("the log of this test opens sessions, lets them expire, and meets both afterwards", () => {
    const execution = newExecution();
    const seen = { done: 0, repeated: 0, "session-expired": 0 };
    const reopened = new Set<string>();
    for (let index = 1; index <= 450; index += 1) {
      const command = commandAt(index);
      const executed = execution.execute({ log: 0, index }, command);
      if (executed.kind === "refused") {
        expect(executed.code).toBe("session-expired");
        seen["session-expired"] += 1;
        reopened.delete(command.client);
      } else {
        seen[executed.repeated ? "repeated" : "done"] += 1;
        reopened.add(command.client);
      }
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
    expect(reopened.size).toBeGreaterThan(7);
  });

  function life(
    world: World,
    crash: { call: number; fate: CrashFate | number } | null,
    end: number,
  ): string {
    const ports = world.boot();
    if (crash !== null) world.crashAt(crash.call, crash.fate);
    const store = world.store(ports, CHUNK_BYTES);
    let execution = newExecution();
    let opened = false;
    store.open(
      () => execution.restore(),
      (outcome) => {
        if (outcome.kind === "none") execution = newExecution();
        opened = true;
      },
    );
    world.run(() => opened || world.crashed);
    while (opened && !world.crashed && execution.executedUpTo.index < end) {
      const { index } = execution.executedUpTo;
      executeUpTo(execution, Math.min(end, index - (index % 100) + 100));
      if (execution.executedUpTo.index % 100 === 0) write(store, execution, () => undefined);
      world.run();
    }
    return world.crashed ? "" : hashOf(execution);
  }
});

function fetched(index: number): { manifest: Manifest; chunks: Uint8Array[] } {
  const world = new World(9);
  const store = world.store(world.boot(), CHUNK_BYTES);
  open(store, (until) => world.run(until));
  const execution = newExecution();
  executeUpTo(execution, index);
  const chunks: Uint8Array[] = [];
  let manifest: Manifest | null = null;
  write(store, execution, (_error, made) => {
    manifest = made;
    for (let at = 0; at < made!.chunks.length; at += 1)
      store.readChunk(made!, at, (_problem, bytes) => {
        chunks[at] = bytes.slice();
      });
  });
  world.run();
  return { manifest: manifest!, chunks };
}
