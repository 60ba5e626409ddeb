import { CommandFailure } from "../../exit-codes.ts";
import { LEADING, type LeadingName, play } from "./play.ts";
import { scenarioStory } from "./scenario-text.ts";
import type { ScenarioName } from "./scenarios.ts";

/** `synod sim --scenario`: one scenario of partial connectivity, and what became of it. */
export function runScenario(protocol: string, name: ScenarioName, seed: number): void {
  if (!isLeading(protocol)) {
    const known = Object.keys(LEADING).join(", ");
    throw new CommandFailure("usage", `--scenario is about protocols that have a leader: ${known}`);
  }
  const played = play(protocol, name, seed);
  process.stdout.write(`${scenarioStory(protocol, name, played)}\n`);
  if (!played.recovered)
    throw new CommandFailure("failure", `${protocol} did not recover from ${name}`);
}

function isLeading(protocol: string): protocol is LeadingName {
  return protocol in LEADING;
}
