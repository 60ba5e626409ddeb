import { ELECTION_MS, type LeadingName, type Played, WATCHED_TIMEOUTS } from "./play.ts";
import { SCENARIOS, type ScenarioName } from "./scenarios.ts";

/** What became of one scenario, in words. */
export function scenarioStory(protocol: LeadingName, name: ScenarioName, played: Played): string {
  const { size, about } = SCENARIOS[name];
  const [before, after] = played.leaders;
  const back =
    played.timeouts === null
      ? "nothing that was asked for after the last cut was ever done"
      : `served again ${inTimeouts(played.timeouts)} after the last cut`;
  return [
    `${name}, ${size} nodes of ${protocol}, time-out ${ELECTION_MS} ms: ${about}`,
    `node ${before} led; ${back}`,
    `longest wait ${inTimeouts(played.longestGap)}; ${played.decided} commands in ` +
      `${WATCHED_TIMEOUTS} time-outs; ${led(before, after)}`,
    `${ballots(played)}; ${starved(played)}`,
    played.recovered ? "recovered" : "NOT recovered",
  ].join("\n");
}

export function inTimeouts(timeouts: number): string {
  return `${timeouts.toFixed(1)} time-outs`;
}

function led(before: number, after: number | null): string {
  if (after === null) return "nobody leads";
  return after === before ? "the same node leads" : `node ${after} leads`;
}

function ballots({ ballots: moved, lateBallots }: Played): string {
  if (!moved) return "no ballot has moved";
  return lateBallots ? "ballots are still moving" : "ballots have moved, and are at rest";
}

function starved({ starved: nodes }: Played): string {
  if (nodes.length === 0) return "every node executes what is decided";
  return `node ${nodes.join(", ")} gets nothing`;
}
