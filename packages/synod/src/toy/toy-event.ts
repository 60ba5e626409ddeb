import { assertNever } from "@synod/core";

/** The two phases in which somebody can fail. */
export type ToyPhase = "prepare" | "accept";

/** How a round ended. Nobody may know of a value that was chosen. */
export type ToyOutcome = "agreed" | "no-quorum" | "not-agreed" | "conflict";

/** One step of a round. Actors are numbered from 0; a ballot is `round.proposer`. */
export type ToyEvent =
  | { readonly event: "proposal"; readonly proposer: number; readonly value: string }
  /** An acceptor has received it. */
  | {
      readonly event: "prepare";
      readonly acceptor: number;
      readonly proposer: number;
      readonly ballot: string;
    }
  | { readonly event: "acceptor-down"; readonly acceptor: number; readonly phase: ToyPhase }
  /** `sent` acceptors got the message before the proposer failed. */
  | {
      readonly event: "proposer-down";
      readonly proposer: number;
      readonly phase: ToyPhase;
      readonly sent: number;
    }
  | {
      readonly event: "promise";
      readonly proposer: number;
      readonly acceptor: number;
      readonly ballot: string;
      /** What the acceptor has accepted so far. */
      readonly accepted: { readonly ballot: string; readonly value: string } | null;
    }
  | {
      readonly event: "fail";
      readonly proposer: number;
      readonly acceptor: number;
      readonly phase: ToyPhase;
    }
  | {
      readonly event: "outbid";
      readonly proposer: number;
      readonly acceptor: number;
      readonly ballot: string;
      readonly promised: string;
    }
  | {
      readonly event: "propose";
      readonly proposer: number;
      readonly ballot: string;
      readonly value: string;
      /** It is what an acceptor had accepted before, not the proposer's own. */
      readonly adopted: boolean;
    }
  | {
      readonly event: "accepted" | "not-accepted";
      readonly acceptor: number;
      readonly ballot: string;
      readonly value: string;
    }
  | {
      readonly event: "accept";
      readonly proposer: number;
      readonly acceptor: number;
      readonly ballot: string;
    }
  | { readonly event: "timeout"; readonly proposer: number; readonly phase: ToyPhase }
  | { readonly event: "retry"; readonly proposer: number; readonly inMs: number }
  | { readonly event: "learned"; readonly proposer: number; readonly value: string }
  | {
      readonly event: "verdict";
      readonly outcome: ToyOutcome;
      /** What was agreed on; for a conflict, everything that was chosen. */
      readonly values: readonly string[];
    };

/** The event as a line for people. With one proposer it needs no number. */
export function toyLine(event: ToyEvent, proposers: number): string {
  const name = "proposer" in event && proposers > 1 ? `Proposer ${event.proposer}` : "Proposer";
  switch (event.event) {
    case "proposal":
      return proposers > 1
        ? `${name} generated new proposal: ${shown(event.value)}`
        : `Generated new proposal: ${shown(event.value)}`;
    case "prepare":
      return `Acceptor ${event.acceptor} received prepare message, id ${event.ballot}`;
    case "acceptor-down":
      return `Acceptor ${event.acceptor} fails, and is down for the rest of the round`;
    case "proposer-down":
      return `${name} fails: only ${event.sent} got its ${event.phase} message`;
    case "promise":
      return `${name} received promise from acceptor ${event.acceptor}, ${promised(event)}`;
    case "fail":
      return event.phase === "prepare"
        ? `${name} received fail from acceptor ${event.acceptor}`
        : `${name} received failure to accept from acceptor ${event.acceptor}`;
    case "outbid":
      return `${name} is outbid at acceptor ${event.acceptor}: id ${event.promised} is promised`;
    case "propose":
      return `${name} has a quorum of promises, ${proposed(event)}`;
    case "accepted":
      return `Acceptor ${event.acceptor} accepted value ${shown(event.value)}, id ${event.ballot}`;
    case "not-accepted":
      return (
        `Acceptor ${event.acceptor} failed to accept value ${shown(event.value)}, ` +
        `id ${event.ballot}`
      );
    case "accept":
      return `${name} received accept from acceptor ${event.acceptor}, id ${event.ballot}`;
    case "timeout":
      return `${name} has waited too long for answers to its ${event.phase} message`;
    case "retry":
      return `${name} tries again in ${event.inMs} ms`;
    case "learned":
      return `${name} knows that ${shown(event.value)} is chosen`;
    case "verdict":
      return verdict(event.outcome, event.values);
    default:
      return assertNever(event);
  }
}

function promised({ ballot, accepted }: Extract<ToyEvent, { event: "promise" }>): string {
  if (accepted === null) return `id ${ballot}`;
  return `id ${ballot}, which has accepted ${shown(accepted.value)} in ${accepted.ballot}`;
}

function proposed({ ballot, value, adopted }: Extract<ToyEvent, { event: "propose" }>): string {
  const what = adopted ? "must take over" : "proposes";
  return `${what} ${shown(value)}, id ${ballot}`;
}

function verdict(outcome: ToyOutcome, values: readonly string[]): string {
  const all = values.map(shown).join(" and ");
  switch (outcome) {
    case "agreed":
      return `Consensus reached. Value ${all} accepted`;
    case "no-quorum":
      return "Proposer did not find quorum, Paxos failed :(";
    case "not-agreed":
      return "Consensus could not be reached, Paxos failed :(";
    case "conflict":
      return `Consensus broken! Values ${all} were chosen`;
    default:
      return assertNever(outcome);
  }
}

function shown(value: string): string {
  return value === "" ? '""' : value;
}
