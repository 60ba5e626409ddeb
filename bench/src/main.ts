import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { ITEMS } from "./items.ts";
import type { Item, Report } from "./report.ts";
import { table } from "./table.ts";

const USAGE = `npm run bench -- [NAME …] [--quick] [--rounds N] [--json FILE]

${ITEMS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join("\n")}

Without a name: all of them, about half an hour. How to read the tables: docs/performance.md.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const unknown = positionals.filter((name) => !ITEMS.some((item) => item.name === name));
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));

if (values.help || unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(
    unknown.length > 0 ? `no such item: ${unknown.join(", ")}\n${USAGE}` : USAGE,
  );
  process.exitCode = values.help ? 0 : 2;
} else {
  // So that what has been started, and its folders, is cleared away on the way out.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => process.exit(1));
  await run();
}

async function run(): Promise<void> {
  const chosen = ITEMS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const cores = `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"})`;
  const machine = `${cores}, Node ${process.versions.node}, ${process.platform}`;
  process.stdout.write(`${machine}${values.quick ? ", quick: a look, not a measurement" : ""}\n`);
  const reports: Record<string, Report> = {};
  for (const item of chosen) {
    try {
      reports[item.name] = await runItem(item);
    } catch (error) {
      process.exitCode = 1;
      const why = error instanceof Error ? error.message : String(error);
      process.stdout.write(`\n## ${item.name} failed\n\n${why}\n`);
    }
  }
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, rounds, reports }, null, 2)}\n`);
}

async function runItem(item: Item): Promise<Report> {
  const say = (line: string): void => void process.stderr.write(`  ${item.name}: ${line}\n`);
  const report = await item.run({ quick: values.quick, rounds, say });
  process.stdout.write(`\n## ${report.title}\n\n${table(report.head, report.rows)}\n`);
  for (const note of report.notes ?? []) process.stdout.write(`\n${note}\n`);
  return report;
}
