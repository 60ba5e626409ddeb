import { Command } from "commander";
import { EXIT_CODES } from "./exit-codes.ts";
import { VERSION } from "./version.ts";

/**
 * What adds each command, in the order of the help. Whoever runs one command waits for its modules
 * and not for those of all others, which took longer than most commands themselves.
 */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  demo: async () => (await import("./demo/demo-command.ts")).addDemoCommand,
  format: async () => (await import("./format-command.ts")).addFormatCommand,
  start: async () => (await import("./start-command.ts")).addStartCommand,
  get: async () => (await import("./key-commands.ts")).addGetCommand,
  put: async () => (await import("./key-commands.ts")).addPutCommand,
  delete: async () => (await import("./key-commands.ts")).addDeleteCommand,
  status: async () => (await import("./status-command.ts")).addStatusCommand,
  member: async () => (await import("./member/member-command.ts")).addMemberCommand,
  sim: async () => (await import("./sim/sim-command.ts")).addSimCommand,
  replay: async () => (await import("./sim/replay-command.ts")).addReplayCommand,
  check: async () => (await import("./check/check-command.ts")).addCheckCommand,
  explore: async () => (await import("./explore/explore-command.ts")).addExploreCommand,
  soak: async () => (await import("./soak/soak-command.ts")).addSoakCommand,
  toy: async () => (await import("./toy/toy-command.ts")).addToyCommand,
  pmmc: async () => (await import("./pmmc/pmmc-command.ts")).addPmmcCommand,
};

/** Fixed, so that what docs/cli.md shows is what everybody sees. */
const HELP_COLUMNS = 80;

/**
 * The command line, with nothing but the command of this name; with all of them when there is none.
 * Parsing it throws a `CommanderError` or a `CommandFailure`.
 */
export async function createProgram(name = ""): Promise<Command> {
  const program = new Command("synod")
    .description(
      "A durable, replicated key-value store that survives crashes, on Multi-Paxos or OmniPaxos.",
    )
    .version(VERSION, "--version", "print the version")
    .helpOption("--help", "show help")
    .helpCommand("help [command]", "show help of a command")
    .showHelpAfterError("(add --help for what is possible)")
    .addHelpText("after", `\n${exitCodeText()}`)
    .exitOverride();
  const names = Object.hasOwn(COMMANDS, name) ? [name] : Object.keys(COMMANDS);
  for (const load of names.map((each) => COMMANDS[each])) (await load?.())?.(program);
  for (const command of allCommands(program)) {
    command.configureOutput({
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
      outputError: (text, write) => write(text.replace(/^error: /, "synod: ")),
    });
  }
  return program;
}

/** A command with all below it, as they stand in the help. */
export function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function exitCodeText(): string {
  const lines = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${code}  ${meaning}`);
  return ["Exit codes:", ...lines].join("\n");
}
