import { randomUUID } from "node:crypto";
import type { About, Done, JournalRecord, PortError } from "@synod/core";
import type { JournalName, JournalStore } from "@synod/runtime";
import {
  below,
  DURABLE,
  decodeText,
  digits,
  encodeText,
  type Level,
  plain,
  tell,
  tellDone,
} from "./level.ts";

/** What stands under `journal/<configuration>`. Its records are those of `record/<place>/<n>`. */
interface Journal {
  readonly dataId: string;
  readonly place: string;
  /** Number of the first record; what stands before it was replaced by a checkpoint. */
  readonly first: number;
  /** False: what was here before got lost, and no checkpoint has replaced it since. */
  readonly isWhole: boolean;
}

const CLOSED: PortError = { code: "closed", message: "the journal is not open" };

export class LevelJournal implements JournalStore {
  /** A database that could not write cannot say what it has written: that is never survived. */
  readonly spaceError = null;
  bytes = 0;
  readonly #level: Level;
  readonly #name: JournalName;
  #journal: Journal;
  /** Number of the next record. */
  #next = 0;
  #staged: JournalRecord[] = [];
  /** What is staged replaces all that is in the database. */
  #replaces = false;
  #problem: PortError | null = CLOSED;

  constructor(level: Level, name: JournalName) {
    this.#level = level;
    this.#name = name;
    this.#journal = emptyJournal(name, false);
  }

  recover(
    onRecords: (records: readonly JournalRecord[]) => void,
    done: (
      error: PortError | null,
      found: { readonly missing: readonly About[] | "unnamed" },
    ) => void,
  ): void {
    tell(this.#read(onRecords), (error, isWhole) => {
      this.#problem = error;
      done(error, { missing: isWhole === true ? [] : "unnamed" });
    });
  }

  append(record: JournalRecord): void {
    this.#staged.push(record);
  }

  checkpoint(records: readonly JournalRecord[]): void {
    this.#staged = [...records];
    this.#replaces = true;
  }

  flush(done: Done): void {
    if (this.#problem !== null) {
      setImmediate(done, this.#problem);
      return;
    }
    const records = this.#staged;
    const replaces = this.#replaces;
    this.#staged = [];
    this.#replaces = false;
    tellDone(this.#write(records, replaces), (error) => {
      this.#problem ??= error;
      done(error);
    });
  }

  retrySpace(): void {}

  close(done: Done): void {
    this.#problem = CLOSED;
    setImmediate(done, null);
  }

  /** One batch is one write of the database: all of it or nothing. */
  async #write(records: readonly JournalRecord[], replaces: boolean): Promise<void> {
    const first = this.#next;
    const batch = this.#level.batch();
    if (replaces) {
      this.#journal = { ...this.#journal, first, isWhole: true };
      this.bytes = 0;
    }
    // One that was lost and not replaced yet has to be named, too.
    if (replaces || !this.#journal.isWhole)
      batch.put(keyOf(this.#name), encodeText(JSON.stringify(this.#journal)));
    for (const record of records) {
      batch.put(this.#key(this.#next), encode(record));
      this.#next += 1;
      this.bytes += record.record.length;
    }
    await batch.write(DURABLE);
    if (replaces) await this.#level.clear({ ...this.#all, lt: this.#key(first) });
  }

  /** Gives false where something is missing. */
  async #read(onRecords: (records: readonly JournalRecord[]) => void): Promise<boolean> {
    const value = await this.#level.get(keyOf(this.#name));
    const found = value === undefined ? null : (JSON.parse(decodeText(value)) as Journal);
    if (found?.dataId !== this.#name.dataId) return false;
    this.#journal = found;
    this.#next = found.first;
    let { isWhole } = found;
    const { lt } = this.#all;
    for await (const [key, bytes] of this.#level.iterator({ gte: this.#key(found.first), lt })) {
      isWhole &&= key === this.#key(this.#next);
      this.#next = Number(key.split("/")[2]) + 1;
      const record = decode(bytes);
      this.bytes += record.record.length;
      onRecords([record]);
    }
    return isWhole;
  }

  get #all(): ReturnType<typeof below> {
    return below(`record/${this.#journal.place}`);
  }

  #key(number: number): string {
    return `record/${this.#journal.place}/${digits(number)}`;
  }
}

/** Its one write ends the journal that was there before, whose place nothing names any more. */
export async function beginJournal(level: Level, name: JournalName): Promise<void> {
  await level.put(keyOf(name), encodeText(JSON.stringify(emptyJournal(name, true))), DURABLE);
}

/** By configuration: the places of the journals that there are. */
export async function journalPlaces(level: Level): Promise<Map<number, string>> {
  const places = new Map<number, string>();
  for await (const [key, value] of level.iterator(below("journal")))
    places.set(Number(key.split("/")[1]), (JSON.parse(decodeText(value)) as Journal).place);
  return places;
}

export function keyOf({ configuration }: Pick<JournalName, "configuration">): string {
  return `journal/${digits(configuration)}`;
}

function emptyJournal({ dataId }: JournalName, isWhole: boolean): Journal {
  return { dataId, place: randomUUID(), first: 0, isWhole };
}

/** Length of the about, about, record. */
function encode({ record, about }: JournalRecord): Uint8Array {
  const told = encodeText(JSON.stringify(about));
  const bytes = new Uint8Array(4 + told.length + record.length);
  new DataView(bytes.buffer).setUint32(0, told.length);
  bytes.set(told, 4);
  bytes.set(record, 4 + told.length);
  return bytes;
}

function decode(value: Uint8Array): JournalRecord {
  const bytes = plain(value);
  const begin = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const about = JSON.parse(decodeText(bytes.subarray(4, begin))) as About;
  return { record: bytes.subarray(begin), about };
}
