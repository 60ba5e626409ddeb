import type { Disk, PortError } from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
import { VirtualDisk } from "./disk.ts";
import { type CrashFate, KEEP_UNSYNCED, LOSE_UNSYNCED, seededFate } from "./disk-image.ts";

/** Virtual time for one disk. */
class Time {
  #waiting: { at: number; run: () => void }[] = [];
  now = 0;

  readonly schedule = (delayMs: number, run: () => void): void => {
    this.#waiting.push({ at: this.now + delayMs, run });
  };

  step(): boolean {
    this.#waiting.sort((a, b) => a.at - b.at);
    const event = this.#waiting.shift();
    if (event === undefined) return false;
    this.now = event.at;
    event.run();
    return true;
  }

  run(): void {
    while (this.step());
  }
}

let time: Time;
let disk: VirtualDisk;
let port: Disk;

beforeEach(() => {
  time = new Time();
  disk = new VirtualDisk({ seed: 7, schedule: time.schedule });
  port = disk.attach();
});

function end<T extends unknown[]>(begin: (done: (...result: T) => void) => void): T {
  let result: T | null = null;
  begin((...given) => {
    expect(result).toBe(null);
    result = given;
  });
  expect(result).toBe(null);
  time.run();
  if (result === null) throw new Error("never called back");
  return result;
}

const ok = (begin: (done: (error: PortError | null) => void) => void): void =>
  expect(end(begin)).toEqual([null]);

const bytesOf = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

function contents(name: string): Uint8Array | null {
  return disk.image.file(name)?.read(0, 1 << 20) ?? null;
}

function durableFile(name: string, bytes: Uint8Array): void {
  ok((done) => port.create(name, done));
  ok((done) => port.write(name, 0, bytes, done));
  ok((done) => port.sync(name, done));
  ok((done) => port.syncDirectory(done));
}

test("written bytes are readable at once, and reads end where the file ends", () => {
  ok((done) => port.create("a", done));
  ok((done) => port.write("a", 1000, bytesOf(10, 5), done));
  expect(end((done) => port.size("a", done))).toEqual([null, 1010]);
  expect(end((done) => port.read("a", 998, 100, done))).toEqual([
    null,
    Uint8Array.of(0, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5),
  ]);
  expect(end((done) => port.read("a", 5000, 100, done))).toEqual([null, new Uint8Array(0)]);
});

test("what is read belongs to the reader", () => {
  durableFile("a", bytesOf(600, 1));
  const [, bytes] = end<[PortError | null, Uint8Array]>((done) => port.read("a", 0, 600, done));
  bytes.fill(9);
  expect(contents("a")).toEqual(bytesOf(600, 1));
});

test("files that are missing or there already are errors", () => {
  ok((done) => port.create("a", done));
  expect(end((done) => port.create("a", done))).toMatchObject([{ code: "exists" }]);
  const missing: ((done: (...result: unknown[]) => void) => void)[] = [
    (done) => port.size("b", done),
    (done) => port.read("b", 0, 1, done),
    (done) => port.write("b", 0, bytesOf(1, 1), done),
    (done) => port.sync("b", done),
    (done) => port.rename("b", "c", done),
    (done) => port.remove("b", done),
  ];
  for (const call of missing) expect(end(call)[0]).toMatchObject({ code: "not-found" });
  expect(end((done) => port.list(done))).toEqual([null, ["a"]]);
});

test("without a sync of file and directory nothing needs to survive", () => {
  durableFile("a", bytesOf(512, 1));
  ok((done) => port.write("a", 0, bytesOf(512, 2), done));
  ok((done) => port.create("b", done));
  ok((done) => port.write("b", 0, bytesOf(512, 3), done));
  ok((done) => port.sync("b", done));
  disk.crash(LOSE_UNSYNCED);
  expect(disk.image.names()).toEqual(["a"]);
  expect(contents("a")).toEqual(bytesOf(512, 1));
});

test("a synced directory entry of an unsynced file is an empty file", () => {
  ok((done) => port.create("a", done));
  ok((done) => port.syncDirectory(done));
  ok((done) => port.write("a", 0, bytesOf(900, 3), done));
  disk.crash(LOSE_UNSYNCED);
  expect(contents("a")).toEqual(new Uint8Array(0));
});

