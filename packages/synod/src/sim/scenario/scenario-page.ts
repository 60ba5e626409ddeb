import { LEADING, type LeadingName, type Played, play } from "./play.ts";
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from "./scenarios.ts";

/** Lives of each row: nodes start in another order in each. */
const SEEDS = [1, 2, 3, 4, 5];

/** `docs/partial-connectivity.md`, from runs. */
export function partialConnectivityPage(): string {
  const rows = SCENARIO_NAMES.flatMap((name) =>
    (Object.keys(LEADING) as LeadingName[]).map((protocol) => row(name, protocol)),
  );
  const scenarios = SCENARIO_NAMES.map((name) => {
    const { size, about } = SCENARIOS[name];
    return `- **${name}**, ${size} nodes: ${about}.`;
  });
  const head = `| ${COLUMNS.join(" | ")} |`;
  const rule = `| ${COLUMNS.map(() => "---").join(" | ")} |`;
  return [HEAD, ...scenarios, "", head, rule, ...rows, "", TAIL].join("\n");
}

const COLUMNS = [
  "scenario",
  "protocol",
  "recovered",
  "time-outs to service",
  "longest wait",
  "ballots afterwards",
  "nodes that get nothing",
];

const HEAD = `# Partial connectivity

What becomes of the leader-based protocols when links fail one by one, in the three scenarios of Ng,
Haridi and Carbone, *Omni-Paxos* (EuroSys 2023). Every number here comes from a run of the code: a
test plays all of them again and compares.
`;

const TAIL = `A time-out is 500 ms for every protocol: a round of heartbeats in OmniPaxos, the
shortest time without a leader in Multi-Paxos, the first wait for a silent leader in PMMC. Times are
counted from the last cut, and are the worst of ${SEEDS.length} lives that differ in when the nodes
began. A node that is cut off from everybody gets nothing with any protocol.

Multi-Paxos recovers here, other than in the paper, because its leader gives up when it no longer
hears a quorum, because a candidate asks first whether anybody misses the leader, and because
laggards fetch values from anybody. PMMC has a leader that waits for the active one as long as that
answers; it is outbid only by those that cannot hear it.

\`synod sim --scenario chained --protocol omnipaxos\` tells the story of one such life, \`--seed\`
that of another one.
`;

function row(name: ScenarioName, protocol: LeadingName): string {
  const lives = SEEDS.map((seed) => play(protocol, name, seed));
  const recovered = lives.filter((life) => life.recovered).length;
  const worst = (pick: (life: Played) => number): string => Math.max(...lives.map(pick)).toFixed(1);
  const isServed = lives.every(({ timeouts }) => timeouts !== null);
  return `| ${[
    name,
    protocol,
    recovered === lives.length ? "yes" : `${recovered} of ${lives.length}`,
    isServed ? worst(({ timeouts }) => timeouts ?? 0) : "–",
    worst(({ longestGap }) => longestGap),
    lives.some(({ lateBallots }) => lateBallots > 0) ? "go on moving" : "at rest",
    String(Math.max(...lives.map(({ starved }) => starved.length))),
  ].join(" | ")} |`;
}
