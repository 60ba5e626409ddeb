import type { PortError } from "@synod/core";
import { LOSE_UNSYNCED } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import type { Manifest } from "./manifest.ts";
import type { SnapshotStore } from "./store.ts";
import {
  executeUpTo,
  hashAt,
  hashOf,
  newExecution,
  open,
  protocolImage,
  write,
} from "./testing/replica.ts";
import { World } from "./testing/world.ts";

function fresh(world: World, chunkBytes?: number): SnapshotStore {
  const store = world.store(world.boot(), chunkBytes);
  expect(open(store, (until) => world.run(until)).outcome.kind).toBe("none");
  return store;
}

function written(world: World, store: SnapshotStore, index: number): Manifest {
  const execution = newExecution();
  executeUpTo(execution, index);
  let manifest: Manifest | null = null;
  write(store, execution, (error, made) => {
    expect(error).toBeNull();
    manifest = made;
  });
  world.run();
  return manifest!;
}

function reopened(world: World): ReturnType<typeof open> {
  return open(world.store(world.boot()), (until) => world.run(until));
}

/** All chunks of `manifest` from one store. */
function chunksOf(world: World, store: SnapshotStore, manifest: Manifest): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let index = 0; index < manifest.chunks.length; index += 1)
    store.readChunk(manifest, index, (problem, bytes) => {
      expect(problem).toBeNull();
      chunks[index] = bytes.slice();
    });
  world.run();
  return chunks;
}

/** In an order that is neither up nor down, with one twice. */
function install(world: World, store: SnapshotStore, manifest: Manifest, chunks: Uint8Array[]) {
  let outcome: { error: PortError | null; manifest: Manifest | null } | null = null;
  store.beginInstall(manifest, (error, begun) => {
    expect(error).toBeNull();
    const order = chunks.map((_, index) => (index * 7 + 3) % chunks.length);
    for (const index of new Set([...order, 0, ...chunks.keys()]))
      begun!.put(index, chunks[index]!.slice(), (problem) => {
        expect(problem).toBeNull();
        if (begun!.isComplete && outcome === null)
          store.commit(begun!, (failed, committed) => {
            outcome = { error: failed, manifest: committed };
          });
      });
  });
  world.run();
  return outcome!;
}

