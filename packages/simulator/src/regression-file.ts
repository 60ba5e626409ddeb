import type { Life } from "./life.ts";

/** A life that broke something, kept: a few lines of text that anybody can replay. */
export interface Regression {
  readonly protocol: string;
  /** The seeded bug that it shows; null: the code itself was wrong. */
  readonly mutant: string | null;
  /** The oracle that accused, and what it said. */
  readonly oracle: string;
  readonly says: string;
  readonly life: Life;
}

/** Where a file cannot be understood. */
export interface RegressionProblem {
  /** From 1. */
  readonly line: number;
  readonly expected: string;
}

const HEADER = "synod-regression 1";

/** What a line must hold: JSON types by name, optional ones with a question mark. */
type Shape = Readonly<Record<string, "number" | "string" | "boolean" | "list" | "object" | "any">>;

const LIFE_SHAPE: Shape = {
  seed: "number",
  nodes: "list",
  faultsMs: "number",
  network: "object",
  clocks: "list",
  disk: "object",
  tuning: "object",
  forks: "list",
  core: "object",
  victims: "list",
};

const CLIENT_SHAPE: Shape = {
  index: "number",
  session: "any",
  home: "number",
  roams: "number",
  width: "number",
  thinkMs: "number",
  reads: "number",
  staleReads: "number",
  deletes: "number",
  keys: "number",
  valueBytes: "number",
  deadlineMs: "number",
  doubles: "number",
  loss: "number",
};

const OPERATION_SHAPE: Shape = { client: "number", number: "number", atMs: "number" };

const AT: Shape = { kind: "string", atMs: "number" };
const DOWN: Shape = { ...AT, target: "any", downMs: "number" };
const LASTS: Shape = { ...AT, forMs: "number" };

const FAULT_SHAPES: Readonly<Record<Life["faults"][number]["kind"], Shape>> = {
  crash: { ...DOWN, calls: "number", fin: "boolean" },
  "power-loss": { ...AT, nodes: "list", downMs: "number" },
  pause: { ...LASTS, target: "any" },
  stall: { ...LASTS, target: "any" },
  jump: { ...AT, target: "any", byMs: "number" },
  usurp: { ...LASTS, draw: "number", wakeMs: "number" },
  reconfigure: { ...AT, draw: "number" },
  muffle: { ...LASTS, draw: "number" },
  cut: { ...LASTS, side: "list", direction: "string", silent: "boolean" },
  flap: { ...AT, target: "any" },
  wave: { ...LASTS, target: "any", everyMs: "number" },
  clog: { ...LASTS, side: "list" },
  graph: { ...LASTS, links: "list" },
  wipe: DOWN,
  stale: { ...DOWN, ageMs: "number" },
  rot: { ...DOWN, place: "string", draw: "number" },
  misdirect: { ...DOWN, draw: "number" },
  "lost-file": { ...DOWN, use: "string", draw: "number" },
  lie: { ...DOWN, use: "string", after: "number", times: "number", forMs: "number" },
  "slow-disk": { ...LASTS, target: "any", extraMs: "number" },
  "full-disk": { ...LASTS, target: "any", roomBytes: "number" },
  "io-error": { ...AT, target: "any", call: "string", after: "number" },
};

