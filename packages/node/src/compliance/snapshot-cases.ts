import { crc32 } from "node:zlib";
import { hash64, type MachineImage, type MachineRestore, type Position } from "@synod/core";
import {
  describeChunk,
  encodeManifest,
  type LoadOutcome,
  type Manifest,
  type SnapshotIntake,
  type SnapshotStorage,
  type SnapshotTaken,
} from "@synod/runtime";
import { ask, bytesOf, type ComplianceCase, expectEqual, ok, textOf } from "./case.ts";

/** Two places for snapshots, as on two members. */
export interface SnapshotSubject {
  /**
   * Opens the first place, at first an empty one. Each call stands for a restart after a crash: the
   * storage given before it is gone.
   */
  open(): SnapshotStorage;
  /** The other place, likewise. */
  openOther(): SnapshotStorage;
}

/** What every storage of snapshots must do. */
export const SNAPSHOT_COMPLIANCE: readonly ComplianceCase<SnapshotSubject>[] = [
  {
    name: "holds none at first",
    async run(subject) {
      const storage = subject.open();
      expectEqual((await found(storage)).outcome, { kind: "none" });
      expectEqual([storage.newest, storage.bytes], [null, 0]);
    },
  },
  {
    name: "loads after a restart what was written, with the image of the protocol",
    async run(subject) {
      const manifest = await written(await opened(subject), 7, "state of seven");
      expectEqual(manifest.position, at(7));
      const again = subject.open();
      const { outcome, state } = await found(again);
      expectEqual(outcome, { kind: "loaded", manifest, damaged: [] } as LoadOutcome);
      expectEqual([state, textOf(manifest.image)], ["state of seven", "image of 7"]);
      expectEqual([again.newest, again.bytes], [manifest, manifest.totalBytes]);
    },
  },
  {
    name: "makes the very manifest that every other member makes of the same state",
    async run(subject) {
      const { digest, chunks, totalBytes } = await written(await opened(subject), 7, "state");
      let offset = 0;
      const expected = [...chunksIn("state")].map((piece) => {
        const chunk = describeChunk(bytesOf(piece), offset, crc32);
        offset += chunk.length;
        return chunk;
      });
      expectEqual([...chunks], expected);
      const image = bytesOf("image of 7");
      const same = { position: at(7), image, tenure: null, chunks: expected };
      expectEqual([digest, totalBytes], [hash64(encodeManifest(same, crc32)), 5]);
    },
  },
  {
    name: "releases the image that it has written, once, and one that it does not need",
    async run(subject) {
      const storage = await opened(subject);
      const released: number[] = [];
      for (const index of [5, 3]) {
        const image = { ...imageOf("state"), release: () => void released.push(index) };
        await ok<Manifest>((done) => storage.write(taken(index, ""), image, done));
      }
      expectEqual(released, [5, 3]);
    },
  },
  {
    name: "puts a newer one in the place of an older one, and never the other way round",
    async run(subject) {
      const storage = await opened(subject);
      const older = await written(storage, 7, "older");
      const newer = await written(storage, 9, "newer");
      expectEqual(await written(storage, 8, "too late"), newer);
      expectEqual([storage.newest, storage.find(newer.digest)], [newer, newer]);
      expectEqual(storage.find(older.digest), null);
      const { state } = await found(subject.open());
      expectEqual(state, "newer");
    },
  },
  {
    name: "keeps an older one for as long as somebody reads it",
    async run(subject) {
      const storage = await opened(subject);
      const older = await written(storage, 7, "older");
      expectEqual([storage.pin(older.digest), storage.pin("no such digest")], [true, false]);
      await written(storage, 9, "newer");
      expectEqual(await chunksOf(storage, older), [...chunksIn("older")]);
      storage.unpin(older.digest);
      expectEqual(storage.find(older.digest), null);
    },
  },
  {
    name: "takes in a snapshot of another member, in whatever order the chunks come",
    async run(subject) {
      const source = await opened(subject);
      const manifest = await written(source, 7, "state of seven");
      const chunks = await chunksOf(source, manifest);
      const other = await openedOther(subject);
      const intake = await begun(other, manifest);
      for (const index of [...chunks.keys()].reverse()) {
        expectEqual([intake.isComplete, intake.has(index)], [false, false]);
        await ok((done) => intake.put(index, bytesOf(chunks[index] as string), done));
        expectEqual(intake.has(index), true);
      }
      expectEqual(intake.isComplete, true);
      expectEqual(await ok<Manifest>((done) => other.commit(intake, done)), manifest);
      const { outcome, state } = await found(subject.openOther());
      expectEqual([outcome.kind, state], ["loaded", "state of seven"]);
    },
  },
  {
    name: "refuses a chunk that is not the manifest's",
    async run(subject) {
      const manifest = await written(await opened(subject), 7, "state of seven");
      const intake = await begun(await openedOther(subject), manifest);
      const wrong = await ask((done) => intake.put(0, bytesOf("STAT"), done));
      expectEqual([wrong.error, intake.has(0)], ["damaged", false]);
      const none = await ask((done) => intake.put(99, bytesOf("stat"), done));
      expectEqual(none.error, "damaged");
    },
  },
  {
    name: "holds on to what it has until an install is committed",
    async run(subject) {
      const manifest = await written(await opened(subject), 9, "newer");
      const other = await openedOther(subject);
      await written(other, 7, "older");
      const intake = await begun(other, manifest);
      await ok((done) => intake.put(0, bytesOf("newe"), done));
      expectEqual(other.newest?.position, at(7));
      expectEqual((await found(subject.openOther())).state, "older");
    },
  },
  {
    name: "goes on with an intake that is begun again, and gives it up for another",
    async run(subject) {
      const source = await opened(subject);
      const first = await written(source, 7, "state of seven");
      const [chunk = ""] = await chunksOf(source, first);
      const second = await written(source, 9, "state of nine");
      const other = await openedOther(subject);
      const intake = await begun(other, first);
      await ok((done) => intake.put(0, bytesOf(chunk), done));
      expectEqual((await begun(other, first)).has(0), true);
      expectEqual((await begun(other, second)).has(0), false);
      expectEqual((await ask<Manifest>((done) => other.commit(intake, done))).value, null);
      expectEqual(other.newest, null);
    },
  },
  {
    name: "says after a restart in the middle of an intake which chunks it really has",
    async run(subject) {
      const manifest = await written(await opened(subject), 7, "state of seven");
      const chunks = [...chunksIn("state of seven")];
      const intake = await begun(await openedOther(subject), manifest);
      await ok((done) => intake.put(1, bytesOf(chunks[1] as string), done));
      const other = await openedOther(subject);
      const again = await begun(other, manifest);
      for (const [index, chunk] of chunks.entries())
        if (!again.has(index)) await ok((done) => again.put(index, bytesOf(chunk), done));
      expectEqual(again.isComplete, true);
      await ok<Manifest | null>((done) => other.commit(again, done));
      expectEqual((await found(subject.openOther())).state, "state of seven");
    },
  },
  {
    name: "takes in nothing that is no newer than what it has",
    async run(subject) {
      const manifest = await written(await opened(subject), 7, "older");
      const other = await openedOther(subject);
      await written(other, 7, "older");
      const intake = await ok<SnapshotIntake>((done) => other.beginInstall(manifest, done));
      expectEqual(intake as unknown, null);
    },
  },
];

