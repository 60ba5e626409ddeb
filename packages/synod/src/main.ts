import { CommanderError } from "commander";
import { CommandFailure, EXIT_CODES } from "./exit-codes.ts";
import { createProgram } from "./program.ts";

/** Runs the command `synod` with these arguments; resolves with its exit code and never rejects. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const program = await createProgram(args[0]);
    await program.parseAsync([...args], { from: "user" });
    return EXIT_CODES.ok.code;
  } catch (error) {
    // Commander has said what is wrong, or printed the help that was asked for.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.usage.code;
    const failure =
      error instanceof CommandFailure ? error : new CommandFailure("failure", unexpected(error));
    process.stderr.write(`synod: ${failure.message}\n`);
    return failure.code;
  }
}

/** Ends the process in peace when who reads its output, as `head` does, has seen enough. */
export function endWhenNobodyReads(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT_CODES.ok.code);
  });
}

function unexpected(error: unknown): string {
  return `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