/** One line for each fault, client and operation: what changes between two versions can be seen. */
export function writeRegression(regression: Regression): string {
  const { protocol, mutant, oracle, says, life } = regression;
  const { faults, clients, ...rest } = life;
  const lines = [HEADER, `protocol ${protocol}`];
  if (mutant !== null) lines.push(`mutant ${mutant}`);
  lines.push(`oracle ${oracle}`, `says ${says.replaceAll("\n", " ")}`);
  lines.push(`life ${JSON.stringify(rest)}`);
  for (const fault of faults) lines.push(`fault ${JSON.stringify(fault)}`);
  for (const { script, ...plan } of clients) {
    lines.push(`client ${JSON.stringify(plan)}`);
    for (const { atMs, number } of script ?? [])
      lines.push(`operation ${JSON.stringify({ client: plan.index, number, atMs })}`);
    if (script === null) lines.push(`unscripted ${plan.index}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Reads what {@link writeRegression} has written. */
export function readRegression(text: string): Regression | RegressionProblem {
  const reader = new RegressionReader();
  for (const [index, line] of text.split("\n").entries()) {
    const expected = reader.line(line, index + 1);
    if (expected !== null) return { line: index + 1, expected };
  }
  return reader.finish(text.split("\n").length);
}

type Plan = Life["clients"][number];

class RegressionReader {
  readonly #words = new Map<string, string>();
  readonly #faults: Life["faults"][number][] = [];
  readonly #plans = new Map<number, Omit<Plan, "script">>();
  readonly #scripts = new Map<number, { atMs: number; number: number }[]>();
  readonly #unscripted = new Set<number>();
  #life: Omit<Life, "faults" | "clients"> | null = null;

  /** Takes one line; returns what was expected instead, or null. */
  line(line: string, number: number): string | null {
    if (number === 1) return line === HEADER ? null : `"${HEADER}"`;
    if (line.trim() === "" || line.startsWith("#")) return null;
    const space = line.indexOf(" ");
    const word = space < 0 ? line : line.slice(0, space);
    const rest = space < 0 ? "" : line.slice(space + 1);
    switch (word) {
      case "protocol":
      case "mutant":
      case "oracle":
      case "says":
        this.#words.set(word, rest);
        return null;
      case "unscripted":
        this.#unscripted.add(Number(rest));
        return null;
      case "life":
      case "fault":
      case "client":
      case "operation":
        return this.#data(word, parsed(rest));
      default:
        return "protocol, mutant, oracle, says, life, fault, client, operation or unscripted";
    }
  }

  finish(lines: number): Regression | RegressionProblem {
    const protocol = this.#words.get("protocol");
    const life = this.#life;
    if (protocol === undefined) return { line: lines, expected: "a line with the protocol" };
    if (life === null) return { line: lines, expected: "a line with the life" };
    const clients = [...this.#plans.values()].map((plan): Plan => {
      const script = this.#scripts.get(plan.index) ?? [];
      return { ...plan, script: this.#unscripted.has(plan.index) ? null : script };
    });
    return {
      protocol,
      mutant: this.#words.get("mutant") ?? null,
      oracle: this.#words.get("oracle") ?? "",
      says: this.#words.get("says") ?? "",
      life: { ...life, faults: this.#faults, clients },
    };
  }

  #data(word: "life" | "fault" | "client" | "operation", data: unknown): string | null {
    const shape = shapeFor(word, data);
    if (typeof shape === "string") return shape;
    const problem = misfit(data, shape);
    if (problem !== null) return `${word} with ${problem}`;
    if (word === "life") this.#life = data as Omit<Life, "faults" | "clients">;
    else if (word === "fault") this.#faults.push(data as Life["faults"][number]);
    else if (word === "client") this.#plans.set((data as Plan).index, data as Plan);
    else return this.#operation(data as { client: number; atMs: number; number: number });
    return null;
  }

  #operation({ client, atMs, number }: { client: number; atMs: number; number: number }) {
    if (!this.#plans.has(client)) return "an operation of a client that was named before";
    const script = this.#scripts.get(client) ?? [];
    script.push({ atMs, number });
    this.#scripts.set(client, script);
    return null;
  }
}

function shapeFor(word: "life" | "fault" | "client" | "operation", data: unknown): Shape | string {
  if (word === "life") return LIFE_SHAPE;
  if (word === "client") return CLIENT_SHAPE;
  if (word === "operation") return OPERATION_SHAPE;
  const kind = isObject(data) ? data["kind"] : undefined;
  if (typeof kind !== "string" || !Object.hasOwn(FAULT_SHAPES, kind))
    return `a fault of kind ${Object.keys(FAULT_SHAPES).join(", ")}`;
  return FAULT_SHAPES[kind as keyof typeof FAULT_SHAPES];
}

/** The first field that is not what it should be, in words; null when all are. */
function misfit(data: unknown, shape: Shape): string | null {
  if (!isObject(data)) return "an object in JSON";
  for (const [name, type] of Object.entries(shape)) {
    const value = data[name];
    if (type === "any" ? value === undefined : typeOf(value) !== type)
      return `"${name}" (${type === "any" ? "a value" : type})`;
  }
  const extra = Object.keys(data).find((name) => !Object.hasOwn(shape, name));
  return extra === undefined ? null : `no "${extra}"`;
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  if (typeof value === "number") return Number.isFinite(value) ? "number" : "nothing";
  return isObject(value) ? "object" : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
