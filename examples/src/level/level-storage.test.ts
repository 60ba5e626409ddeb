import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  JOURNAL_COMPLIANCE,
  type JournalSubject,
  SNAPSHOT_COMPLIANCE,
  type SnapshotSubject,
  STORAGE_COMPLIANCE,
  type StorageSubject,
} from "@synod/node/compliance";
import type { ReplicaStorage } from "@synod/runtime";
import { describe, onTestFinished, test } from "vitest";
import { openLevelStorage } from "./level-storage.ts";

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "synod-example-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A database that is closed when the test is over. */
async function opened(directory: string): Promise<ReplicaStorage> {
  const storage = await openLevelStorage(directory);
  onTestFinished(() => closed(storage));
  return storage;
}

function closed(storage: ReplicaStorage): Promise<void> {
  return new Promise((resolve) => storage.close(resolve));
}

describe("a LevelDB does what every storage must do", () => {
  async function subject(): Promise<StorageSubject> {
    const directory = temporaryDirectory();
    let last: ReplicaStorage | null = null;
    return {
      async open() {
        if (last !== null) await closed(last);
        last = await opened(directory);
        return last;
      },
    };
  }

  test.each(STORAGE_COMPLIANCE)("$name", async ({ run }) => run(await subject()));
});

describe("a journal in it does what every journal must do", () => {
  async function subject(): Promise<JournalSubject> {
    const storage = await opened(temporaryDirectory());
    const name = { dataId: "0".repeat(32), configuration: 1 };
    await new Promise((resolve) => storage.beginJournal(name, resolve));
    return { open: () => storage.openJournal(name) };
  }

  test.each(JOURNAL_COMPLIANCE)("$name", async ({ run }) => run(await subject()));
});

describe("snapshots in it do what all snapshots must do", () => {
  async function subject(): Promise<SnapshotSubject> {
    const root = temporaryDirectory();
    const storages = await Promise.all([opened(join(root, "a")), opened(join(root, "b"))]);
    const [one, other] = storages as [ReplicaStorage, ReplicaStorage];
    return { open: () => one.snapshots(1_000), openOther: () => other.snapshots(1_000) };
  }

  test.each(SNAPSHOT_COMPLIANCE)("$name", async ({ run }) => run(await subject()));
});
