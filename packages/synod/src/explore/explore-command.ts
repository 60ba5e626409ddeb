import { spawnSync } from "node:child_process";
import {
  type Bounds,
  CALIBRATIONS,
  type Calibration,
  type CalibrationName,
  type Exploration,
  explore,
  type Model,
} from "@synod/simulator";
import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import { CommandFailure, EXIT_CODES } from "../exit-codes.ts";
import { wholeNumber } from "../options.ts";
import { mutantArguments } from "../sim/sweep.ts";
import {
  MESSAGE_SETS,
  type MessageSet,
  PROTOCOLS,
  type ProtocolBounds,
  type ProtocolName,
  TIMERS,
} from "./explore-models.ts";
import { count, createProgress } from "./explore-progress.ts";
import { playAgain, readTrace, stepsOf, type Trace, writeTrace } from "./explore-trace.ts";

interface ExploreOptions {
  readonly model?: CalibrationName;
  readonly nodes: number;
  readonly slots: number;
  readonly leaders: number;
  readonly elections: number;
  readonly crashes: number;
  readonly wipes: number;
  readonly duplicates: number;
  readonly losses: number;
  readonly messages: MessageSet;
  readonly timers?: Readonly<Record<string, number>>;
  readonly order?: "breadth" | "depth";
  readonly states: number;
  readonly depth: number;
  readonly trace?: string;
  readonly replay?: string;
  readonly mutant?: string;
  readonly json: boolean;
}

const UNBOUNDED = 999_999_999;

/** The fourth exit code of this command; others use the number for something else. */
const CUT = 3;

class Cut extends CommandFailure {
  override get code(): number {
    return CUT;
  }
}

/** `synod explore`: every state that a small configuration can reach. */
export function addExploreCommand(program: Command): void {
  const command = program
    .command("explore")
    .summary("look at every state of a small cluster")
    .description("Look at every state that a small configuration of real replicas can reach.")
    .addArgument(new Argument("[protocol]", "what to explore").choices(Object.keys(PROTOCOLS)))
    .addOption(
      new Option("--model <name>", "count a model whose states others have counted").choices(
        Object.keys(CALIBRATIONS),
      ),
    )
    .option("--replay <file>", "play the steps of a trace again")
    .option("--nodes <n>", "replicas", wholeNumber(1, 7), 3)
    .option("--slots <n>", "slots to fill: a no-op, then commands", wholeNumber(1, 6), 2)
    .option("--leaders <n>", "nodes that stand for election", wholeNumber(1, 7), 2)
    .option("--elections <n>", "how often each of them does", wholeNumber(1, 9), 1)
    .option("--crashes <n>", "crashes: what is not synced is lost", wholeNumber(0, 9), 0)
    .option("--wipes <n>", "disks that are lost: no vote any more", wholeNumber(0, 9), 0)
    .option("--duplicates <n>", "messages that come twice", wholeNumber(0, 9), 0)
    .option("--losses <n>", "messages that are lost, not only late", wholeNumber(0, 9), 0)
    .addOption(
      new Option("--messages <set>", "phases 1 and 2; with the word that slots are chosen; all")
        .choices(MESSAGE_SETS)
        .default("phases"),
    );
  command
    .option("--timers <list>", `other timers of each node, like ${TIMERS[0]}=1`, timers)
    .addOption(
      new Option("--order <order>", "nearest first (breadth), or each way to its end").choices([
        "breadth",
        "depth",
      ]),
    )
    .option("--states <n>", "stop after so many", wholeNumber(1, UNBOUNDED), 20_000_000)
    .option(
      "--depth <n>",
      "look no further than so many steps",
      wholeNumber(1, UNBOUNDED),
      UNBOUNDED,
    )
    .option("--json", "one line of JSON instead of the summary", false)
    .option("--trace <file>", "write the way to a violation there")
    .option("--mutant <name>", "run with a seeded bug of tools/mutants")
    .addHelpText(
      "after",
      "\nExit codes: 0 no violation, 1 a violation, 2 bad options or file, 3 not all was seen.",
    )
    .action(exploreCommand);
}

function timers(text: string): Record<string, number> {
  const budgets: Record<string, number> = {};
  for (const part of text.split(",")) {
    const [name = "", number = ""] = part.split("=");
    if (!TIMERS.includes(name) || !/^\d$/.test(number))
      throw new InvalidArgumentError(`It must be a list of ${TIMERS.join("=1, ")}=1.`);
    budgets[name] = Number(number);
  }
  return budgets;
}

function exploreCommand(protocol: ProtocolName | undefined, options: ExploreOptions): void {
  if (options.mutant !== undefined) return withMutant(options.mutant);
  const asked = [protocol, options.model, options.replay].filter((what) => what !== undefined);
  if (asked.length !== 1)
    throw new CommandFailure("usage", "give a protocol, or --model, or --replay: one of them");
  if (options.replay !== undefined) return replay(options.replay);
  if (options.model !== undefined) {
    return calibrate(options.model, options);
  }
  if (options.leaders > options.nodes)
    throw new CommandFailure("usage", "--leaders must not exceed --nodes");
  const name = protocol as ProtocolName;
  const bounds = boundsOf(options);
  const known: readonly string[] = PROTOCOLS[name].timers;
  const foreign = Object.keys(bounds.timers).find((timer) => !known.includes(timer));
  if (foreign !== undefined)
    throw new CommandFailure("usage", `${name} has no timer ${foreign}, but ${known.join(", ")}`);
  search(PROTOCOLS[name].model(bounds), options, { protocol: name, bounds });
}

