import type { ReplicaStorage } from "@synod/runtime";
import { ClassicLevel } from "classic-level";
import { DURABLE, removeUnnamed, tellDone } from "./level.ts";
import { beginJournal, journalPlaces, keyOf, LevelJournal } from "./level-journal.ts";
import { LevelSnapshots } from "./level-snapshots.ts";

/** Journals and snapshots in a LevelDB, which is one node's alone; opened for one start of it. */
export async function openLevelStorage(directory: string): Promise<ReplicaStorage> {
  const level = new ClassicLevel<string, Uint8Array>(directory, { valueEncoding: "view" });
  await level.open();
  const places = await journalPlaces(level);
  const named = new Set(places.values());
  await removeUnnamed(level, "record", (place) => named.has(place));
  const journals = new Set(places.keys());
  return {
    get journals() {
      return [...journals].sort((a, b) => a - b);
    },
    beginJournal(name, done) {
      tellDone(beginJournal(level, name), (error) => {
        if (error === null) journals.add(name.configuration);
        done(error);
      });
    },
    openJournal: (name) => new LevelJournal(level, name),
    removeJournals(configurations, done) {
      for (const configuration of configurations) journals.delete(configuration);
      const keys = configurations.map((configuration) => keyOf({ configuration }));
      tellDone(
        level.batch(
          keys.map((key) => ({ type: "del", key })),
          DURABLE,
        ),
        done,
      );
    },
    snapshots: (chunkBytes) => new LevelSnapshots(level, chunkBytes),
    // Waits for what is under way.
    close: (done) => void level.close().finally(() => setImmediate(done)),
  };
}