test("each unsynced sector is old or new on its own, whatever the size", () => {
  durableFile("a", bytesOf(4 * 512, 1));
  ok((done) => port.write("a", 0, bytesOf(4 * 512, 2), done));
  const image = disk.copy();
  for (let mask = 0; mask < 16; mask += 1) {
    disk.restore(image);
    disk.crash({ ...KEEP_UNSYNCED, sector: (_, sector) => ((mask >> sector) & 1 ? "new" : "old") });
    for (let sector = 0; sector < 4; sector += 1)
      expect(contents("a")?.[sector * 512]).toBe((mask >> sector) & 1 ? 2 : 1);
  }
});

test("a lost size takes the bytes behind it along, a kept one shows zeros for lost sectors", () => {
  durableFile("a", bytesOf(512, 1));
  ok((done) => port.write("a", 512, bytesOf(1024, 2), done));
  const image = disk.copy();
  disk.crash({ ...KEEP_UNSYNCED, size: (_, synced) => synced });
  expect(contents("a")).toEqual(bytesOf(512, 1));
  disk.restore(image);
  disk.crash({ ...KEEP_UNSYNCED, sector: (_, sector) => (sector === 1 ? "old" : "new") });
  expect([0, 512, 1024].map((at) => contents("a")?.[at])).toEqual([1, 0, 2]);
  expect(contents("a")?.length).toBe(1536);
});

test("directory entries are lost or kept one by one", () => {
  durableFile("a", bytesOf(512, 1));
  durableFile("b", bytesOf(512, 2));
  ok((done) => port.remove("a", done));
  ok((done) => port.rename("b", "c", done));
  ok((done) => port.create("d", done));
  const image = disk.copy();
  const seen = new Set<string>();
  for (let mask = 0; mask < 8; mask += 1) {
    disk.restore(image);
    const fate: CrashFate = { ...LOSE_UNSYNCED, entry: (_, index) => ((mask >> index) & 1) === 1 };
    disk.crash(fate);
    const names = disk.image.names();
    expect(names.includes("a")).toBe((mask & 1) === 0);
    expect(names.includes("c")).toBe((mask & 2) !== 0);
    expect(names.includes("b")).toBe((mask & 2) === 0);
    expect(names.includes("d")).toBe((mask & 4) !== 0);
    seen.add(names.join());
  }
  expect(seen.size).toBe(8);
});

test("fates drawn from seeds tear writes, lose sizes and entries, and repeat", () => {
  durableFile("a", bytesOf(512, 1));
  ok((done) => port.write("a", 0, bytesOf(8 * 512, 2), done));
  ok((done) => port.create("b", done));
  const image = disk.copy();
  const seen = new Set<string>();
  for (let seed = 1; seed <= 60; seed += 1) {
    disk.restore(image);
    disk.crash(seed);
    const first = [
      disk.image.names(),
      [...(contents("a") ?? [])].filter((_, at) => at % 512 === 0),
    ];
    disk.restore(image);
    disk.crash(seededFate(seed));
    const again = [
      disk.image.names(),
      [...(contents("a") ?? [])].filter((_, at) => at % 512 === 0),
    ];
    expect(again).toEqual(first);
    seen.add(JSON.stringify(first));
  }
  expect(seen.size).toBeGreaterThan(20);
});

test("with garbage some sectors are neither old nor new", () => {
  durableFile("a", bytesOf(20 * 512, 1));
  ok((done) => port.write("a", 0, bytesOf(20 * 512, 2), done));
  disk.crash(seededFate(3, 0.5));
  const heads = Array.from({ length: 20 }, (_, sector) =>
    contents("a")?.slice(sector * 512, sector * 512 + 512),
  );
  const plain = heads.filter(
    (head) => head?.every((byte) => byte === 1) || head?.every((byte) => byte === 2),
  );
  expect(plain.length).toBeGreaterThan(0);
  expect(plain.length).toBeLessThan(20);
});

test("a write takes its bytes when it completes: a buffer used too early shows", () => {
  ok((done) => port.create("a", done));
  const buffer = bytesOf(512, 1);
  end((done) => {
    port.write("a", 0, buffer, done);
    buffer.fill(2);
  });
  expect(contents("a")).toEqual(bytesOf(512, 2));
});

