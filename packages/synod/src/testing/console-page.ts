import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type Demo, startDemo } from "./demo-process.ts";

const ROOT: string = fileURLToPath(new URL("../../../../", import.meta.url));
const COMMAND_MS = 60_000;

interface Step {
  readonly command: string;
  readonly shown: readonly string[];
}

/** Where the cluster that a page speaks of really is. */
export interface Place {
  readonly folder: string;
  readonly basePort: number;
}

/**
 * Does what the blocks of the kind `console` of a page show, in their order, and expects that it
 * looks like that: commands behind `$ `, each with its output below, in which `…` stands for
 * anything within its line and, alone on a line, for any lines. `npm start` starts a cluster of
 * three in the given place, which is the caller's to stop; the rest runs in the checkout.
 */
export async function expectPageIsTrue(
  page: string,
  place: Place,
  started: (demo: Demo) => void,
): Promise<number> {
  const steps = stepsOf(readFileSync(`${ROOT}${page}`, "utf8"));
  for (const { command, shown } of steps) {
    const expected = shown.map((line) => atPorts(line, place.basePort));
    if (command === "npm start") await expectStart(place, expected, started);
    else {
      const text = await run(atPorts(command, place.basePort), place.basePort);
      expect(withNewLine(text), command).toMatch(shownPattern(expected));
    }
  }
  return steps.length;
}

async function expectStart(
  place: Place,
  shown: readonly string[],
  started: (demo: Demo) => void,
): Promise<void> {
  const demo = startDemo(place);
  started(demo);
  await demo.ready();
  await expect.poll(() => demo.stdout(), { timeout: COMMAND_MS }).toContain("Ctrl-C");
  // The first line names the folder, which is another one here.
  expect(demo.stdout()).toMatch(/^3 nodes of multipaxos, a new cluster, data in /);
  const said = demo.stdout().split("\n").slice(1).join("\n");
  expect(said).toMatch(shownPattern(shown.slice(1)));
}

function stepsOf(page: string): readonly Step[] {
  const steps: { command: string; shown: string[] }[] = [];
  for (const [, block = ""] of page.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    for (const line of block.trimEnd().split("\n")) {
      if (line.startsWith("$ ")) steps.push({ command: line.slice(2), shown: [] });
      else steps.at(-1)?.shown.push(line);
    }
  }
  return steps;
}

/** Gaps between words may be wider. */
function shownPattern(shown: readonly string[]): RegExp {
  const lines = shown.map((line) => {
    if (line.trim() === "…") return "(?:.*\\n)*?";
    const words = line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "[ \\t]+");
    return `${words.replaceAll("…", ".*?")}[ \\t]*\\n`;
  });
  return new RegExp(`^${lines.join("")}$`);
}

/** The usual ports may be taken here. */
function atPorts(text: string, basePort: number): string {
  return text
    .replace(/\b808([0-2])\b/g, (_, id) => String(basePort + Number(id)))
    .replace(/\b908([0-2])\b/g, (_, id) => String(basePort + 1000 + Number(id)));
}

/** Standard output and error as a terminal would show them, without carriage returns. */
function run(command: string, basePort: number): Promise<string> {
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
