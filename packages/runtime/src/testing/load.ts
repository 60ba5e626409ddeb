import type { NodeId, Protocol } from "@synod/core";
import { keyValue } from "@synod/machines";
import type { SessionRequest } from "../host-options.ts";
import type { Outcome } from "../outcome.ts";
import { Lab, type LabOptions } from "./lab.ts";

/** What became of requests within some time. */
export interface Tally {
  readonly offered: number;
  readonly answered: number;
  /** Refused at once or later, and certainly not applied. */
  readonly refused: number;
  /** Nobody knew by their deadline. */
  readonly unknown: number;
  /** Copies of commands that the hosts handed to the protocol. */
  readonly proposed: number;
}

/** Ms between two looks at what was answered. */
const LOOK_MS = 10;

/** Writes of 256 bytes with deadlines, at the nodes of a lab in turn, and what comes of them. */
export class Load<S, M> {
  readonly lab: Lab<S, M>;
  readonly #deadlineMs: number;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #due: { readonly at: number; readonly run: () => void }[] = [];
  #count = 0;
  #tally = { offered: 0, answered: 0, refused: 0, unknown: 0, proposed: 0 };

  constructor(options: LabOptions<S, M>, deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
    const proposed = (copies: number): void => {
      this.#tally.proposed += copies;
    };
    this.lab = new Lab({ ...options, protocol: counting(options.protocol, proposed) });
    this.lab.startAll();
    if (!this.lab.runUntil(() => this.lab.nodes.every((node) => node.isUp)))
      throw new Error("not all nodes are up");
  }

  /** One write every so many ms, whatever becomes of those before. */
  offerEvery(ms: number): void {
    this.#write(null, () => undefined);
    this.#after(ms, () => this.offerEvery(ms));
  }

  /** A client that writes on and on, and asks again elsewhere until it is answered. */
  addClient(name: string): void {
    this.#insist({ client: name, sequence: 1, acknowledged: 1 }, 0);
  }

  /** What happens within `ms` from now. */
  run(ms: number): Tally {
    this.#tally = { offered: 0, answered: 0, refused: 0, unknown: 0, proposed: 0 };
    const { scheduler, outcomes } = this.lab;
    const end = scheduler.now + ms;
    while (scheduler.now < end) {
      this.lab.run(LOOK_MS);
      for (const [token, outcome] of outcomes) this.#answered(token, outcome);
      outcomes.clear();
      const due = this.#due.filter(({ at }) => at <= scheduler.now);
      this.#due = this.#due.filter(({ at }) => at > scheduler.now);
      for (const { run } of due) run();
    }
    return this.#tally;
  }

  #insist(session: SessionRequest, tries: number): void {
    this.#write(session, (outcome) => {
      const next = session.sequence + 1;
      if (outcome.kind === "done")
        this.#insist({ ...session, sequence: next, acknowledged: next }, 0);
      else this.#after(30 << Math.min(tries, 4), () => this.#insist(session, tries + 1));
    });
  }

  #write(session: SessionRequest | null, answered: (outcome: Outcome) => void): void {
    this.#count += 1;
    this.#tally.offered += 1;
    const name = session === null ? `${this.#count}` : `${session.client} ${session.sequence}`;
    const value = new TextEncoder().encode(name.padEnd(256, "x"));
    const node: NodeId = this.#count % this.lab.nodes.length;
    const payload = keyValue.put(`key-${value.length % 12}`, value);
    this.#waiting.set(this.lab.propose(node, payload, session, this.#deadlineMs), answered);
  }

  #answered(token: number, outcome: Outcome): void {
    if (outcome.kind === "done") this.#tally.answered += 1;
    else if (outcome.applied === "no") this.#tally.refused += 1;
    else this.#tally.unknown += 1;
    this.#waiting.get(token)?.(outcome);
    this.#waiting.delete(token);
  }

  #after(ms: number, run: () => void): void {
    this.#due.push({ at: this.lab.scheduler.now + ms, run });
  }
}

function counting<S, M>(
  protocol: Protocol<S, M>,
  proposed: (copies: number) => void,
): Protocol<S, M> {
  return {
    ...protocol,
    step: (state, input, now) => {
      if (input.kind === "propose")
        proposed(input.commands.filter(({ kind }) => kind === "apply").length);
      return protocol.step(state, input, now);
    },
  };
}
