import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { createHistoryReader, type RecordedHistory } from "@synod/simulator";
import { CommandFailure } from "../exit-codes.ts";

/** Longest line that is read: what is longer is no history. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;
const NEW_LINE = 0x0a;
/** Files of a directory with other endings are passed over. */
const HISTORY_NAME = /\.(log|txt|jsonl|ndjson|edn)$/;

/** The files named; of a directory, all histories in it and below, in the order of their names. */
export async function historyFiles(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const isDirectory = await stat(path).then(
        (info) => info.isDirectory(),
        () => false,
      );
      if (!isDirectory) return [path];
      const names = await readdir(path, { recursive: true }).catch((error: unknown) => {
        throw new CommandFailure("usage", `${path}: expected a directory: ${reason(error)}`);
      });
      const files = names.filter((name) => HISTORY_NAME.test(name)).sort();
      if (files.length === 0)
        throw new CommandFailure("usage", `${path}: expected a history in this directory`);
      return files.map((name) => join(path, name));
    }),
  );
  return found.flat();
}

/**
 * Reads a file line by line. Throws a {@link CommandFailure} of one line: file, line, what was
 * expected.
 */
export async function readHistoryFile(file: string): Promise<RecordedHistory> {
  const reader = createHistoryReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let count = 0;
  const fail = (expected: string): never => {
    throw new CommandFailure("usage", `${file}:${count}: expected ${expected}`);
  };
  const decode = (line: Buffer): string => {
    try {
      return decoder.decode(line);
    } catch {
      return fail("text in UTF-8");
    }
  };
  for await (const line of linesOf(file)) {
    count += 1;
    if (line === null) return fail(`a line of at most ${LINE_BYTES_MAX} bytes`);
    const problem = reader.line(decode(line));
    if (problem !== null) fail(problem.expected);
  }
  return reader.end();
}

/** The lines without their ends; null and no more for one that is too long. */
async function* linesOf(file: string): AsyncGenerator<Buffer | null> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for await (const chunk of chunksOf(file)) {
    let from = 0;
    for (let end = chunk.indexOf(NEW_LINE); end >= 0; end = chunk.indexOf(NEW_LINE, from)) {
      yield Buffer.concat([...begun, chunk.subarray(from, end)]);
      begun = [];
      begunBytes = 0;
      from = end + 1;
    }
    begun.push(chunk.subarray(from));
    begunBytes += chunk.length - from;
    if (begunBytes > LINE_BYTES_MAX) return yield null;
  }
  if (begunBytes > 0) yield Buffer.concat(begun);
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(
      "usage",
      `${file}: expected a file that can be read: ${reason(error)}`,
    );
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    ENOENT: "it does not exist",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
  };
  return words[code ?? ""] ?? message;
}
