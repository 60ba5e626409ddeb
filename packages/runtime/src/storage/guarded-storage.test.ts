import type { Done } from "@synod/core";
import { expect, test } from "vitest";
import { createGuard } from "../guard.ts";
import type { Manifest } from "../snapshots/manifest.ts";
import { guardedStorage } from "./guarded-storage.ts";
import type { ReplicaStorage } from "./replica-storage.ts";

/** Remembers whom it has to answer, whatever it is asked. */
function asked(): { readonly storage: ReplicaStorage; readonly callbacks: Done[] } {
  const callbacks: Done[] = [];
  const anything: ProxyHandler<object> = {
    get: (_, name) => {
      if (name === "openJournal" || name === "snapshots") return () => new Proxy({}, anything);
      return (...args: unknown[]) => {
        callbacks.push(...args.filter((arg): arg is Done => typeof arg === "function"));
      };
    },
  };
  return { storage: new Proxy({}, anything) as ReplicaStorage, callbacks };
}

test("every callback of a storage, its journals and snapshots is the host's to stop", () => {
  const { storage, callbacks } = asked();
  let stopped = false;
  const reasons: string[] = [];
  const guarded = guardedStorage(
    storage,
    createGuard(
      () => stopped,
      (reason) => void reasons.push(reason.split("\n")[0] as string),
    ),
  );
  let calls = 0;
  const done = (): never => {
    calls += 1;
    throw new Error("broken");
  };
  const name = { dataId: "0".repeat(32), configuration: 1 };
  guarded.beginJournal(name, done);
  guarded.removeJournals([1], done);
  guarded.close(done);
  const journal = guarded.openJournal(name);
  journal.recover(done, done);
  journal.flush(done);
  journal.close(done);
  const snapshots = guarded.snapshots(1_000);
  const manifest = {} as Manifest;
  // What makes a place for the state is called for its result: the one that is no callback.
  const restore = { add: () => true, finish: () => true };
  snapshots.open(() => restore, done);
  snapshots.load(manifest, restore, done);
  const image = { next: () => null, release: () => undefined };
  const taken = { position: { log: 0, index: 1 }, protocolImage: new Uint8Array(0), tenure: null };
  snapshots.write(taken, image, done);
  snapshots.readChunk(manifest, 0, done);
  snapshots.beginInstall(manifest, done);
  const intake = { manifest, isComplete: false, has: () => false, put: () => undefined };
  snapshots.commit(intake, done);
  expect(callbacks).toHaveLength(14);
  for (const callback of callbacks) callback(null);
  expect([calls, reasons.length]).toEqual([13, 13]);
  expect(new Set(reasons)).toEqual(new Set(["Error: broken"]));
  stopped = true;
  for (const callback of callbacks) callback(null);
  expect(calls).toBe(13);
});
