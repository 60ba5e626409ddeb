import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Demo, freeBasePort, startDemo, temporaryFolder } from "./testing/demo-process.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const COMMAND_MS = 30_000;

interface Step {
  readonly command: string;
  readonly shown: readonly string[];
}

/** What blocks of the kind `console` show: commands behind `$ `, each with its output below. */
function stepsOf(document: string): readonly Step[] {
  const steps: { command: string; shown: string[] }[] = [];
  for (const [, block = ""] of document.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    for (const line of block.trimEnd().split("\n")) {
      if (line.startsWith("$ ")) steps.push({ command: line.slice(2), shown: [] });
      else steps.at(-1)?.shown.push(line);
    }
  }
  return steps;
}

/** `…` stands for anything within its line; alone on a line, for any lines. Gaps may be wider. */
function shownPattern(shown: readonly string[]): RegExp {
  const lines = shown.map((line) => {
    if (line.trim() === "…") return "(?:.*\\n)*?";
    const words = line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "[ \\t]+");
    return `${words.replaceAll("…", ".*?")}[ \\t]*\\n`;
  });
  return new RegExp(`^${lines.join("")}$`);
}

let folder: ReturnType<typeof temporaryFolder>;
let basePort: number;
let demo: Demo;

beforeEach(async () => {
  folder = temporaryFolder();
  basePort = await freeBasePort();
});

afterEach(async () => {
  await demo?.stop();
  folder.remove();
});

/** The README's ports are the usual ones, which may be taken here. */
function atFreePorts(text: string): string {
  return text
    .replace(/\b808([0-2])\b/g, (_, id) => String(basePort + Number(id)))
    .replace(/\b908([0-2])\b/g, (_, id) => String(basePort + 1000 + Number(id)));
}

/** Standard output and error as a terminal would show them, without carriage returns. */
function run(command: string): Promise<string> {
  const urls = [0, 1, 2].map((id) => `http://127.0.0.1:${basePort + id}`).join(",");
  const path = `${ROOT}node_modules/.bin:${process.env["PATH"]}`;
  const env = { ...process.env, PATH: path, SYNOD_URL: urls, NO_COLOR: "1" };
  // Only what a script that is not looked at must say differently.
  const quiet = command.replace(/^curl /, "curl -sS ");
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["-c", `{ ${quiet}\n} 2>&1`], { cwd: ROOT, env });
    const limit = setTimeout(() => child.kill("SIGKILL"), COMMAND_MS);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(limit);
      // What npm has to say about the settings of whoever runs this.
      resolve(text.replaceAll("\r", "").replace(/^npm (warn|notice) .*\n/gim, ""));
    });
  });
}

/** What a command said ends with a new line, as a terminal's next prompt would make it look. */
function withNewLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

test("every command of the README does what is shown", async () => {
  const steps = stepsOf(readFileSync(`${ROOT}README.md`, "utf8"));
  expect(steps.length).toBeGreaterThan(12);
  const [first, ...others] = steps;
  expect(first?.command).toBe("npm start");
  demo = startDemo({ folder: folder.path, basePort });
  await demo.ready();
  await expect.poll(() => demo.stdout(), { timeout: COMMAND_MS }).toContain("Ctrl-C");
  const [, ...started] = first?.shown ?? [];
  const said = demo.stdout().split("\n").slice(1).join("\n");
  expect(said).toMatch(shownPattern(started.map(atFreePorts)));
  expect(demo.stdout()).toMatch(/^3 nodes, a new cluster, data in /);
  for (const { command, shown } of others) {
    const text = withNewLine(await run(atFreePorts(command)));
    expect(text, command).toMatch(shownPattern(shown.map(atFreePorts)));
  }
}, 120_000);