describe("write and open", () => {
  test("the newest snapshot comes back, with the protocol's image; the older one is gone", () => {
    const world = new World();
    const store = fresh(world);
    written(world, store, 100);
    const manifest = written(world, store, 200);
    expect(manifest.position).toEqual({ log: 0, index: 200 });
    expect(manifest.chunks.length).toBeGreaterThan(5);
    expect(store.newest).toEqual(manifest);
    expect(store.bytes).toBe(manifest.totalBytes);
    expect(world.names()).toEqual(["snapshot-200.data", "snapshot-200.manifest"]);
    world.crashNow(LOSE_UNSYNCED);
    const { outcome, execution } = reopened(world);
    expect(outcome).toEqual({ kind: "loaded", manifest, damaged: [] });
    expect(manifest.image).toEqual(protocolImage(manifest.position));
    expect(hashOf(execution)).toBe(hashAt(200));
  });

  test("execution goes on while a snapshot is written, and is not in it", () => {
    const world = new World();
    const store = fresh(world);
    const execution = newExecution();
    executeUpTo(execution, 200);
    let done = false;
    write(store, execution, () => {
      done = true;
    });
    for (let index = 201; !done && index < 2_000; index += 1) {
      executeUpTo(execution, index);
      world.scheduler.step();
    }
    world.run();
    expect(done).toBe(true);
    world.crashNow(LOSE_UNSYNCED);
    expect(hashOf(reopened(world).execution)).toBe(hashAt(200));
  });

  test("two replicas make the same files of the same state", () => {
    const files = [1, 2].map((seed) => {
      const world = new World(seed);
      const store = fresh(world);
      if (seed === 2) written(world, store, 100);
      written(world, store, 300);
      return world.names().map((name) => {
        const file = world.disk.image.file(name)!;
        return [name, [...file.read(0, file.size)]];
      });
    });
    expect(files[0]).toEqual(files[1]);
  });

  test("a snapshot no newer than what is there is not written", () => {
    const world = new World();
    const store = fresh(world);
    const manifest = written(world, store, 200);
    const calls = world.calls;
    expect(written(world, store, 200)).toEqual(manifest);
    expect(written(world, store, 100)).toEqual(manifest);
    expect(world.calls - calls).toBe(2);
  });

  test("without room the older snapshot stays, and nothing is left of the attempt", () => {
    const world = new World();
    const store = fresh(world);
    const manifest = written(world, store, 100);
    world.disk.faults.capacityBytes = world.disk.image.usedBytes() + 1_500;
    const execution = newExecution();
    executeUpTo(execution, 300);
    const seen: unknown[] = [];
    write(store, execution, (error) => seen.push(error?.code));
    world.run();
    expect(seen).toEqual(["no-space"]);
    expect(world.names()).toEqual(["snapshot-100.data", "snapshot-100.manifest"]);
    expect(store.newest).toEqual(manifest);
    world.disk.faults.clear();
    expect(written(world, store, 300).position.index).toBe(300);
  });

  test("every failing call of the disk is reported, and leaves the older snapshot in force", () => {
    for (const call of ["create", "write", "sync", "rename", "syncDirectory"] as const) {
      for (let after = 0; ; after += 1) {
        const world = new World();
        const store = fresh(world);
        written(world, store, 100);
        const error = { code: "io", message: "broken" } as const;
        world.disk.faults.arm({ call, prefix: "", after, times: 1, error });
        const execution = newExecution();
        executeUpTo(execution, 200);
        const seen: unknown[] = [];
        write(store, execution, (failed) => seen.push(failed?.code));
        world.run();
        if (seen[0] === undefined) break;
        expect(seen, `${call} ${after}`).toEqual(["io"]);
        world.killNow();
        world.disk.faults.clear();
        const { outcome, execution: loaded } = reopened(world);
        expect(outcome.kind).toBe("loaded");
        const at = loaded.executedUpTo.index;
        expect(hashOf(loaded)).toBe(hashAt(at));
        if (call !== "syncDirectory") expect(at).toBe(100);
      }
    }
  });

  test("a name that a killed process gave is made durable before it is relied on", () => {
    const world = new World();
    const store = fresh(world);
    const execution = newExecution();
    executeUpTo(execution, 200);
    write(store, execution, () => undefined);
    world.run(() => world.names().includes("snapshot-200.manifest"));
    world.killNow();
    expect(reopened(world).outcome.kind).toBe("loaded");
    world.crashNow(LOSE_UNSYNCED);
    expect(reopened(world).outcome.kind).toBe("loaded");
  });
});

