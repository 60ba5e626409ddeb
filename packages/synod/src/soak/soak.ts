import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createPrng, nextBelow } from "@synod/core";
import type { ServerProtocolName } from "@synod/server";
import { CommandFailure } from "../exit-codes.ts";
import { type Sample, startSampling, trendOf } from "./samples.ts";
import { SoakCluster } from "./soak-cluster.ts";
import { LOST_DISK, loseDisk, SOAK_FAULTS, type SoakFault } from "./soak-faults.ts";
import type { SoakFigures } from "./soak-figures.ts";
import { type Clients, runRound } from "./soak-round.ts";

export interface SoakOptions {
  readonly folder: string;
  readonly nodes: number;
  readonly protocol: ServerProtocolName;
  readonly seed: number;
  /** It ends after so much time, or so many acknowledged writes: what comes first. */
  readonly forMs: number;
  readonly writes: number;
  /** Names of the kinds; none: nothing goes wrong. */
  readonly faults: readonly string[];
  readonly roundMs: number;
  /** Told at once, for people. */
  readonly say: (line: string) => void;
  /** Somebody wants it to end early. */
  readonly isOver: () => boolean;
}

/** After a fault has gone: clients must get so many answers within so many ms. */
const ANSWERS_WANTED = 30;
const PATIENCE_MS = 30_000;
const LOOK_MS = 20;
const READY_MS = 20_000;

/** Runs until it is over, in rounds; the folder keeps logs and histories. */
export async function soak(
  options: SoakOptions,
): Promise<SoakFigures & { readonly samples: readonly Sample[] }> {
  const run = new Soak(options);
  try {
    await run.start();
    return await run.finish();
  } finally {
    await run.stop();
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #below: (bound: number) => number;
  #began = performance.now();
  readonly #violations: string[] = [];
  readonly #struck = new Map<string, number>();
  #cluster: SoakCluster | null = null;
  #rounds = 0;
  #operations = 0;
  #unanswered = 0;
  #writes = 0;
  #stopped = false;
  #deck: string[] = [];

  constructor(options: SoakOptions) {
    const state = createPrng(options.seed);
    this.#options = options;
    this.#below = (bound) => nextBelow(state, bound);
  }

  async start(): Promise<void> {
    const { folder, nodes, protocol } = this.#options;
    this.#cluster = await SoakCluster.start({
      folder,
      nodes,
      protocol,
      below: this.#below,
      died: (node, how) => {
        if (!this.#stopped) this.#violate(`node ${node} ${how}`);
      },
    });
    const until = performance.now() + READY_MS;
    while ((await this.#cluster.leader()) === null) {
      if (performance.now() > until)
        throw new CommandFailure("failure", `no leader within ${READY_MS} ms: see ${folder}`);
      await sleep(LOOK_MS);
    }
    this.#began = performance.now();
  }

  async finish(): Promise<SoakFigures & { readonly samples: readonly Sample[] }> {
    const cluster = this.#open();
    const sampling = startSampling(cluster);
    try {
      while (!this.#isOver(0)) await this.#round(cluster);
    } finally {
      sampling.stop();
    }
    const { samples } = sampling;
    const memory = trendOf(samples.map((sample) => sample.memory));
    const disk = trendOf(samples.map((sample) => sample.disk));
    if (memory.flat === false) this.#violate("memory grows");
    if (disk.flat === false) this.#violate("the disk grows");
    return {
      nodes: cluster.nodes.length,
      seconds: (performance.now() - this.#began) / 1000,
      rounds: this.#rounds,
      operations: this.#operations,
      unanswered: this.#unanswered,
      writes: this.#writes,
      faults: Object.fromEntries([...this.#struck].sort(([a], [b]) => (a < b ? -1 : 1))),
      violations: this.#violations,
      memory,
      disk,
      samples,
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#cluster?.stop();
  }

  async #round(cluster: SoakCluster): Promise<void> {
    const { folder, roundMs } = this.#options;
    this.#rounds += 1;
    let writes = 0;
    const ends = performance.now() + roundMs;
    const { operations, unanswered, violations } = await runRound({
      urls: cluster.nodes.map(({ url }) => url),
      name: `r${this.#rounds}-`,
      file: join(folder, `history-${this.#rounds}.jsonl`),
      meanwhile: async (clients) => {
        do {
          await this.#progress(clients);
          await this.#strike(cluster);
        } while (performance.now() < ends && !this.#isOver(clients.writes()));
        await this.#progress(clients);
        writes = clients.writes();
      },
    });
    this.#operations += operations;
    this.#unanswered += unanswered;
    this.#writes += writes;
    for (const violation of violations) this.#violate(violation);
    this.#say(`round ${this.#rounds}: ${operations} operations, ${violations.length} violations`);
  }

  async #strike(cluster: SoakCluster): Promise<void> {
    const [name, fault] = this.#next(cluster);
    if (fault === null) return sleep(LOOK_MS);
    this.#struck.set(name, (this.#struck.get(name) ?? 0) + 1);
    const tell = (what: string): void => this.#say(`${name}: ${what}`);
    await fault({ cluster, below: this.#below, tell });
  }

  /** The disk is lost half way through, so that both what is before and after it is seen. */
  #next(cluster: SoakCluster): readonly [string, SoakFault | null] {
    const { faults, nodes } = this.#options;
    const mayLose = faults.includes(LOST_DISK) && nodes > 2 && this.#share() > 0.5;
    if (mayLose && cluster.nodes.every(({ wiped }) => !wiped)) return [LOST_DISK, loseDisk];
    // Each kind once before any comes again.
    if (this.#deck.length === 0) this.#deck = faults.filter((name) => name !== LOST_DISK);
    const [name = ""] = this.#deck.splice(this.#below(this.#deck.length), 1);
    return [name, SOAK_FAULTS[name] ?? null];
  }

  /** Until clients are served again; a cluster whose faults are gone must manage that. */
  async #progress(clients: Clients): Promise<void> {
    const goal = clients.progress() + ANSWERS_WANTED;
    const until = performance.now() + PATIENCE_MS;
    while (clients.progress() < goal) {
      if (performance.now() > until) {
        this.#violate(`clients are not served within ${PATIENCE_MS} ms`);
        return;
      }
      await sleep(LOOK_MS);
    }
  }

  /** How much of its time or work is over, from 0 to 1. */
  #share(): number {
    const { forMs, writes } = this.#options;
    return Math.max((performance.now() - this.#began) / forMs, this.#writes / writes);
  }

  #isOver(writesOfRound: number): boolean {
    const { writes, isOver } = this.#options;
    return isOver() || this.#share() >= 1 || this.#writes + writesOfRound >= writes;
  }

  #violate(text: string): void {
    this.#violations.push(text);
    this.#say(`VIOLATION: ${text}`);
  }

  #say(text: string): void {
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1).padStart(7);
    this.#options.say(`${seconds} s  ${text}`);
  }

  #open(): SoakCluster {
    if (this.#cluster === null) throw new Error("not started");
    return this.#cluster;
  }
}