test("calls on one file complete in order, however long each takes", () => {
  ok((done) => port.create("a", done));
  const order: number[] = [];
  for (let nth = 0; nth < 40; nth += 1) port.write("a", 0, bytesOf(1, nth), () => order.push(nth));
  time.run();
  expect(order).toEqual(Array.from({ length: 40 }, (_, nth) => nth));
  expect(contents("a")).toEqual(Uint8Array.of(39));
});

test("what is under way in a crash may have happened, but nobody hears of it", () => {
  durableFile("a", bytesOf(512, 1));
  let heard = 0;
  port.write("a", 0, bytesOf(512, 2), () => {
    heard += 1;
  });
  port.create("b", () => {
    heard += 1;
  });
  disk.kill();
  const image = disk.copy();
  disk.crash(KEEP_UNSYNCED);
  expect([disk.image.names(), contents("a")?.[0]]).toEqual([["a", "b"], 2]);
  disk.restore(image);
  disk.crash(LOSE_UNSYNCED);
  expect([disk.image.names(), contents("a")?.[0]]).toEqual([["a"], 1]);
  time.run();
  expect(heard).toBe(0);
});

test("a killed process leaves what it wrote in memory, and its port is dead", () => {
  ok((done) => port.create("a", done));
  ok((done) => port.write("a", 0, bytesOf(5, 1), done));
  disk.kill();
  port.remove("a", () => expect.unreachable("a dead port answers"));
  time.run();
  expect(contents("a")).toEqual(bytesOf(5, 1));
  port = disk.attach();
  expect(end((done) => port.read("a", 0, 5, done))).toEqual([null, bytesOf(5, 1)]);
});

test("the lock is exclusive, given back by unlock, and freed by death", () => {
  ok((done) => port.lock(done));
  const other = disk.attach();
  expect(end((done) => other.lock(done))).toMatchObject([{ code: "locked" }]);
  ok((done) => port.unlock(done));
  ok((done) => other.lock(done));
  disk.kill();
  port = disk.attach();
  ok((done) => port.lock(done));
});

test("a failed sync drops what it was to save: no later one saves it, yet it can be read", () => {
  durableFile("a", bytesOf(512, 1));
  const error = { code: "io", message: "broken" } as const;
  disk.faults.arm({ call: "sync", prefix: "", after: 0, times: 1, error });
  ok((done) => port.write("a", 0, bytesOf(512, 2), done));
  expect(end((done) => port.sync("a", done))).toEqual([error]);
  expect(contents("a")).toEqual(bytesOf(512, 2));
  ok((done) => port.sync("a", done));
  disk.crash(KEEP_UNSYNCED);
  expect(contents("a")).toEqual(bytesOf(512, 1));
});

test("a failed write has written its first half", () => {
  durableFile("a", bytesOf(2048, 1));
  const error = { code: "io", message: "broken" } as const;
  disk.faults.arm({ call: "write", prefix: "a", after: 1, times: 1, error });
  ok((done) => port.write("a", 0, bytesOf(1, 1), done));
  expect(end((done) => port.write("a", 0, bytesOf(2048, 2), done))).toEqual([error]);
  expect([0, 1023, 1024].map((at) => contents("a")?.[at])).toEqual([2, 2, 1]);
});

test("a full disk takes what fits and says so", () => {
  durableFile("a", bytesOf(512, 1));
  disk.faults.capacityBytes = 1024;
  expect(end((done) => port.write("a", 512, bytesOf(1024, 2), done))).toMatchObject([
    { code: "no-space" },
  ]);
  expect(contents("a")?.length).toBe(1024);
  expect(end((done) => port.create("b", done))).toMatchObject([{ code: "no-space" }]);
  ok((done) => port.write("a", 0, bytesOf(1024, 3), done));
  disk.faults.clear();
  ok((done) => port.create("b", done));
});

test("a slow disk is slow", () => {
  ok((done) => port.create("a", done));
  disk.faults.extraMs = 1000;
  const before = time.now;
  ok((done) => port.sync("a", done));
  expect(time.now - before).toBeGreaterThan(1000);
});

