import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SynodError, type SynodErrorCode } from "@synod/node";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { allCommands, createProgram } from "./program.ts";
import { synodFailure } from "./synod-failure.ts";

const DOCS = fileURLToPath(new URL("../../../docs/", import.meta.url));

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text.trimEnd();
}

/** With all that stands before it. */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/** The document with the block below each command's heading replaced by what the command says. */
function asItShouldBe(document: string, helps: ReadonlyMap<string, string>): string {
  const sections = document.split(/^(?=## )/m).map((section) => {
    const name = /^## `(synod[^`]*)`\n/.exec(section)?.[1];
    if (name === undefined) return section;
    const help = helps.get(name);
    if (help === undefined) return `${section}\nThere is no such command.\n`;
    return section.replace(/^```\n[\s\S]*?^```$/m, () => `\`\`\`\n${help}\n\`\`\``);
  });
  return sections.join("");
}

// After a change of a command: npm test -- --project unit cli-document -u
test("docs/cli.md shows the help of every command as it is", async () => {
  const program = await createProgram();
  const helps = new Map(allCommands(program).map((command) => [nameOf(command), helpOf(command)]));
  const document = readFileSync(`${DOCS}cli.md`, "utf8");
  const sections = [...document.matchAll(/^## `([^`]+)`$/gm)].map(([, name]) => name);
  expect(sections).toEqual([...helps.keys()]);
  await expect(asItShouldBe(document, helps)).toMatchFileSnapshot(`${DOCS}cli.md`);
});

test("docs/errors.md tells the exit code of every problem of a start", () => {
  const text =
    readFileSync(`${DOCS}errors.md`, "utf8").split("## Nodes that do not start")[1] ?? "";
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (\d) \|/gm)];
  expect(rows.length).toBe(7);
  for (const [, code, exit] of rows) {
    const failure = synodFailure(new SynodError(code as SynodErrorCode, "no", "…"), "about");
    expect([code, String(failure.code)]).toEqual([code, exit]);
  }
});
