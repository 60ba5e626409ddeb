import { spawn } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { CommandFailure } from "../exit-codes.ts";
import type { Measured } from "./figures.ts";

const SYNOD = fileURLToPath(new URL("../../bin/synod.js", import.meta.url));

/**
 * Runs the command `synod`, whose progress goes to standard error as ever, and reads the JSON that
 * it ends with. An exit code other than 0 is judged by `mayFail`.
 */
export async function measure<Figures>(
  args: readonly string[],
  mayFail: (figures: Figures) => boolean = () => false,
): Promise<Measured<Figures>> {
  const shown = `npm run synod -- ${args.join(" ")}`;
  process.stderr.write(`${shown}\n`);
  const { code, out } = await run([SYNOD, ...args, "--json"]);
  const line = out.trimEnd().split("\n").at(-1) ?? "";
  const figures = (line.startsWith("{") ? JSON.parse(line) : null) as Figures | null;
  if (figures === null || (code !== 0 && !mayFail(figures)))
    throw new CommandFailure("failure", `${shown}: exit code ${code}; nothing was written`);
  return { command: shown, on: today(), machine: machine(), figures };
}

/** Runs a program of Node; its standard output, and how it ended. */
export function run(
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, args, { ...options, stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    out += chunk;
  });
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, out }));
  });
}

export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

export function machine(): string {
  const processor = cpus()[0]?.model.trim() ?? "unknown";
  const { node } = process.versions;
  return `${availableParallelism()} cores, ${processor}, Node ${node}, ${process.platform}`;
}
