import { ABOUT_META, type About, type JournalRecord, type MachineImage } from "@synod/core";
import type {
  JournalName,
  JournalStore,
  LoadOutcome,
  Manifest,
  ReplicaStorage,
} from "@synod/runtime";
import { bytesOf, type ComplianceCase, expectEqual, ok, pause, textOf } from "./case.ts";

/** Where one replica keeps its journals and its snapshots. */
export interface StorageSubject {
  /**
   * Opens what is there, at first nothing. Each call stands for a restart after a crash: the
   * storage given before it is gone, with everything that it had not made durable.
   */
  open(): Promise<ReplicaStorage>;
}

/** What every storage must do, beyond what its journals and its snapshots must do by themselves. */
export const STORAGE_COMPLIANCE: readonly ComplianceCase<StorageSubject>[] = [
  {
    name: "knows of which configurations there are journals, after a restart as well",
    async run(subject) {
      const storage = await subject.open();
      expectEqual(storage.journals, []);
      for (const configuration of [1, 12]) await begun(storage, name(configuration));
      expectEqual(sorted(storage.journals), [1, 12]);
      expectEqual(sorted((await subject.open()).journals), [1, 12]);
    },
  },
  {
    name: "counts no journal that has not begun yet",
    async run(subject) {
      const storage = await subject.open();
      const begins = ok((done) => storage.beginJournal(name(1), done));
      expectEqual(storage.journals, []);
      await begins;
      expectEqual(storage.journals, [1]);
    },
  },
  {
    name: "begins a journal that is empty and whole, whatever there was of that configuration",
    async run(subject) {
      for (const dataId of [OTHER, OURS]) {
        const storage = await subject.open();
        await written(await begun(storage, name(1, dataId)), "old");
        await begun(storage, name(1));
        expectEqual(await found(await subject.open(), name(1)), { texts: [], missing: [] });
      }
    },
  },
  {
    name: "keeps the journals of configurations apart",
    async run(subject) {
      const storage = await subject.open();
      const journals: JournalStore[] = [];
      for (const configuration of [1, 2, 12])
        journals.push(await begun(storage, name(configuration)));
      for (const [at, journal] of journals.entries()) await written(journal, `${at}`);
      await begun(storage, name(2));
      const again = await subject.open();
      const texts = [1, 2, 12].map(async (number) => (await found(again, name(number))).texts);
      expectEqual(await Promise.all(texts), [["0"], [], ["2"]]);
    },
  },
  {
    name: "takes the journal of another data directory for none of ours",
    async run(subject) {
      await written(await begun(await subject.open(), name(1, OTHER)), "theirs");
      const again = await subject.open();
      expectEqual(again.journals, [1]);
      expectEqual(await found(again, name(1)), { texts: [], missing: "unnamed" });
    },
  },
  {
    name: "says of a journal that is not there that it is lost",
    async run(subject) {
      await begun(await subject.open(), name(1));
      expectEqual(await found(await subject.open(), name(2)), { texts: [], missing: "unnamed" });
    },
  },
  {
    name: "removes the journals that it is told to, durably, and no other",
    async run(subject) {
      const storage = await subject.open();
      for (const configuration of [1, 2, 12])
        await written(await begun(storage, name(configuration)), `${configuration}`);
      await ok((done) => storage.removeJournals([1, 12], done));
      expectEqual(storage.journals, [2]);
      const again = await subject.open();
      expectEqual(again.journals, [2]);
      expectEqual(await found(again, name(2)), { texts: ["2"], missing: [] });
      expectEqual((await found(await subject.open(), name(12))).missing, "unnamed");
    },
  },
  {
    name: "asks for chunks of the size that it is given, and keeps them beside the journals",
    async run(subject) {
      const storage = await subject.open();
      await written(await begun(storage, name(1)), "a record");
      const snapshots = storage.snapshots(1_234);
      await ok<LoadOutcome>((done) => snapshots.open(NO_RESTORE, (found) => done(null, found)));
      const asked: number[] = [];
      const pieces = ["one", "two"];
      const image: MachineImage = {
        next(bytes) {
          asked.push(bytes);
          const piece = pieces.shift();
          return piece === undefined ? null : bytesOf(piece);
        },
        release() {},
      };
      const taken = { position: { log: 0, index: 5 }, protocolImage: bytesOf(""), tenure: null };
      await ok<Manifest>((done) => snapshots.write(taken, image, done));
      expectEqual(asked, [1_234, 1_234, 1_234]);
      const again = await subject.open();
      expectEqual((await found(again, name(1))).texts, ["a record"]);
      const kept = again.snapshots(1_234);
      await ok<LoadOutcome>((done) => kept.open(NO_RESTORE, (found) => done(null, found)));
      expectEqual(kept.newest?.position.index, 5);
    },
  },
  {
    name: "changes nothing any more once it is closed",
    async run(subject) {
      const storage = await subject.open();
      const journal = await begun(storage, name(1));
      journal.append({ record: new Uint8Array(1_000_000), about: ABOUT_META });
      journal.flush(() => {});
      await ok((done) => storage.close(() => done(null)));
      const before = await found(await subject.open(), name(1));
      await pause(300);
      expectEqual(await found(await subject.open(), name(1)), before);
    },
  },
];

const OURS = "00112233445566778899aabbccddeeff";
const OTHER = "ffeeddccbbaa99887766554433221100";

const NO_RESTORE = () => ({ add: () => true, finish: () => true });

function name(configuration: number, dataId: string = OURS): JournalName {
  return { configuration, dataId };
}

function sorted(configurations: readonly number[]): number[] {
  return [...configurations].sort((a, b) => a - b);
}

/** Begun and recovered, so that it takes records. */
async function begun(storage: ReplicaStorage, journal: JournalName): Promise<JournalStore> {
  await ok((done) => storage.beginJournal(journal, done));
  const store = storage.openJournal(journal);
  await ok<unknown>((done) => store.recover(() => {}, done));
  return store;
}

async function written(journal: JournalStore, text: string): Promise<void> {
  journal.append({ record: bytesOf(text), about: ABOUT_META });
  await ok((done) => journal.flush(done));
}

async function found(
  storage: ReplicaStorage,
  journal: JournalName,
): Promise<{ texts: string[]; missing: readonly About[] | "unnamed" }> {
  const texts: string[] = [];
  const each = (records: readonly JournalRecord[]): void => {
    for (const { record } of records) texts.push(textOf(record));
  };
  const { missing } = await ok<{ missing: readonly About[] | "unnamed" }>((done) =>
    storage.openJournal(journal).recover(each, done),
  );
  return { texts, missing };
}