describe("damage", () => {
  /**
   * Files of two snapshots, as after a crash between the newer one and the removal of the older.
   */
  function twoSnapshots(): World {
    const world = new World();
    const store = fresh(world);
    const older = written(world, store, 100);
    store.pin(older.digest);
    written(world, store, 200);
    world.crashNow(LOSE_UNSYNCED);
    expect(world.names().length).toBe(4);
    return world;
  }

  const damages: [string, (world: World) => void][] = [
    ["a flipped bit in a chunk", (world) => world.disk.flipBit("snapshot-200.data", 900, 3)],
    [
      "a flipped bit in the last byte",
      (world) => {
        const { size } = world.disk.image.file("snapshot-200.data")!;
        world.disk.flipBit("snapshot-200.data", size - 1, 0);
      },
    ],
    [
      "a flipped bit in the manifest",
      (world) => world.disk.flipBit("snapshot-200.manifest", 30, 1),
    ],
    ["data that is gone", (world) => world.disk.image.removeAtRest("snapshot-200.data")],
    [
      "data that is too short",
      (world) => {
        const file = world.disk.image.file("snapshot-200.data")!;
        world.disk.image.putAtRest("snapshot-200.data", file.read(0, file.size - 1));
      },
    ],
    [
      "the manifest of another position",
      (world) => {
        const file = world.disk.image.file("snapshot-100.manifest")!;
        world.disk.image.putAtRest("snapshot-200.manifest", file.read(0, file.size));
      },
    ],
  ];
  for (const [what, damage] of damages) {
    test(`${what}: reported, and the previous snapshot is used`, () => {
      const world = twoSnapshots();
      damage(world);
      const { outcome, execution } = reopened(world);
      expect(outcome).toMatchObject({ kind: "loaded", damaged: [200] });
      expect(hashOf(execution)).toBe(hashAt(100));
    });

    test(`${what} and no previous one: lost, however often it is started, never empty`, () => {
      const world = twoSnapshots();
      damage(world);
      world.disk.image.removeAtRest("snapshot-100.manifest");
      for (let start = 0; start < 3; start += 1) {
        expect(reopened(world).outcome).toEqual({ kind: "lost", damaged: [200] });
        world.crashNow(LOSE_UNSYNCED);
      }
    });
  }

  test("a newer snapshot ends it", () => {
    const world = twoSnapshots();
    world.disk.flipBit("snapshot-200.data", 900, 3);
    const store = world.store(world.boot());
    open(store, (until) => world.run(until));
    written(world, store, 300);
    expect(world.names()).toEqual(["snapshot-300.data", "snapshot-300.manifest"]);
    world.crashNow(LOSE_UNSYNCED);
    expect(reopened(world).outcome).toMatchObject({ kind: "loaded", damaged: [] });
  });

  test("found while serving, it is offered no more, and its position is written anew", () => {
    const world = new World();
    const store = fresh(world);
    const manifest = written(world, store, 200);
    world.disk.flipBit("snapshot-200.data", 900, 3);
    const problems: unknown[] = [];
    for (let index = 0; index < manifest.chunks.length; index += 1)
      store.readChunk(manifest, index, (problem) => problems.push(problem?.code ?? null));
    world.run();
    expect(problems.filter((problem) => problem === "damaged").length).toBe(1);
    expect([store.newest, store.find(manifest.digest)]).toEqual([null, null]);
    expect(written(world, store, 200)).toEqual(manifest);
    expect(store.find(manifest.digest)).toEqual(manifest);
  });

  test("a state that no machine takes is damaged too", () => {
    const world = twoSnapshots();
    const store = world.store(world.boot());
    let kind = "";
    const refusing = { add: () => true, finish: () => false };
    store.open(
      () => refusing,
      (outcome) => {
        kind = outcome.kind;
      },
    );
    world.run();
    expect(kind).toBe("lost");
  });

  test("files that are not ours are left alone", () => {
    const world = twoSnapshots();
    const names = ["snapshot-0.data", "snapshot-x.data", "snapshot-5.data.old", "journal-1"];
    for (const name of names) world.disk.image.putAtRest(name, Uint8Array.of(1));
    world.disk.image.putAtRest("snapshot-5.data.writing", Uint8Array.of(1));
    world.disk.image.putAtRest("snapshot-5.data.0123456789abcdef", Uint8Array.of(1));
    world.disk.image.putAtRest("snapshot-7.data", Uint8Array.of(1));
    reopened(world);
    expect(world.names().filter((name) => !/-[12]00\./.test(name))).toEqual(names.toSorted());
  });
});

describe("pins", () => {
  test("a snapshot that is read stays until it is let go", () => {
    const world = new World();
    const store = fresh(world);
    const older = written(world, store, 100);
    expect(store.pin(older.digest)).toBe(true);
    expect(store.pin(older.digest)).toBe(true);
    written(world, store, 200);
    expect(chunksOf(world, store, older).length).toBe(older.chunks.length);
    store.unpin(older.digest);
    world.run();
    expect(store.find(older.digest)).toEqual(older);
    store.unpin(older.digest);
    world.run();
    expect([store.find(older.digest), store.pin(older.digest)]).toEqual([null, false]);
    expect(world.names()).toEqual(["snapshot-200.data", "snapshot-200.manifest"]);
  });
});

