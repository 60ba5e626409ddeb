import { ABOUT_META, type About, type JournalRecord, RECORD_BYTES_MAX } from "@synod/core";
import type { JournalStore } from "@synod/runtime";
import { ask, bytesOf, type ComplianceCase, expectEqual, ok, pause, textOf } from "./case.ts";

/** A place where one journal is kept. */
export interface JournalSubject {
  /**
   * Opens what is there, at first an empty journal. Each call stands for a restart after a crash:
   * the journal given before it is gone, with everything that it had not made durable.
   */
  open(): JournalStore;
}

/** What every journal must do. */
export const JOURNAL_COMPLIANCE: readonly ComplianceCase<JournalSubject>[] = [
  {
    name: "is empty and whole at first",
    async run(subject) {
      expectEqual(await recovered(subject.open()), { texts: [], abouts: [], missing: [] });
    },
  },
  {
    name: "gives back what was flushed, in order, each record with its about",
    async run(subject) {
      const journal = await opened(subject);
      for (const text of ["a", "b"]) journal.append(record(text, slot(text.length)));
      await ok((done) => journal.flush(done));
      journal.append(record("c", { ...slot(3), ballot: { round: 7, proposer: 2 } }));
      journal.append(record("", ABOUT_META));
      await ok((done) => journal.flush(done));
      expectEqual(await recovered(subject.open()), {
        texts: ["a", "b", "c", ""],
        abouts: [slot(1), slot(1), { ...slot(3), ballot: { round: 7, proposer: 2 } }, ABOUT_META],
        missing: [],
      });
    },
  },
  {
    name: "goes on behind what it recovered",
    async run(subject) {
      for (const text of ["a", "b", "c"]) {
        const journal = await opened(subject);
        journal.append(record(text));
        await ok((done) => journal.flush(done));
      }
      expectEqual((await recovered(subject.open())).texts, ["a", "b", "c"]);
    },
  },
  {
    name: "takes what is appended during a flush into the next one",
    async run(subject) {
      const journal = await opened(subject);
      journal.append(record("a"));
      const first = ok((done) => journal.flush(done));
      journal.append(record("b"));
      await first;
      await ok((done) => journal.flush(done));
      await ok((done) => journal.flush(done));
      expectEqual((await recovered(subject.open())).texts, ["a", "b"]);
    },
  },
  {
    name: "replaces everything by a checkpoint, staged or durable, and goes on behind it",
    async run(subject) {
      const journal = await opened(subject);
      journal.append(record("old"));
      await ok((done) => journal.flush(done));
      journal.append(record("staged"));
      journal.checkpoint([record("a"), record("b")]);
      journal.append(record("c"));
      await ok((done) => journal.flush(done));
      const again = await opened(subject);
      again.append(record("d"));
      await ok((done) => again.flush(done));
      expectEqual((await recovered(subject.open())).texts, ["a", "b", "c", "d"]);
    },
  },
  {
    name: "lets an empty checkpoint leave nothing",
    async run(subject) {
      const journal = await opened(subject);
      journal.append(record("old"));
      await ok((done) => journal.flush(done));
      journal.checkpoint([]);
      await ok((done) => journal.flush(done));
      const { texts, missing } = await recovered(subject.open());
      expectEqual([texts, missing], [[], []]);
    },
  },
  {
    name: "replaces nothing before a checkpoint is flushed, or all of it",
    async run(subject) {
      const journal = await opened(subject);
      for (const text of ["a", "b"]) journal.append(record(text));
      await ok((done) => journal.flush(done));
      journal.checkpoint([record("new")]);
      await pause(200);
      const { texts, missing } = await recovered(subject.open());
      expectEqual(missing, []);
      expectEqual(texts.join() === "new" ? ["a", "b"] : texts, ["a", "b"]);
    },
  },
  {
    name: "holds records of every size up to the largest",
    async run(subject) {
      const sizes = [0, 1, 511, 512, 513, 65_536, 1_048_577, RECORD_BYTES_MAX];
      const journal = await opened(subject);
      for (const size of sizes)
        journal.append({ record: new Uint8Array(size).fill(size % 251), about: ABOUT_META });
      await ok((done) => journal.flush(done));
      const found: number[][] = [];
      const again = subject.open();
      const each = (records: readonly JournalRecord[]): void => {
        for (const { record: bytes } of records)
          found.push([bytes.length, bytes.at(-1) ?? 0, bytes.indexOf((bytes.length + 1) % 251)]);
      };
      await ok<unknown>((done) => again.recover(each, done));
      expectEqual(
        found,
        sizes.map((size) => [size, size % 251, -1]),
      );
    },
  },
  {
    name: "tells how many bytes it has grown by since the last checkpoint",
    async run(subject) {
      const journal = await opened(subject);
      const before = journal.bytes;
      journal.append({ record: new Uint8Array(100_000), about: ABOUT_META });
      await ok((done) => journal.flush(done));
      expectEqual(journal.bytes >= before + 100_000, true);
      journal.checkpoint([record("a")]);
      await ok((done) => journal.flush(done));
      expectEqual(journal.bytes < 100_000, true);
    },
  },
  {
    name: "refuses to flush before it has recovered, and once it is closed",
    async run(subject) {
      expectEqual((await ask((done) => subject.open().flush(done))).error, "closed");
      const journal = await opened(subject);
      await ok((done) => journal.close(done));
      journal.append(record("late"));
      expectEqual((await ask((done) => journal.flush(done))).error, "closed");
    },
  },
];

interface Recovered {
  readonly texts: readonly string[];
  readonly abouts: readonly About[];
  readonly missing: readonly About[] | "unnamed";
}

async function recovered(journal: JournalStore): Promise<Recovered> {
  const records: JournalRecord[] = [];
  // Views are only good until the next slice is read, so each is taken at once.
  const take = (found: readonly JournalRecord[]): void => {
    for (const { record: bytes, about } of found) records.push({ record: bytes.slice(), about });
  };
  const { missing } = await ok<{ missing: readonly About[] | "unnamed" }>((done) =>
    journal.recover(take, done),
  );
  const texts = records.map(({ record: bytes }) => textOf(bytes));
  return { texts, abouts: records.map(({ about }) => about), missing };
}

/** Opened and recovered, so that it takes records. */
async function opened(subject: JournalSubject): Promise<JournalStore> {
  const journal = subject.open();
  await recovered(journal);
  return journal;
}

function record(text: string, about: About = ABOUT_META): JournalRecord {
  return { record: bytesOf(text), about };
}

function slot(index: number): About {
  return { kind: "slots", log: 0, first: index, last: index };
}
