import type { About, Disk, JournalRecord, PortError } from "@synod/core";
import { createJournal } from "../create-journal.ts";
import { Journal } from "../journal.ts";
import { DiskBench, indexOf } from "./disk-bench.ts";

/** A journal that was opened, and what came out of it. */
export interface Opened {
  readonly journal: Journal;
  readonly error: PortError | null;
  readonly missing: readonly About[] | "unnamed";
  /** Which records, in order. */
  readonly indexes: readonly number[];
}

export interface JournalSettings {
  readonly segmentBytes: number;
  readonly preallocate: boolean;
}

/** A directory with a journal in it, which can be opened again and again. */
export class JournalBench extends DiskBench {
  readonly settings: JournalSettings;

  constructor(settings: Partial<JournalSettings> = {}, seed = 1) {
    super(seed);
    this.settings = { segmentBytes: 8192, preallocate: true, ...settings };
    const { identity, checksum } = this;
    const disk = this.disk.attach();
    const [error] = this.settle<[PortError | null]>((done) =>
      createJournal({ disk, identity, checksum }, done),
    );
    if (error !== null) throw new Error(error.message);
  }

  /** Not recovered yet. */
  journal(disk: Disk = this.disk.attach()): Journal {
    const { identity, checksum, defer } = this;
    return new Journal({ disk, identity, checksum, defer, ...this.settings });
  }

  open(disk: Disk = this.disk.attach()): Opened {
    const journal = this.journal(disk);
    const records: JournalRecord[] = [];
    const [error, found] = this.settle<
      [PortError | null, { readonly missing: readonly About[] | "unnamed" }]
    >((done) => journal.recover((slice) => records.push(...slice), done));
    return { journal, error, missing: found.missing, indexes: records.map(indexOf) };
  }

  flush(journal: Journal): PortError | null {
    return this.settle<[PortError | null]>((done) => journal.flush(done))[0];
  }

  /** Appends and makes durable. */
  write(journal: Journal, ...records: readonly JournalRecord[]): void {
    for (const record of records) journal.append(record);
    const error = this.flush(journal);
    if (error !== null) throw new Error(error.message);
  }
}
