import type { SeedReport } from "@synod/simulator";

/** One line on what a seed did. */
export function seedLine(report: SeedReport): string {
  const { seed, nodes, virtualMs, completed, unknown, faults, crashes, forks, events, hash } =
    report;
  return (
    `seed ${seed}: ${nodes} nodes, ${(virtualMs / 1000).toFixed(1)} s, ${completed} operations ` +
    `(+ ${unknown} without an answer), ${faults} faults, ${crashes} crashes, ${forks} forks, ` +
    `${events} events, hash ${hash}`
  );
}

/** What an oracle saw, for people. */
export function violationText(report: SeedReport): string {
  const { seed, violation } = report;
  if (violation === null) return `seed ${seed}: no violation`;
  const { oracle, message, atMs } = violation;
  return `seed ${seed}: VIOLATION of "${oracle}" at ${(atMs / 1000).toFixed(3)} s: ${message}`;
}

/** The command that shows the same life again, step by step. */
export function replayCommand(
  seed: number,
  options: { readonly protocol: string; readonly canary: boolean; readonly mutant?: string },
): string {
  const words = ["npm run sim --", `--seed ${seed}`, "--verbose"];
  if (options.protocol !== "multipaxos") words.push(`--protocol ${options.protocol}`);
  if (options.canary) words.push("--canary");
  if (options.mutant !== undefined) words.push(`--mutant ${options.mutant}`);
  return words.join(" ");
}
