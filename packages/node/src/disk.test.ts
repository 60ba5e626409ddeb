import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Disk, PortError } from "@synod/core";
import { describe, expect, it } from "vitest";
import { ask } from "./compliance/case.ts";
import { createDisk, type DiskOptions } from "./disk.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import { FILE_CALLS, type FileCalls } from "./write-all.ts";

async function openDisk(options?: Partial<DiskOptions>): Promise<Disk> {
  const disk = createDisk({ directory: temporaryDirectory(), ...options });
  expect((await ask((done) => disk.lock(done))).error).toBeNull();
  return disk;
}

/** System calls that take at most `most` bytes and are interrupted every other time. */
function reluctant(most: number): FileCalls {
  let calls = 0;
  const interrupted = () => {
    calls += 1;
    return calls % 2 === 1;
  };
  const error = Object.assign(new Error("interrupted"), { code: "EINTR" });
  return {
    ...FILE_CALLS,
    writeSync(fd, bytes, from, length, at) {
      if (interrupted()) throw error;
      return FILE_CALLS.writeSync(fd, bytes, from, Math.min(most, length), at);
    },
    write(fd, bytes, from, length, at, done) {
      if (interrupted()) setImmediate(done, error, 0);
      else FILE_CALLS.write(fd, bytes, from, Math.min(most, length), at, done);
    },
  };
}

describe("writes", () => {
  it("go on after short and interrupted ones, small and large", async () => {
    for (const [size, most] of [
      [1, 1],
      [1_000, 1],
      [1_000, 999],
      [400_000, 70_001],
    ] as const) {
      const directory = temporaryDirectory();
      const disk = await openDisk({ directory, calls: reluctant(most) });
      const data = new Uint8Array(size).map((_, index) => index % 241);
      await ask((done) => disk.create("a", done));
      expect((await ask((done) => disk.write("a", 5, data, done))).error).toBeNull();
      expect(Buffer.compare(readFileSync(join(directory, "a")).subarray(5), data)).toBe(0);
    }
  });

  it("end with an error when the file takes nothing", async () => {
    const calls: FileCalls = {
      ...FILE_CALLS,
      writeSync: () => 0,
      write: (_fd, _bytes, _from, _length, _at, done) => setImmediate(done, null, 0),
    };
    const disk = await openDisk({ calls });
    await ask((done) => disk.create("a", done));
    for (const size of [10, 400_000])
      expect((await ask((done) => disk.write("a", 0, new Uint8Array(size), done))).error).toBe(
        "io",
      );
  });

  it("say when there is no space, in each of its forms, and go on later", async () => {
    for (const code of ["ENOSPC", "EDQUOT", "EFBIG"]) {
      const failure = Object.assign(new Error(code), { code });
      let full = true;
      const calls: FileCalls = {
        ...FILE_CALLS,
        writeSync(...call) {
          if (full) throw failure;
          return FILE_CALLS.writeSync(...call);
        },
      };
      const disk = await openDisk({ calls });
      await ask((done) => disk.create("a", done));
      const write = () => ask((done) => disk.write("a", 0, new Uint8Array(1), done));
      expect((await write()).error).toBe("no-space");
      full = false;
      expect((await write()).error).toBeNull();
    }
  });
});

describe("the data directory", () => {
  it("is made with everything above it, for its owner only", async () => {
    const directory = join(temporaryDirectory(), "x", "y");
    await openDisk({ directory });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, "lock")).mode & 0o777).toBe(0o600);
  });

  it("gives files to its owner only, and does not list the lock or directories", async () => {
    const directory = temporaryDirectory();
    const disk = await openDisk({ directory });
    await ask((done) => disk.create("a", done));
    expect(statSync(join(directory, "a")).mode & 0o777).toBe(0o600);
    expect((await ask<readonly string[]>((done) => disk.list(done))).value).toEqual(["a"]);
  });

  it("keeps more files in use than it keeps open", async () => {
    const disk = await openDisk();
    const names = Array.from({ length: 150 }, (_, index) => `file-${index}`);
    for (const name of names) {
      await ask((done) => disk.create(name, done));
      await ask((done) => disk.write(name, 0, new TextEncoder().encode(name), done));
      if (names.indexOf(name) % 2 === 0) await ask((done) => disk.sync(name, done));
    }
    for (const name of names) {
      const { value } = await ask<Uint8Array>((done) => disk.read(name, 0, 100, done));
      expect(new TextDecoder().decode(value)).toBe(name);
    }
  });

  it("cannot be a file", async () => {
    const path = join(temporaryDirectory(), "file");
    writeFileSync(path, "");
    const disk = createDisk({ directory: path });
    expect((await ask((done) => disk.lock(done))).error).toBe("exists");
  });
});

