import type { Disk } from "@synod/core";
import {
  ask,
  bytesOf,
  type Callback,
  type ComplianceCase,
  expectEqual,
  ok,
  textOf,
} from "./case.ts";

/**
 * What every implementation of the Disk port must do while nothing crashes. The subject is a locked
 * disk on an empty directory. What a crash may leave no test from within can tell.
 */
export const DISK_COMPLIANCE: readonly ComplianceCase<Disk>[] = [
  {
    name: "creates, measures, writes, reads and lists files",
    async run(disk) {
      await ok((done) => disk.create("a", done));
      expectEqual(await ok<number>((done) => disk.size("a", done)), 0);
      await ok((done) => disk.write("a", 0, bytesOf("hello"), done));
      await ok((done) => disk.write("a", 3, bytesOf("p me"), done));
      expectEqual(await ok<number>((done) => disk.size("a", done)), 7);
      expectEqual(await readText(disk, "a", 0, 7), "help me");
      await ok((done) => disk.create("b", done));
      const names = await ok<readonly string[]>((done) => disk.list(done));
      expectEqual([...names].sort(), ["a", "b"]);
    },
  },
  {
    name: "reads what is there and no more",
    async run(disk) {
      await makeFile(disk, "a", "0123456789");
      expectEqual(await readText(disk, "a", 4, 3), "456");
      expectEqual(await readText(disk, "a", 8, 100), "89");
      expectEqual(await readText(disk, "a", 10, 5), "");
      expectEqual(await readText(disk, "a", 1_000, 5), "");
      expectEqual(await readText(disk, "a", 2, 0), "");
    },
  },
  {
    name: "gives plain byte arrays, whose slices are copies",
    async run(disk) {
      await makeFile(disk, "a", "abc");
      const value = await ok<Uint8Array>((done) => disk.read("a", 0, 3, done));
      value.slice(0, 1).fill(0);
      expectEqual(textOf(value), "abc");
    },
  },
  {
    name: "has its own copy of what was written when it calls back, and lends no copy of its own",
    async run(disk) {
      const written = bytesOf("abc");
      await ok((done) => disk.create("a", done));
      await ok((done) => disk.write("a", 0, written, done));
      written.fill(0);
      (await ok<Uint8Array>((done) => disk.read("a", 0, 3, done))).fill(0);
      expectEqual(await readText(disk, "a", 0, 3), "abc");
    },
  },
  {
    name: "fills the gap with zeros when it writes beyond the end",
    async run(disk) {
      await ok((done) => disk.create("a", done));
      await ok((done) => disk.write("a", 4, bytesOf("x"), done));
      expectEqual(await readText(disk, "a", 0, 10), "\0\0\0\0x");
    },
  },
  {
    name: "writes large blocks whole, and nothing for an empty one",
    async run(disk) {
      const large = new Uint8Array(3_000_001).map((_, index) => index % 251);
      await ok((done) => disk.create("a", done));
      await ok((done) => disk.write("a", 0, new Uint8Array(0), done));
      await ok((done) => disk.write("a", 17, large, done));
      const value = await ok<Uint8Array>((done) => disk.read("a", 17, large.length, done));
      expectEqual(Buffer.compare(value, large), 0);
    },
  },
  {
    name: "completes operations on one file in the order of the calls",
    async run(disk) {
      const order: number[] = [];
      const step = (n: number, call: (done: Callback<unknown>) => void) =>
        ok(call).then(() => order.push(n));
      await Promise.all([
        step(0, (done) => disk.create("a", done)),
        step(1, (done) => disk.write("a", 0, new Uint8Array(2_000_000), done)),
        step(2, (done) => disk.sync("a", done)),
        step(3, (done) => disk.write("a", 0, bytesOf("x"), done)),
        step(4, (done) => disk.read("a", 0, 1, done)),
      ]);
      expectEqual(order, [0, 1, 2, 3, 4]);
      expectEqual(await readText(disk, "a", 0, 1), "x");
    },
  },
  {
    name: "measures and reads a file as the writes before have left it, and tells so after them",
    async run(disk) {
      const order: number[] = [];
      const step = <T>(n: number, call: (done: Callback<T>) => void): Promise<T> =>
        ok<T>(call).then((value) => {
          order.push(n);
          return value;
        });
      await ok((done) => disk.create("a", done));
      const writes = [
        step(0, (done) => disk.write("a", 0, new Uint8Array(2_000_000), done)),
        step(1, (done) => disk.write("a", 2_000_000, bytesOf("end"), done)),
      ];
      const size = step<number>(2, (done) => disk.size("a", done));
      const bytes = step<Uint8Array>(3, (done) => disk.read("a", 2_000_000, 9, done));
      writes.push(step(4, (done) => disk.write("a", 2_000_003, bytesOf("!"), done)));
      const longer = step<number>(5, (done) => disk.size("a", done));
      await Promise.all(writes);
      expectEqual([await size, textOf(await bytes), await longer], [2_000_003, "end", 2_000_004]);
      expectEqual(order, [0, 1, 2, 3, 4, 5]);
    },
  },
  {
    name: "syncs files and the directory",
    async run(disk) {
      await makeFile(disk, "a", "x");
      await ok((done) => disk.sync("a", done));
      await ok((done) => disk.syncDirectory(done));
      expectEqual(await readText(disk, "a", 0, 1), "x");
    },
  },
  {
    name: "renames over another file, and goes on under the new name",
    async run(disk) {
      for (const name of ["a", "b"]) await makeFile(disk, name, `was ${name}`);
      await ok((done) => disk.rename("a", "b", done));
      expectEqual(await readText(disk, "b", 0, 9), "was a");
      await ok((done) => disk.write("b", 0, bytesOf("is now b"), done));
      expectEqual(await readText(disk, "b", 0, 9), "is now b");
      expectEqual((await ask<number>((done) => disk.size("a", done))).error, "not-found");
    },
  },
  {
    name: "removes, and a new file of that name is empty",
    async run(disk) {
      await makeFile(disk, "a", "old");
      await ok((done) => disk.remove("a", done));
      expectEqual((await ask<Uint8Array>((done) => disk.read("a", 0, 3, done))).error, "not-found");
      await ok((done) => disk.create("a", done));
      expectEqual(await readText(disk, "a", 0, 3), "");
    },
  },
  {
    name: "names what is wrong",
    async run(disk) {
      await ok((done) => disk.create("a", done));
      expectEqual((await ask((done) => disk.create("a", done))).error, "exists");
      for (const call of [
        (done) => disk.size("none", done),
        (done) => disk.read("none", 0, 1, done),
        (done) => disk.write("none", 0, bytesOf("x"), done),
        (done) => disk.sync("none", done),
        (done) => disk.rename("none", "b", done),
        (done) => disk.remove("none", done),
      ] satisfies ((done: Callback<unknown>) => void)[])
        expectEqual((await ask(call)).error, "not-found");
    },
  },
];

async function makeFile(disk: Disk, name: string, content: string): Promise<void> {
  await ok((done) => disk.create(name, done));
  await ok((done) => disk.write(name, 0, bytesOf(content), done));
}

async function readText(disk: Disk, name: string, at: number, length: number): Promise<string> {
  return textOf(await ok<Uint8Array>((done) => disk.read(name, at, length, done)));
}
