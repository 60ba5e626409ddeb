import { once } from "node:events";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { createPrng } from "@synod/core";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CommandFailure } from "../exit-codes.ts";
import { wholeNumber } from "../options.ts";
import { toyLine } from "./toy-event.ts";
import { computedRate } from "./toy-rate.ts";
import { playRound, ROUND_MS } from "./toy-round.ts";
import type { ToySettings } from "./toy-settings.ts";
import type { Told } from "./toy-stage.ts";
import { count, type ToyTally, tallyJson, tallyLine } from "./toy-tally.ts";

const ACTORS_MAX = 99;
const ROUNDS_MAX = 999_999_999;
const SEEDS = 1_000_000_000;
const DELAY_MAX_MS = 60_000;
/** On a terminal somebody reads along. */
const READING_MS = 20;
const RULE = "-".repeat(26);

interface ToyOptions {
  readonly numAcceptors: number;
  readonly acceptorFailureProb: number;
  readonly proposers: number;
  readonly proposerFailureProb: number;
  readonly silent: boolean;
  readonly value?: string;
  readonly rounds?: number;
  readonly seed?: number;
  readonly json: boolean;
  readonly delay?: number;
}

/** `synod toy`: rounds of single-decree Paxos, told step by step, for people who learn it. */
export function addToyCommand(program: Command): void {
  program
    .command("toy")
    .summary("watch single-decree Paxos agree, or fail to")
    .description(
      "Watch rounds of single-decree Paxos, step by step, until Ctrl-C. Acceptors fail " +
        "at random and are then down for the rest of the round. One proposer makes one attempt; " +
        `several outbid each other and try again, for ${ROUND_MS / 1_000} s of simulated time.`,
    )
    .option("--num-acceptors <n>", "acceptors", wholeNumber(1, ACTORS_MAX), 5)
    .option("--acceptor-failure-prob <p>", "that one fails, per phase", probability, 0.1)
    .option("--proposers <n>", "proposers, each with its own value", wholeNumber(1, ACTORS_MAX), 1)
    .option("--proposer-failure-prob <p>", "that one fails, per phase", probability, 0)
    .option("--silent", "who fails is silent, and others wait in vain", false)
    .option("--value <text>", "what is proposed, instead of emoji (several proposers: text-0, …)")
    .option("--rounds <n>", "stop after so many", wholeNumber(1, ROUNDS_MAX))
    .option("--seed <n>", "same seed, same story", wholeNumber(0, SEEDS - 1))
    .option("--json", "one line of JSON per event, and a tally at the end", false)
    .addOption(
      new Option(
        "--delay <ms>",
        `pause before each line (default: ${READING_MS} on a terminal)`,
      ).argParser(wholeNumber(0, DELAY_MAX_MS)),
    )
    .showHelpAfterError(true)
    .addHelpText("after", "\nExit codes: 0 done, 1 two values were chosen, 2 bad options.")
    .action(toy);
}

function probability(text: string): number {
  const value = Number(text);
  if (!/^(\d+\.?\d*|\.\d+)$/.test(text) || value > 1)
    throw new InvalidArgumentError("It must be a number from 0 to 1.");
  return value;
}

async function toy(options: ToyOptions): Promise<void> {
  const settings = settingsOf(options);
  const seed = options.seed ?? Math.floor(Math.random() * SEEDS);
  const random = createPrng(seed);
  const tally: ToyTally = { rounds: 0, agreed: 0, conflicts: 0 };
  const computed = computedRate(settings);
  const ended = endings();
  const out = createPrinter(options, settings, ended.signal);
  await out.begin(seed);
  while (tally.rounds < (options.rounds ?? Number.POSITIVE_INFINITY)) {
    const story: Told[] = [];
    const outcome = playRound(settings, random, (told) => story.push(told));
    if (!(await out.round(tally.rounds + 1, story))) break;
    count(tally, outcome);
    await out.tally(tallyLine(tally, computed));
    // Others, among them Ctrl-C, have their turn.
    await nextTurn();
  }
  ended.forget();
  out.end(tallyLine(tally, computed), tallyJson(tally, computed));
  if (tally.conflicts > 0)
    throw new CommandFailure("failure", `two values were chosen in ${tally.conflicts} rounds`);
}

function settingsOf(options: ToyOptions): ToySettings {
  return {
    acceptors: options.numAcceptors,
    proposers: options.proposers,
    acceptorFails: options.acceptorFailureProb,
    proposerFails: options.proposerFailureProb,
    silent: options.silent,
    value: options.value ?? null,
  };
}

interface Endings {
  readonly signal: AbortSignal;
  forget(): void;
}

/** Ctrl-C ends the story, not the tally. */
function endings(): Endings {
  const abort = new AbortController();
  const end = (): void => abort.abort();
  process.once("SIGINT", end);
  return {
    signal: abort.signal,
    forget: () => void process.off("SIGINT", end),
  };
}

interface Printer {
  begin(seed: number): Promise<void>;
  /** False when the story was broken off. */
  round(number: number, story: readonly Told[]): Promise<boolean>;
  tally(line: string): Promise<void>;
  end(line: string, json: string): void;
}

function createPrinter(options: ToyOptions, settings: ToySettings, signal: AbortSignal): Printer {
  const { stdout } = process;
  const delay = options.delay ?? (stdout.isTTY && !options.json ? READING_MS : 0);
  const line = async (text: string): Promise<void> => {
    if (delay > 0) await sleep(delay, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    if (!stdout.write(`${text}\n`)) await once(stdout, "drain", { signal }).catch(() => undefined);
  };
  return {
    async begin(seed) {
      if (!options.json) await line(`Starting Paxos.... (seed ${seed})`);
    },
    async round(round, story) {
      for (const { ms, event } of story) {
        if (signal.aborted) return false;
        const json = (): string => JSON.stringify({ round, ms, ...event });
        await line(options.json ? json() : toyLine(event, settings.proposers));
      }
      return !signal.aborted;
    },
    async tally(text) {
      if (options.json) return;
      for (const part of [text, "", RULE, ""]) await line(part);
    },
    end(text, json) {
      if (options.json) stdout.write(`${json}\n`);
      else if (signal.aborted) stdout.write(`\n${text}\n`);
    },
  };
}
