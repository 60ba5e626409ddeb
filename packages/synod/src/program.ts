import { Command } from "commander";
import { addCheckCommand } from "./check/check-command.ts";
import { addDemoCommand } from "./demo/demo-command.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { addExploreCommand } from "./explore/explore-command.ts";
import { addFormatCommand } from "./format-command.ts";
import { addKeyCommands } from "./key-commands.ts";
import { addMemberCommand } from "./member/member-command.ts";
import { addPmmcCommand } from "./pmmc/pmmc-command.ts";
import { addReplayCommand } from "./sim/replay-command.ts";
import { addSimCommand } from "./sim/sim-command.ts";
import { addSoakCommand } from "./soak/soak-command.ts";
import { addStartCommand } from "./start-command.ts";
import { addStatusCommand } from "./status-command.ts";
import { addToyCommand } from "./toy/toy-command.ts";
import { VERSION } from "./version.ts";

/** Fixed, so that what docs/cli.md shows is what everybody sees. */
const HELP_COLUMNS = 80;

/** The whole command line. Parsing it throws a `CommanderError` or a `CommandFailure`. */
export function createProgram(): Command {
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
  addDemoCommand(program);
  addFormatCommand(program);
  addStartCommand(program);
  addKeyCommands(program);
  addStatusCommand(program);
  addMemberCommand(program);
  addSimCommand(program);
  addReplayCommand(program);
  addCheckCommand(program);
  addExploreCommand(program);
  addSoakCommand(program);
  addToyCommand(program);
  addPmmcCommand(program);
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
