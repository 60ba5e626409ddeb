import { writeFileSync } from "node:fs";
import { checkHistory, writeHistory } from "@synod/simulator";
import { readHistoryFile } from "../check/history-file.ts";
import { deleteAll, readEverywhere } from "./read-everywhere.ts";
import { startWorkload, type Workload } from "./workload.ts";

/** What a round came to. */
export interface RoundFigures {
  readonly operations: number;
  readonly unanswered: number;
  readonly violations: readonly string[];
}

export interface RoundOptions {
  readonly urls: readonly string[];
  /** What its keys and clients begin with. */
  readonly name: string;
  /** Where its history is kept. */
  readonly file: string;
  /** What happens meanwhile; the clients stop when it is over. */
  readonly meanwhile: (clients: Clients) => Promise<void>;
}

export interface Clients {
  /** Requests that were answered for good so far, and how many of them were writes. */
  progress(): number;
  writes(): number;
}

/**
 * Clients work, things happen; then everything is read everywhere, and what all saw is written
 * down and judged. Each round has keys of its own, so that none of them knows more operations than
 * can be judged; they are deleted at the end.
 */
export async function runRound(options: RoundOptions): Promise<RoundFigures> {
  const { urls, name, file, meanwhile } = options;
  const workload = startWorkload(urls, name);
  let seen: Workload;
  try {
    await meanwhile(workload);
  } finally {
    seen = await workload.stop();
  }
  const keys = [...new Set(seen.history.map(({ key }) => key))];
  const last = await readEverywhere(urls, keys);
  const acknowledged = new Set(seen.acknowledged);
  const lost = last.filter(
    ({ key, output }) => acknowledged.has(key) && output?.kind === "value" && output.value !== key,
  );
  writeFileSync(file, writeHistory([...seen.history, ...last]));
  const { operations, model } = await readHistoryFile(file);
  const verdict = checkHistory(operations, model);
  const violations = [
    ...seen.violations,
    ...lost.map(({ key, process }) => `${process} does not find ${key}, which was acknowledged`),
    ...(verdict.kind === "linearizable" ? [] : [`${verdict.kind}: npm run synod -- check ${file}`]),
  ];
  await deleteAll(urls, keys);
  const unanswered = operations.filter(({ returned }) => returned === null).length;
  return { operations: operations.length, unanswered, violations };
}
