import { formatNode } from "@synod/node";
import type { Command } from "commander";
import { readForNewcomer, readMember } from "./cluster.ts";
import { wholeNumber } from "./options.ts";
import { synodFailure } from "./synod-failure.ts";

interface FormatOptions {
  readonly id: number;
  readonly cluster: string;
  readonly dir: string;
  readonly join?: true;
}

export function addFormatCommand(program: Command): void {
  program
    .command("format")
    .summary("make the data directory of a new node")
    .description(
      "Make the data directory of a new node. Do this once in the life of a node: a node that " +
        "lost its directory must not be formatted again under the same id, and would not be " +
        "allowed to vote. A new node votes once more than half of the others have met it.",
    )
    .requiredOption("--id <n>", "id of the node in the cluster file", wholeNumber(0, 65_535))
    .requiredOption("--cluster <file>", "the cluster file")
    .requiredOption("--dir <folder>", "the data directory, made if missing")
    .option("--join", "the cluster file does not name the node: it is to be added as a member")
    .action(runFormat);
}

async function runFormat(options: FormatOptions): Promise<void> {
  const { id, dir } = options;
  const cluster =
    options.join === true
      ? await readForNewcomer(options.cluster, id)
      : (await readMember(options.cluster, id)).cluster;
  try {
    const dataId = await formatNode({ directory: dir, cluster: cluster.cluster, id });
    process.stdout.write(`formatted ${dir} for node ${id}, data id ${dataId}\n`);
  } catch (error) {
    throw synodFailure(error, dir);
  }
}
