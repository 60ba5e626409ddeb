import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHistoryReader, type RecordedHistory } from "../history-reader.ts";

const ROOT = fileURLToPath(new URL("../../../../../", import.meta.url));

/** Where recorded histories of others lie, when they are there: they are no part of the project. */
export const HISTORIES = process.env["SYNOD_HISTORIES"] ?? join(ROOT, "../shared/histories");

export const HISTORIES_MISSING = !existsSync(HISTORIES);

if (HISTORIES_MISSING)
  process.stderr.write(`skipped: no recorded histories in ${HISTORIES} (SYNOD_HISTORIES)\n`);

const LINEARIZABLE = new Set(
  ["002", "018", "038", "048", "056", "076", "080", "092", "098", "100", "102"]
    .map((number) => `etcd_${number}.log`)
    .concat("c01-ok.txt", "c10-ok.txt"),
);

export interface RealHistory {
  readonly name: string;
  readonly isLinearizable: boolean;
  readonly history: RecordedHistory;
}

export function realHistories(): RealHistory[] {
  return ["jepsen", "kv"].flatMap((folder) =>
    readdirSync(join(HISTORIES, folder)).map((name) => ({
      name,
      isLinearizable: LINEARIZABLE.has(name),
      history: readText(readFileSync(join(HISTORIES, folder, name), "utf8")),
    })),
  );
}

/** Throws at the first line that is not understood. */
export function readText(text: string): RecordedHistory {
  const reader = createHistoryReader();
  for (const line of text.split("\n")) {
    const problem = reader.line(line);
    if (problem !== null) throw new Error(`${problem.line}: expected ${problem.expected}`);
  }
  return reader.end();
}
