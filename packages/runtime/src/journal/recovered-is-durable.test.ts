import { LOSE_UNSYNCED } from "@synod/simulator";
import { expect, test } from "vitest";
import { dyingDisk, numbered } from "./testing/disk-bench.ts";
import { JournalBench } from "./testing/journal-bench.ts";

/**
 * A killed process leaves written bytes in the page cache, where the next one reads them. A
 * protocol concludes from a recovered record that it voted, and says so; then the power goes.
 * Decision 0001, rule R3.
 */
test("what was read back after a kill survives a power loss, at every port call", () => {
  let unsynced = 0;
  for (let calls = 0; ; calls += 1) {
    const bench = new JournalBench({}, calls + 1);
    bench.write(bench.open().journal, numbered(1));
    bench.disk.kill();
    const dying = dyingDisk(bench.disk.attach(), calls);
    const journal = bench.journal(dying.disk);
    let acknowledged = [1];
    const flush = (): void => {
      journal.append(numbered(2));
      if (acknowledged.length === 1) journal.append(numbered(3, 9000));
      journal.flush(() => {
        acknowledged = [1, 2, 3];
      });
    };
    journal.recover(() => {}, flush);
    bench.run();
    bench.disk.kill();
    const believed = bench.open().indexes;
    if (believed.length > acknowledged.length) unsynced += 1;
    bench.disk.crash(LOSE_UNSYNCED);
    const after = bench.open();
    expect([after.missing, after.indexes], `call ${calls}`).toEqual([[], believed]);
    if (!dying.dead()) break;
  }
  expect(unsynced).toBeGreaterThan(0);
});
