import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { createHistoryReader, type RecordedHistory } from "@synod/simulator";
import { CommandFailure } from "../exit-codes.ts";

/** Longest line that is read, in characters: what is longer is no history. */
const LINE_MAX = 16 * 1024 * 1024;
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
      const names = await readdir(path, { recursive: true });
      const files = names.filter((name) => HISTORY_NAME.test(name)).sort();
      if (files.length === 0)
        throw new CommandFailure("usage", `${path}: expected a history in this directory`);
      return files.map((name) => join(path, name));
    }),
  );
  return found.flat();
}

/** Reads a file line by line. Throws a {@link CommandFailure} of one line: file, line, what was expected. */
export async function readHistoryFile(file: string): Promise<RecordedHistory> {
  const reader = createHistoryReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let count = 0;
  const fail = (line: number, expected: string): never => {
    throw new CommandFailure("usage", `${file}:${line}: expected ${expected}`);
  };
  const feed = (line: string): void => {
    count += 1;
    const problem = reader.line(line);
    if (problem !== null) fail(problem.line, problem.expected);
  };
  const decode = (chunk?: Buffer): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      return fail(count + 1, "text in UTF-8");
    }
  };
  let rest = "";
  for await (const chunk of chunksOf(file)) {
    const lines = (rest + decode(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) feed(line);
    if (rest.length > LINE_MAX) fail(count + 1, `a line of at most ${LINE_MAX} characters`);
  }
  rest += decode();
  if (rest !== "") feed(rest);
  return reader.end();
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
