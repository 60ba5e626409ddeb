import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("..", import.meta.url));

export interface ToolResult {
  readonly ok: boolean;
  readonly stdout: string;
  /** What the tool printed, both streams, for people. */
  readonly output: string;
}

const tools = {
  biome: "node_modules/@biomejs/biome/bin/biome",
  depcruise: "node_modules/dependency-cruiser/bin/dependency-cruise.mjs",
  tsc: "node_modules/typescript/bin/tsc",
} as const;

/** Runs one of the repository's own tools with this Node, without npx in between. */
export function runTool(
  tool: keyof typeof tools,
  args: readonly string[],
  directory: string = root,
): ToolResult {
  const done = spawnSync(process.execPath, [root + tools[tool], ...args], {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
  });
  const error = done.error ? `${done.error.message}\n` : "";
  return {
    ok: done.status === 0,
    stdout: done.stdout,
    output: `${error}${done.stdout}${done.stderr}`.trim(),
  };
}

/** Fails with what the tool said; a stack trace into this file would only be in the way. */
export function expectOk(result: ToolResult): void {
  if (result.ok) return;
  const failure = new Error(result.output);
  failure.stack = "";
  throw failure;
}