const CHUNK_BYTES = 4;

/** A state in pieces of a few bytes, whatever is asked for. */
function* chunksIn(state: string): Generator<string> {
  for (let from = 0; from < state.length; from += CHUNK_BYTES)
    yield state.slice(from, from + CHUNK_BYTES);
}

function imageOf(state: string): MachineImage {
  const chunks = chunksIn(state);
  return {
    next() {
      const { done, value } = chunks.next();
      return done === true ? null : bytesOf(value);
    },
    release() {},
  };
}

function at(index: number): Position {
  return { log: 0, index };
}

function taken(index: number, protocolImage: string): SnapshotTaken {
  return { position: at(index), protocolImage: bytesOf(protocolImage), tenure: null };
}

async function written(storage: SnapshotStorage, index: number, state: string): Promise<Manifest> {
  return ok<Manifest>((done) =>
    storage.write(taken(index, `image of ${index}`), imageOf(state), done),
  );
}

async function begun(storage: SnapshotStorage, manifest: Manifest): Promise<SnapshotIntake> {
  return ok<SnapshotIntake>((done) => storage.beginInstall(manifest, done));
}

async function chunksOf(storage: SnapshotStorage, manifest: Manifest): Promise<string[]> {
  const chunks: string[] = [];
  for (const index of manifest.chunks.keys()) {
    const bytes = await ok<Uint8Array>((done) => storage.readChunk(manifest, index, done));
    chunks.push(textOf(bytes));
  }
  return chunks;
}

async function opened(subject: SnapshotSubject): Promise<SnapshotStorage> {
  const storage = subject.open();
  await found(storage);
  return storage;
}

async function openedOther(subject: SnapshotSubject): Promise<SnapshotStorage> {
  const storage = subject.openOther();
  await found(storage);
  return storage;
}

async function found(
  storage: SnapshotStorage,
): Promise<{ readonly outcome: LoadOutcome; readonly state: string }> {
  let state = "";
  const restore = (): MachineRestore => {
    state = "";
    return {
      add(slice) {
        state += textOf(slice);
        return true;
      },
      finish: () => true,
    };
  };
  const outcome = await ok<LoadOutcome>((done) =>
    storage.open(restore, (result) => done(null, result)),
  );
  return { outcome, state };
}
