/** What this project promised itself, on two cores shared with the load generator. */
export interface Floor {
  readonly value: number;
  readonly sense: "at least" | "at most";
  readonly unit: string;
}

const FLOORS: Readonly<Record<string, Floor>> = {
  "put c=64": { value: 15_000, sense: "at least", unit: "ops/s" },
  "put c=256": { value: 20_000, sense: "at least", unit: "ops/s" },
  "put c=1 leader": { value: 1.2, sense: "at most", unit: "ms p50" },
  "put c=1 follower": { value: 1.8, sense: "at most", unit: "ms p50" },
  replay: { value: 200_000, sense: "at least", unit: "commands/s" },
  "fail-over": { value: 1_500, sense: "at most", unit: "ms" },
  stall: { value: 50, sense: "at most", unit: "ms" },
};

/** `met, ≥ 15000 ops/s`, or nothing when there is no floor of that name. */
export function judge(name: string, measured: number): string {
  const floor = FLOORS[name];
  if (floor === undefined) return "";
  const { value, sense, unit } = floor;
  const met = sense === "at least" ? measured >= value : measured <= value;
  return `${met ? "met" : "NOT MET"}, ${sense === "at least" ? "≥" : "≤"} ${value} ${unit}`;
}