test("the platter shows what a power loss would leave, and changes nothing", () => {
  durableFile("a", bytesOf(512, 1));
  ok((done) => port.write("a", 0, bytesOf(512, 2), done));
  ok((done) => port.create("b", done));
  const platter = disk.platter();
  expect(platter.names()).toEqual(["a"]);
  expect(platter.file("a")?.read(0, 512)).toEqual(bytesOf(512, 1));
  expect(contents("a")).toEqual(bytesOf(512, 2));
});

test("an old state can be brought back, and the disk be replaced", () => {
  durableFile("a", bytesOf(512, 1));
  const old = disk.copy();
  ok((done) => port.write("a", 0, bytesOf(512, 2), done));
  ok((done) => port.sync("a", done));
  disk.restore(old);
  expect(contents("a")).toEqual(bytesOf(512, 1));
  disk.wipe();
  expect(disk.image.names()).toEqual([]);
});

test("bits flip at rest", () => {
  durableFile("a", bytesOf(512, 1));
  expect(disk.flipBit("a", 100, 1)).toBe(true);
  expect(disk.flipBit("a", 512, 1)).toBe(false);
  disk.crash(LOSE_UNSYNCED);
  expect([contents("a")?.[99], contents("a")?.[100]]).toEqual([1, 3]);
});

test("two disks of one seed take the same time for the same calls", () => {
  const run = (): number => {
    const clock = new Time();
    const one = new VirtualDisk({ seed: 3, schedule: clock.schedule }).attach();
    for (let nth = 0; nth < 20; nth += 1) one.create(`f${nth}`, () => {});
    clock.run();
    return clock.now;
  };
  expect(run()).toBe(run());
});

describe("a sync that lies", () => {
  const lie = (fate: "lost" | "late", after = 0): string[] => {
    const told: string[] = [];
    disk.faults.armLie({ prefix: "a", after, times: 1, fate, told: () => told.push("lied") });
    return told;
  };

  function writeAndSync(name: string, sector: number, value: number): void {
    ok((done) => port.write(name, sector * 512, bytesOf(512, value), done));
    ok((done) => port.sync(name, done));
  }

  test("reports success; what it was to save is seen, and lost with the power", () => {
    durableFile("a", bytesOf(512, 1));
    const told = lie("lost");
    writeAndSync("a", 0, 2);
    expect(told).toEqual(["lied"]);
    expect(contents("a")).toEqual(bytesOf(512, 2));
    disk.crash(KEEP_UNSYNCED);
    expect(contents("a")).toEqual(bytesOf(512, 1));
  });

  test("counts only files of its name, and honest ones first", () => {
    durableFile("a", bytesOf(512, 1));
    durableFile("b", bytesOf(512, 1));
    const told = lie("lost", 1);
    writeAndSync("b", 0, 2);
    writeAndSync("a", 0, 2);
    expect(told).toEqual([]);
    writeAndSync("a", 0, 3);
    expect(told).toEqual(["lied"]);
    writeAndSync("a", 1, 4);
    disk.crash(LOSE_UNSYNCED);
    expect(contents("a")?.subarray(0, 512)).toEqual(bytesOf(512, 2));
    expect(contents("a")?.subarray(512)).toEqual(bytesOf(512, 4));
  });

  test("found out late costs nothing at the end, and its sectors once more was saved", () => {
    for (const isLast of [true, false]) {
      disk = new VirtualDisk({ seed: 7, schedule: time.schedule });
      port = disk.attach();
      durableFile("a", bytesOf(512, 1));
      lie("late");
      writeAndSync("a", 1, 2);
      if (!isLast) writeAndSync("a", 2, 3);
      expect(contents("a")?.subarray(512, 1024)).toEqual(bytesOf(512, 2));
      disk.crash(LOSE_UNSYNCED);
      const kept = contents("a");
      expect(kept?.length).toBe(isLast ? 1024 : 1536);
      expect(kept?.subarray(512, 1024)).toEqual(bytesOf(512, isLast ? 2 : 0));
      if (!isLast) expect(kept?.subarray(1024)).toEqual(bytesOf(512, 3));
    }
  });

  test("is made good by writing the same again", () => {
    durableFile("a", bytesOf(512, 1));
    lie("late");
    writeAndSync("a", 1, 2);
    writeAndSync("a", 1, 2);
    writeAndSync("a", 2, 3);
    disk.crash(LOSE_UNSYNCED);
    expect(contents("a")?.subarray(512, 1024)).toEqual(bytesOf(512, 2));
  });
});