describe("the lock", () => {
  const failure = (disk: Disk) => new Promise<PortError | null>((resolve) => disk.lock(resolve));

  it("is exclusive, names the holder, and can be given back", async () => {
    const directory = temporaryDirectory();
    const first = await openDisk({ directory });
    const second = createDisk({ directory });
    const error = await failure(second);
    expect(error?.code).toBe("locked");
    expect(error?.message).toContain(`process ${process.pid}`);
    expect((await ask((done) => first.unlock(done))).error).toBeNull();
    expect(await failure(second)).toBeNull();
  });

  it("is not taken twice by one disk", async () => {
    const disk = await openDisk();
    expect((await failure(disk))?.code).toBe("locked");
  });

  it("is given back only after what is under way", async () => {
    const disk = await openDisk();
    await ask((done) => disk.create("a", done));
    const order: string[] = [];
    const write = ask((done) => disk.write("a", 0, new Uint8Array(4_000_000), done)).then(
      (answer) => order.push(`write ${answer.error}`),
    );
    await ask((done) => disk.unlock(done)).then(() => order.push("unlock"));
    await write;
    expect(order).toEqual(["write null", "unlock"]);
  });

  it("opens and closes the disk: before and after, nothing is done", async () => {
    const directory = temporaryDirectory();
    const disk = createDisk({ directory });
    const create = () => ask((done) => disk.create("a", done));
    expect((await create()).error).toBe("closed");
    await ask((done) => disk.lock(done));
    await ask((done) => disk.unlock(done));
    expect((await create()).error).toBe("closed");
    expect((await ask((done) => disk.unlock(done))).error).toBe("closed");
    expect((await ask<readonly string[]>((done) => disk.list(done))).error).toBe("closed");
    expect(existsSync(join(directory, "a"))).toBe(false);
  });

  it("says what is missing when there is no `flock`", async () => {
    const disk = createDisk({ directory: temporaryDirectory(), flockProgram: "no-such-program" });
    const error = await failure(disk);
    expect(error?.code).toBe("denied");
    expect(error?.message).toMatch(/`flock` is needed .* util-linux/);
  });
});

describe("a failed sync", () => {
  it("is never followed by a good one of the same file, only of others", async () => {
    for (const flush of ["pool", "inline", "adaptive"] as const) {
      const failure = Object.assign(new Error("EIO"), { code: "EIO" });
      let broken = true;
      const calls: FileCalls = {
        ...FILE_CALLS,
        fdatasync: (fd, done) =>
          broken ? setImmediate(done, failure) : FILE_CALLS.fdatasync(fd, done),
        fdatasyncSync(fd) {
          if (broken) throw failure;
          FILE_CALLS.fdatasyncSync(fd);
        },
      };
      const disk = await openDisk({ calls, flush });
      for (const name of ["a", "b"]) await ask((done) => disk.create(name, done));
      await ask((done) => disk.write("a", 0, new Uint8Array(1), done));
      expect((await ask((done) => disk.sync("a", done))).error).toBe("io");
      broken = false;
      expect((await ask((done) => disk.sync("a", done))).error).toBe("io");
      expect((await ask((done) => disk.sync("b", done))).error).toBeNull();
    }
  });
});

it("names that could leave the directory are a bug of the caller", async () => {
  const disk = await openDisk();
  for (const name of ["../a", "a/b", "", ".", "..", "lock", "A", "a\0"])
    expect(() => disk.create(name, () => {})).toThrow("not the name of a data file");
});