describe("install", () => {
  function source(index: number): { manifest: Manifest; chunks: Uint8Array[] } {
    const world = new World(9);
    const store = fresh(world);
    const manifest = written(world, store, index);
    return { manifest, chunks: chunksOf(world, store, manifest) };
  }

  test("chunks in any order make the same snapshot; the older one is gone", () => {
    const { manifest, chunks } = source(300);
    const world = new World();
    const store = fresh(world);
    written(world, store, 100);
    expect(install(world, store, manifest, chunks)).toEqual({ error: null, manifest });
    expect(world.names()).toEqual(["snapshot-300.data", "snapshot-300.manifest"]);
    world.crashNow(LOSE_UNSYNCED);
    const { outcome, execution } = reopened(world);
    expect(outcome).toEqual({ kind: "loaded", manifest, damaged: [] });
    expect(hashOf(execution)).toBe(hashAt(300));
  });

  test("bytes that are not those of the manifest are refused, the right ones still taken", () => {
    const { manifest, chunks } = source(300);
    const world = new World();
    const store = fresh(world);
    const problems: (string | undefined)[] = [];
    store.beginInstall(manifest, (_error, begun) => {
      const wrong = chunks[2]!.slice();
      wrong[5]! ^= 1;
      const note = (problem: { code: string } | null) => problems.push(problem?.code);
      begun!.put(2, wrong, note);
      begun!.put(1, chunks[2]!, note);
      begun!.put(chunks.length, chunks[2]!, note);
      begun!.put(2, chunks[2]!, note);
    });
    world.run();
    expect(problems.toSorted()).toEqual(["damaged", "damaged", "damaged", undefined]);
    expect(install(world, store, manifest, chunks).manifest).toEqual(manifest);
  });

  test("the same install goes on where it was; another one takes its place and its room", () => {
    const first = source(300);
    const second = source(400);
    const world = new World();
    const store = fresh(world);
    const seen: boolean[] = [];
    store.beginInstall(first.manifest, (_error, begun) => {
      begun!.put(0, first.chunks[0]!.slice(), () => {
        store.beginInstall(first.manifest, (_again, same) => {
          seen.push(same!.has(0));
          store.beginInstall(second.manifest, (_other, other) => seen.push(other!.has(0)));
        });
      });
    });
    world.run();
    expect(seen).toEqual([true, false]);
    expect(world.names()).toEqual([`snapshot-400.data.${second.manifest.digest}`]);
    expect(install(world, store, second.manifest, second.chunks).manifest).toEqual(second.manifest);
  });

  test("one given up leaves nothing", () => {
    const { manifest, chunks } = source(300);
    const world = new World();
    const store = fresh(world);
    store.beginInstall(manifest, (_error, begun) => {
      begun!.put(0, chunks[0]!.slice(), () => store.abandon(begun!));
    });
    world.run();
    expect(world.names()).toEqual([]);
    expect(install(world, store, manifest, chunks).manifest).toEqual(manifest);
  });

  test("nothing that is not newer is taken in", () => {
    const { manifest } = source(300);
    const world = new World();
    const store = fresh(world);
    written(world, store, 300);
    let begun: unknown = "not called";
    store.beginInstall(manifest, (_error, made) => {
      begun = made;
    });
    world.run();
    expect(begun).toBeNull();
  });

  test("a write and an install at a time: the newer one remains", () => {
    for (const [ownIndex, fetchedIndex] of [
      [200, 300],
      [300, 200],
      [300, 300],
    ] as const) {
      const { manifest, chunks } = source(fetchedIndex);
      const world = new World();
      const store = fresh(world);
      const execution = newExecution();
      executeUpTo(execution, ownIndex);
      const ends: unknown[] = [];
      write(store, execution, (error) => ends.push(error));
      install(world, store, manifest, chunks);
      world.run();
      expect(ends).toEqual([null]);
      expect(store.newest?.position.index).toBe(300);
      expect(world.names()).toEqual(["snapshot-300.data", "snapshot-300.manifest"]);
      world.crashNow(LOSE_UNSYNCED);
      expect(hashOf(reopened(world).execution)).toBe(hashAt(300));
    }
  });
});
