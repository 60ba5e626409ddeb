/** Every exit code of the command, with its meaning; docs/cli.md is checked against this table. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: "done; a node or demo that was asked to stop has stopped" },
  failure: {
    code: 1,
    meaning: "it did not work: no such key, no node answers, a write was refused",
  },
  usage: { code: 2, meaning: "the command line makes no sense; nothing was done" },
  port: { code: 3, meaning: "a port is taken, or may not be listened on" },
  locked: { code: 4, meaning: "the data directory is in use by another process" },
  foreign: {
    code: 5,
    meaning: "the directory belongs to another node, cluster or protocol, or holds data",
  },
  cluster: { code: 6, meaning: "the cluster file cannot be read or describes no valid cluster" },
  disk: { code: 7, meaning: "the data directory is damaged, or cannot be read or written" },
  unknown: {
    code: 8,
    meaning: "a write may or may not have been executed: read the key before writing again",
  },
} as const satisfies Record<string, ExitCode>;

interface ExitCode {
  readonly code: number;
  readonly meaning: string;
}

export type ExitName = keyof typeof EXIT_CODES;

/** Ends the command: one line for standard error that says what is wrong and what to do. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exit: ExitName;

  constructor(exit: ExitName, message: string) {
    super(message);
    this.exit = exit;
  }

  get code(): number {
    return EXIT_CODES[this.exit].code;
  }
}

/** The name of an exit code, or null when none of ours has that number. */
export function exitName(code: number | null): ExitName | null {
  const found = Object.entries(EXIT_CODES).find(([, exit]) => exit.code === code);
  return found === undefined ? null : (found[0] as ExitName);
}
