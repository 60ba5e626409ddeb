import type { Disk, PortError } from "@synod/core";
import { describe, expect, it } from "vitest";

/** What a disk answered: the error's code, or what it gave. */
export type Answer<T> = { readonly error: PortError["code"] | null; readonly value: T };

type Callback<T> = (error: PortError | null, value?: T) => void;

/**
 * Asks a disk, and checks what holds for every call: one answer, and not before the call has
 * returned.
 */
export function ask<T = undefined>(call: (done: Callback<T>) => void): Promise<Answer<T>> {
  return new Promise((resolve, reject) => {
    let returned = false;
    let answers = 0;
    call((error, value) => {
      answers += 1;
      if (!returned) reject(new Error("answered before the call had returned"));
      if (answers > 1) reject(new Error("answered twice"));
      setImmediate(resolve, { error: error?.code ?? null, value: value as T });
    });
    returned = true;
  });
}

const OK: Answer<undefined> = { error: null, value: undefined };

/**
 * What every implementation of the Disk port must do while nothing crashes. `open` gives a locked
 * disk on an empty directory.
 */
export function describeDiskContract(name: string, open: () => Promise<Disk>): void {
  describe(`${name} as a disk`, () => {
    it("creates, measures, writes, reads and lists files", async () => {
      const disk = await open();
      expect(await ask((done) => disk.create("a", done))).toEqual(OK);
      expect(await ask<number>((done) => disk.size("a", done))).toEqual({ error: null, value: 0 });
      expect(await ask((done) => disk.write("a", 0, bytes("hello"), done))).toEqual(OK);
      expect(await ask((done) => disk.write("a", 3, bytes("p me"), done))).toEqual(OK);
      expect(await ask<number>((done) => disk.size("a", done))).toEqual({ error: null, value: 7 });
      expect(await readText(disk, "a", 0, 7)).toBe("help me");
      expect(await ask((done) => disk.create("b", done))).toEqual(OK);
      expect(await ask<readonly string[]>((done) => disk.list(done))).toEqual({
        error: null,
        value: ["a", "b"],
      });
    });

    it("reads what is there and no more", async () => {
      const disk = await open();
      await ask((done) => disk.create("a", done));
      await ask((done) => disk.write("a", 0, bytes("0123456789"), done));
      expect(await readText(disk, "a", 4, 3)).toBe("456");
      expect(await readText(disk, "a", 8, 100)).toBe("89");
      expect(await readText(disk, "a", 10, 5)).toBe("");
      expect(await readText(disk, "a", 1_000, 5)).toBe("");
      expect(await readText(disk, "a", 2, 0)).toBe("");
    });

    it("gives plain byte arrays, whose slices are copies", async () => {
      const disk = await open();
      await ask((done) => disk.create("a", done));
      await ask((done) => disk.write("a", 0, bytes("abc"), done));
      const { value } = await ask<Uint8Array>((done) => disk.read("a", 0, 3, done));
      value.slice(0, 1).fill(0);
      expect(text(value)).toBe("abc");
    });

    it("fills the gap with zeros when it writes beyond the end", async () => {
      const disk = await open();
      await ask((done) => disk.create("a", done));
      await ask((done) => disk.write("a", 4, bytes("x"), done));
      expect(await readText(disk, "a", 0, 10)).toBe("\0\0\0\0x");
    });

    it("writes large blocks whole, and nothing for an empty one", async () => {
      const disk = await open();
      const large = new Uint8Array(3_000_001).map((_, index) => index % 251);
      await ask((done) => disk.create("a", done));
      expect(await ask((done) => disk.write("a", 0, new Uint8Array(0), done))).toEqual(OK);
      expect(await ask((done) => disk.write("a", 17, large, done))).toEqual(OK);
      const { value } = await ask<Uint8Array>((done) => disk.read("a", 17, large.length, done));
      expect(Buffer.compare(value, large)).toBe(0);
    });

    it("completes operations on one file in the order of the calls", async () => {
      const disk = await open();
      const order: number[] = [];
      const step = (n: number, call: (done: Callback<any>) => void) =>
        ask(call).then(() => order.push(n));
      await Promise.all([
        step(0, (done) => disk.create("a", done)),
        step(1, (done) => disk.write("a", 0, new Uint8Array(2_000_000), done)),
        step(2, (done) => disk.sync("a", done)),
        step(3, (done) => disk.write("a", 0, bytes("x"), done)),
        step(4, (done) => disk.read("a", 0, 1, done)),
        step(5, (done) => disk.rename("a", "b", done)),
        step(6, (done) => disk.size("b", done)),
      ]);
      expect(order).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(await readText(disk, "b", 0, 1)).toBe("x");
    });

    it("syncs files and the directory", async () => {
      const disk = await open();
      await ask((done) => disk.create("a", done));
      await ask((done) => disk.write("a", 0, bytes("x"), done));
      expect(await ask((done) => disk.sync("a", done))).toEqual(OK);
      expect(await ask((done) => disk.syncDirectory(done))).toEqual(OK);
    });

    it("renames over another file, and goes on under the new name", async () => {
      const disk = await open();
      for (const name of ["a", "b"]) {
        await ask((done) => disk.create(name, done));
        await ask((done) => disk.write(name, 0, bytes(`was ${name}`), done));
      }
      expect(await ask((done) => disk.rename("a", "b", done))).toEqual(OK);
      expect(await readText(disk, "b", 0, 9)).toBe("was a");
      await ask((done) => disk.write("b", 0, bytes("is now b"), done));
      expect(await readText(disk, "b", 0, 9)).toBe("is now b");
      expect((await ask<number>((done) => disk.size("a", done))).error).toBe("not-found");
    });

    it("removes, and a new file of that name is empty", async () => {
      const disk = await open();
      await ask((done) => disk.create("a", done));
      await ask((done) => disk.write("a", 0, bytes("old"), done));
      expect(await ask((done) => disk.remove("a", done))).toEqual(OK);
      expect((await ask<Uint8Array>((done) => disk.read("a", 0, 3, done))).error).toBe("not-found");
      expect(await ask((done) => disk.create("a", done))).toEqual(OK);
      expect(await readText(disk, "a", 0, 3)).toBe("");
    });

    it("names what is wrong", async () => {
      const disk = await open();
      await ask((done) => disk.create("a", done));
      expect((await ask((done) => disk.create("a", done))).error).toBe("exists");
      expect((await ask<number>((done) => disk.size("none", done))).error).toBe("not-found");
      expect((await ask<Uint8Array>((done) => disk.read("none", 0, 1, done))).error).toBe(
        "not-found",
      );
      expect((await ask((done) => disk.write("none", 0, bytes("x"), done))).error).toBe(
        "not-found",
      );
      expect((await ask((done) => disk.sync("none", done))).error).toBe("not-found");
      expect((await ask((done) => disk.rename("none", "b", done))).error).toBe("not-found");
      expect((await ask((done) => disk.remove("none", done))).error).toBe("not-found");
    });
  });
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

async function readText(disk: Disk, name: string, at: number, length: number): Promise<string> {
  const answer = await ask<Uint8Array>((done) => disk.read(name, at, length, done));
  expect(answer.error).toBeNull();
  return text(answer.value);
}
