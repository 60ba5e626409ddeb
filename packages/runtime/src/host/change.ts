import type { Clock } from "@synod/core";
import type { Configuration } from "../configuration.ts";
import type { ReconfigureRequest } from "../host-options.ts";
import { type Failed, failed, type Outcome } from "../outcome.ts";
import { type ChangeStep, nextStep, type Standing } from "./change-step.ts";
import type { Front } from "./front.ts";
import { nextConfiguration } from "./next-configuration.ts";
import type { Progress } from "./progress.ts";

export interface ChangeOptions {
  readonly clock: Clock;
  readonly front: Pick<Front, "refuse" | "proposeStop">;
  readonly progress: Pick<Progress, "survey" | "end">;
  readonly standing: () => Standing;
  /** Why this node can have nothing changed now; null when it can. */
  readonly problem: () => Failed | null;
  /** The configuration in force is over, and the next one is not in force yet. */
  readonly isStopping: () => boolean;
}

/** How often it is looked whether a change that waits can go on. */
const LOOK_MS = 50;

interface Asked {
  readonly token: number;
  readonly configuration: Configuration;
  readonly deadline: number;
  /** The one in force that the next stop ends. */
  replaces: number;
  /** Or a stop is under way: that of a configuration in between, or of the one asked for. */
  stage: "waiting" | "between" | "last";
  reason: string;
}

/**
 * The change of members that was asked of this node, one at a time: waits until it can begin, and
 * takes it through two configurations where newcomers have to fetch the state first. What was
 * reached when it fails, or this node does, stays in force, and the same change asked of anybody
 * goes on from there.
 */
export class Change {
  readonly #options: ChangeOptions;
  #asked: Asked | null = null;
  #timer: number | null = null;

  constructor(options: ChangeOptions) {
    this.#options = options;
  }

  /** What the change that was asked for waits for; empty when none does. */
  get waitsFor(): string {
    return this.#asked?.reason ?? "";
  }

  ask(request: ReconfigureRequest): void {
    const { front, standing, problem, clock, isStopping } = this.#options;
    const { token, deadlineMs, replaces } = request;
    const isBusy = this.#asked !== null || isStopping();
    const why = problem() ?? (isBusy ? failed("configuration-unsettled", "no") : null);
    const { current, dataIdOf } = standing();
    const configuration = why ?? nextConfiguration(current, request, dataIdOf);
    if ("code" in configuration) return front.refuse(token, configuration);
    const deadline = clock.now() + deadlineMs;
    const stage = "waiting";
    this.#asked = { token, configuration, deadline, replaces, stage, reason: "" };
    this.#goOn(this.#asked);
  }

  /** How a request ended; true when that is only a step of this change. */
  isStep(token: number, outcome: Outcome): boolean {
    const asked = this.#asked;
    if (asked?.token !== token) return false;
    if (outcome.kind === "failed" || asked.stage === "last") {
      this.#asked = null;
      return false;
    }
    asked.replaces += 1;
    asked.stage = "waiting";
    this.#look();
    return true;
  }

  /** This node stops. What is proposed is answered by whoever proposed it. */
  end(): void {
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
    if (this.#asked?.stage === "waiting") this.#fail(this.#asked, failed("stopped", "no"));
  }

  #goOn(asked: Asked): void {
    const { standing, clock, front, problem, progress } = this.#options;
    const leftMs = asked.deadline - clock.now();
    progress.survey();
    const step = this.#step(asked, problem() ?? standing());
    if (step.kind === "refuse") return this.#fail(asked, step.why);
    if (step.kind === "wait") asked.reason = step.reason;
    if (leftMs <= 0)
      return this.#fail(asked, failed("configuration-unsettled", "no", asked.reason));
    if (step.kind === "wait") return this.#look();
    asked.stage = step.isLast ? "last" : "between";
    asked.reason = "";
    progress.end();
    front.proposeStop(asked.token, step.next, leftMs);
  }

  #step(asked: Asked, now: Standing | Failed): ChangeStep {
    if ("code" in now) return { kind: "refuse", why: now };
    const { number } = now.current;
    // A stop is answered when it is executed, and the next configuration begins after that.
    if (number < asked.replaces || this.#options.isStopping())
      return { kind: "wait", reason: asked.reason };
    if (number === asked.replaces) return nextStep(asked.configuration, now);
    const why = failed("configuration-changed", "no", `${number} is in force`);
    return { kind: "refuse", why };
  }

  #look(): void {
    this.#timer ??= this.#options.clock.setTimer(LOOK_MS, () => {
      this.#timer = null;
      if (this.#asked?.stage === "waiting") this.#goOn(this.#asked);
    });
  }

  #fail(asked: Asked, why: Failed): void {
    this.#asked = null;
    this.#options.progress.end();
    this.#options.front.refuse(asked.token, why);
  }
}