/** The same command in a process of its own, whose modules are loaded with the bug in them. */
function withMutant(mutant: string): void {
  const given = process.argv.slice(1).filter((word, at, words) => {
    const isName = words[at - 1] === "--mutant";
    return word !== "--mutant" && !isName && !word.startsWith("--mutant=");
  });
  const program = [...mutantArguments(mutant), ...given];
  const { status } = spawnSync(process.execPath, program, { stdio: "inherit" });
  if (status === 0) return;
  const text = `with ${mutant}: see above`;
  if (status === CUT) throw new Cut("failure", text);
  throw new CommandFailure(status === EXIT_CODES.usage.code ? "usage" : "failure", text);
}

/** Fails on any other number of states than others have counted. */
function calibrate(name: CalibrationName, options: ExploreOptions): void {
  const { create, states, published, order }: Calibration = CALIBRATIONS[name];
  const result = search(create(), { order: order ?? "breadth", ...options }, { model: name });
  if (result.states === states) return;
  const text = `${count(states)} states expected (${published}), ${count(result.states)} found`;
  throw new CommandFailure("failure", text);
}

function boundsOf(options: ExploreOptions): ProtocolBounds {
  const { nodes, slots, leaders, elections, crashes, wipes, duplicates, losses } = options;
  const { messages, timers = {} } = options;
  return { nodes, slots, leaders, elections, crashes, wipes, duplicates, losses, messages, timers };
}

/** Explores and prints what came of it; throws unless everything was seen and all was well. */
function search<S, A>(
  model: Model<S, A>,
  options: ExploreOptions,
  of: Trace["of"],
): Exploration<A> {
  const progress = createProgress(process.stderr);
  const began = performance.now();
  const bounds: Bounds = {
    statesMax: options.states,
    depthMax: options.depth,
    order: options.order ?? "breadth",
    onProgress: (state) => progress.on(state),
  };
  const result = explore(model, bounds);
  progress.end();
  const ms = performance.now() - began;
  const { violation: _, ...counts } = result;
  const text = options.json
    ? JSON.stringify({ ...counts, seconds: ms / 1000 })
    : summary(result, ms);
  process.stdout.write(`${text}\n`);
  if (result.violation !== null) {
    const { problem, path } = result.violation;
    const steps = stepsOf(model, path);
    for (const [index, text] of steps.entries()) process.stdout.write(stepLine(index + 1, text));
    if (options.trace !== undefined)
      writeTrace(options.trace, { trace: "synod explore", version: 1, of, problem, steps });
    throw new CommandFailure("failure", `after ${steps.length} steps: ${problem}`);
  }
  if (!result.complete)
    throw new Cut("failure", "not all states were seen; raise --states or --depth, or ask less");
  return result;
}

function summary(result: Exploration<unknown>, ms: number): string {
  const { states, transitions, depth, complete, violation } = result;
  const rate = Math.round((transitions / ms) * 1000);
  const verdict = violation !== null ? "a violation" : complete ? "no violation" : "cut short";
  return (
    `${states} unique states, ${count(transitions)} transitions, depth ${depth}: ${verdict} ` +
    `(${(ms / 1000).toFixed(1)} s, ${count(rate)} transitions/s)`
  );
}

function stepLine(step: number, text: string): string {
  return `${String(step).padStart(4)}  ${text}\n`;
}

function replay(file: string): void {
  const trace = readTrace(file);
  if ("model" in trace.of) {
    const { model: name } = trace.of;
    if (!Object.hasOwn(CALIBRATIONS, name))
      throw new CommandFailure("usage", `${file}: there is no model ${name}`);
    const { create }: Calibration = CALIBRATIONS[name as CalibrationName];
    return play(file, trace, create(), () => []);
  }
  const model = PROTOCOLS[trace.of.protocol as ProtocolName].model(trace.of.bounds);
  play(file, trace, model, (before, after) => model.news(before, after));
}

/** Prints the story and ends as the trace did: with its violation, or without when it is gone. */
function play<S, A>(
  file: string,
  trace: Trace,
  model: Model<S, A>,
  news: (before: S, after: S) => readonly string[],
): void {
  const end = playAgain(model, trace.steps, (step, text, before, after) => {
    process.stdout.write(stepLine(step, text));
    for (const line of news(before, after)) process.stdout.write(`          ${line}\n`);
  });
  if ("stuckAt" in end)
    throw new CommandFailure(
      "usage",
      `${file}: step ${end.stuckAt} cannot be taken: the code or the file has changed since`,
    );
  if (end.problem !== null) throw new CommandFailure("failure", end.problem);
  process.stdout.write(`no violation any more; there was: ${trace.problem}\n`);
}
