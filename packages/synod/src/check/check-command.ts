import { type CheckProgress, checkHistory } from "@synod/simulator";
import type { Command } from "commander";
import { CommandFailure } from "../exit-codes.ts";
import { wholeNumber } from "../options.ts";
import { type Checked, reportJson, reportText } from "./check-report.ts";
import { historyFiles, readHistoryFile } from "./history-file.ts";

const STEPS_MAX = 999_999_999;
/** A check that takes no longer says nothing on the way. */
const QUIET_MS = 500;
const PROGRESS_EVERY_MS = 200;

interface CheckCommandOptions {
  readonly json: boolean;
  readonly steps: number;
}

/** The fourth exit code of this command; others use the number for something else. */
const UNDECIDED = 3;

class Undecided extends CommandFailure {
  override get code(): number {
    return UNDECIDED;
  }
}

/** `synod check`: are these recorded histories linearizable? */
export function addCheckCommand(program: Command): void {
  program
    .command("check")
    .summary("check recorded histories for linearizability")
    .description("Check recorded histories of clients for linearizability.")
    .argument("<file...>", "histories; of a directory, all in it (docs/checker.md: formats)")
    .option("--json", "one line of JSON per file", false)
    .option("--steps <n>", "steps before giving up", wholeNumber(1, STEPS_MAX), 200_000_000)
    .addHelpText(
      "after",
      "\nExit codes: 0 all linearizable, 1 one is not, 2 one cannot be read, 3 one is undecided.",
    )
    .action(checkFiles);
}

async function checkFiles(paths: readonly string[], options: CheckCommandOptions): Promise<void> {
  const verdicts: Checked["verdict"]["kind"][] = [];
  const problems: CommandFailure[] = [];
  for (const file of await historyFiles(paths)) {
    try {
      const checked = await checkFile(file, options.steps);
      verdicts.push(checked.verdict.kind);
      process.stdout.write(options.json ? reportJson(checked) : reportText(checked));
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      problems.push(error);
    }
  }
  const last = problems.pop();
  for (const { message } of problems) process.stderr.write(`synod: ${message}\n`);
  if (last !== undefined) throw last;
  const wrong = verdicts.filter((kind) => kind === "not-linearizable").length;
  if (wrong > 0)
    throw new CommandFailure("failure", `${wrong} of ${verdicts.length} not linearizable`);
  const open = verdicts.filter((kind) => kind === "undecided").length;
  if (open > 0) throw new Undecided("failure", `${open} of ${verdicts.length} undecided`);
}

async function checkFile(file: string, stepsMax: number): Promise<Checked> {
  const history = await readHistoryFile(file);
  const begun = performance.now();
  const onProgress = createProgress(file, begun);
  const verdict = checkHistory(history.operations, history.model, { stepsMax, onProgress });
  onProgress(null);
  return { file, history, verdict, ms: performance.now() - begun };
}

/** A line on a terminal that follows the search; null wipes it away. */
function createProgress(file: string, begun: number): (progress: CheckProgress | null) => void {
  let nextAt = begun + QUIET_MS;
  let isShown = false;
  return (progress) => {
    if (!process.stderr.isTTY) return;
    if (progress === null) {
      if (isShown) process.stderr.write("\r\u001b[K");
      return;
    }
    const now = performance.now();
    if (now < nextAt) return;
    nextAt = now + PROGRESS_EVERY_MS;
    isShown = true;
    const { steps, keys, keysOpen } = progress;
    const millions = (steps / 1_000_000).toFixed(0);
    process.stderr.write(
      `\r\u001b[K${file}: ${millions} million steps, ${keysOpen} of ${keys} keys open`,
    );
  };
}
