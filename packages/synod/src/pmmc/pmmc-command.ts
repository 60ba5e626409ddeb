import type { Command } from "commander";
import { CommandFailure } from "../exit-codes.ts";
import { wholeNumber } from "../options.ts";
import { direct } from "./director.ts";
import { createProcessStage } from "./process-stage.ts";
import { type PmmcSettings, parseChanges, parseKills, partsOf, planProblem } from "./settings.ts";
import { createVirtualStage } from "./virtual-stage.ts";

const CLIENTS_MAX = 99;
const REQUESTS_MAX = 10_000;
const ROLE_MAX = 7;
const PAUSE_MAX_MS = 60_000;
const SEEDS = 1_000_000_000;

interface PmmcOptions {
  readonly clients: number;
  readonly replicas: number;
  readonly leaders: number;
  readonly acceptors: number;
  readonly requests: number;
  readonly pause: number;
  readonly kill?: PmmcSettings["kills"];
  readonly reconfigure?: PmmcSettings["changes"];
  readonly processes: boolean;
  readonly seed: number;
}

/** `synod pmmc`: the roles of Paxos Made Moderately Complex at work, for people who learn them. */
export function addPmmcCommand(program: Command): void {
  program
    .command("pmmc")
    .summary("watch replicas, leaders and acceptors at work")
    .description(
      "Run Paxos Made Moderately Complex with every replica, leader and acceptor on its own, " +
        "let clients add to, subtract from and multiply one number, and compare the replicas' " +
        "states at the end. In simulated time, unless --processes is given.",
    )
    .option("--clients <n>", "clients", wholeNumber(1, CLIENTS_MAX), 5)
    .option("--replicas <n>", "replicas", wholeNumber(1, ROLE_MAX), 3)
    .option("--leaders <n>", "leaders", wholeNumber(1, ROLE_MAX), 3)
    .option("--acceptors <n>", "acceptors", wholeNumber(1, ROLE_MAX), 3)
    .option("--requests <n>", "commands of each client", wholeNumber(1, REQUESTS_MAX), 10)
    .option("--pause <ms>", "between two commands", wholeNumber(0, PAUSE_MAX_MS), 500)
    .option("--kill <who@when>", "like leader@2s,acceptor1@3s", parseKills)
    .option("--reconfigure <plan>", "like acceptors=1+2+3@2s,leaders=0+1@3s", parseChanges)
    .option("--processes", "a process for each role, over TCP, in real time", false)
    .option(
      "--seed <n>",
      "same seed, same story (but with --processes)",
      wholeNumber(0, SEEDS - 1),
      1,
    )
    .showHelpAfterError(true)
    .action((options: PmmcOptions, command: Command) => run(settingsOf(options), command));
}

function settingsOf(options: PmmcOptions): PmmcSettings {
  const { pause, kill = [], reconfigure = [], ...rest } = options;
  return { ...rest, pauseMs: pause, kills: kill, changes: reconfigure };
}

async function run(settings: PmmcSettings, command: Command): Promise<void> {
  const problem = planProblem(settings);
  if (problem !== null) command.error(`synod: ${problem}`, { exitCode: 2 });
  const succeeded = settings.processes ? await inProcesses(settings) : inSimulatedTime(settings);
  if (!succeeded)
    throw new CommandFailure("failure", "not every command was answered, or states differ");
}

function inSimulatedTime(settings: PmmcSettings): boolean {
  const stage = createVirtualStage(partsOf(settings), settings.seed);
  let succeeded: boolean | null = null;
  direct({
    settings,
    stage,
    tell,
    done: (result) => {
      succeeded = result;
    },
  });
  stage.run(() => succeeded !== null);
  return succeeded ?? false;
}

async function inProcesses(settings: PmmcSettings): Promise<boolean> {
  const stage = await createProcessStage(partsOf(settings));
  try {
    return await new Promise((done) => direct({ settings, stage, tell, done }));
  } finally {
    await stage.close();
  }
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
