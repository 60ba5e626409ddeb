/** Small rules that keep the tree readable; each names the file and line it complains about. */
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { functionLengths } from "./function-lengths.ts";
import { root } from "./run-tool.ts";
import { codeFiles, documents, files, isTest, text } from "./source-files.ts";

const fileLinesMax = 500;
const functionLinesMax = 70;
const columnsMax = 100;

/** The rules quote what they forbid. */
const ownFiles = new Set(["tools/tidy.test.ts"]);

const textFiles = files.filter((path) =>
  /\.(ts|mjs|cjs|js|json|md|yml|yaml|txt|sh|grit)$|^\.[a-z]+rc$|^\.ci\//.test(path),
);

/** Lines of a document outside of fenced code. */
function proseLines(path: string): readonly (readonly [number: number, line: string])[] {
  const prose: [number, string][] = [];
  let fenced = false;
  for (const [index, line] of text(path).split("\n").entries()) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
    else if (!fenced) prose.push([index + 1, line]);
  }
  return prose;
}

function linesMatching(paths: readonly string[], pattern: RegExp): string[] {
  const found: string[] = [];
  for (const path of paths) {
    if (ownFiles.has(path)) continue;
    for (const [index, line] of text(path).split("\n").entries()) {
      if (pattern.test(line)) found.push(`${path}:${index + 1}: ${line.trim().slice(0, 80)}`);
    }
  }
  return found;
}

test(`files have at most ${fileLinesMax} lines`, () => {
  const long = codeFiles
    .map((path) => ({ path, lines: text(path).trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > fileLinesMax);
  expect(long).toEqual([]);
});

test(`functions have at most ${functionLinesMax} lines of their own`, () => {
  const long: string[] = [];
  for (const path of codeFiles.filter((file) => !isTest(file))) {
    for (const { line, lines } of functionLengths(path, text(path))) {
      if (lines > functionLinesMax) long.push(`${path}:${line}: ${lines} lines`);
    }
  }
  expect(long).toEqual([]);
});

test(`lines of code have at most ${columnsMax} columns`, () => {
  const long: string[] = [];
  for (const path of codeFiles) {
    for (const [index, line] of text(path).split("\n").entries()) {
      const columns = [...line].length;
      if (columns > columnsMax && !/https?:\/\/\S+/.test(line)) {
        long.push(`${path}:${index + 1}: ${columns} columns`);
      }
    }
  }
  expect(long).toEqual([]);
});

test("what is left to do names its issue: TODO(#12)", () => {
  expect(linesMatching(textFiles, /\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/)).toEqual([]);
});

test("no test is focused or committed as a draft", () => {
  expect(linesMatching(codeFiles, /\b(describe|test|it)\.only\(|\bdebugger;/)).toEqual([]);
});

test("files are named in kebab-case, documents at the top of a folder in capitals", () => {
  const odd = files.filter((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!/\.(ts|mjs|md)$/.test(name) || name.startsWith(".")) return false;
    return !/^[a-z0-9]+([.-][a-z0-9]+)*$/.test(name) && !/^[A-Z][A-Z0-9_]*\.md$/.test(name);
  });
  expect(odd).toEqual([]);
});

test("names say what is in a file", () => {
  const vague = /(^|[/-])(utils?|helpers?|common|misc|manager)(\.|\/|-)/;
  expect(codeFiles.filter((path) => vague.test(path))).toEqual([]);
});

test("relative links in documents lead to a file", () => {
  const broken: string[] = [];
  for (const path of documents) {
    for (const [number, line] of proseLines(path)) {
      for (const [, target = ""] of line.matchAll(/\]\(<?([^)<>\s]+)>?(?:\s+"[^"]*")?\)/g)) {
        if (/^([a-z]+:|#)/i.test(target)) continue;
        const file = decodeURIComponent(target.replace(/[#?].*$/, ""));
        const absolute = file.startsWith("/") ? join(root, file) : join(root, dirname(path), file);
        if (!existsSync(absolute)) broken.push(`${path}:${number}: ${target}`);
      }
    }
  }
  expect(broken).toEqual([]);
});

test("documents that sources name are there", () => {
  const missing = linesMatching(codeFiles, /\bdocs\/[\w/-]+\.md\b/).filter((line) =>
    [...line.matchAll(/\bdocs\/[\w/-]+\.md\b/g)].some(([name]) => !existsSync(join(root, name))),
  );
  expect(missing).toEqual([]);
});

test("every document has exactly one title", () => {
  const wrong = documents.filter(
    (path) => proseLines(path).filter(([, line]) => /^# /.test(line)).length !== 1,
  );
  expect(wrong).toEqual([]);
});

test("no path of somebody's machine and no registry host is committed", () => {
  const paths = /(^|[\s"'`(=:])\/(home|root|Users|work|workspace)\/[\w.-]/;
  const hosts = /https?:\/\/[^\s"'/]*(registry|npmjs|artifactory|nexus|mirror)[^\s"'/]*\//;
  const lock = ["package-lock.json", ".npmrc"].filter((path) => files.includes(path));
  expect(linesMatching(textFiles, paths)).toEqual([]);
  expect(linesMatching(textFiles, hosts)).toEqual([]);
  expect(linesMatching(lock, /"resolved": "http|^\s*registry\s*=|_auth/)).toEqual([]);
});

/** The same headings in every card, so that one card teaches how to read all. */
const cardHeadings = [
  "What it is for",
  "Papers",
  "Fault model",
  "Quorums",
  "Roles",
  "Messages",
  "Durable state",
  "Invariants",
  "Progress",
  "Cost",
  "Deviations from the paper",
  "Known limits",
];

test("every protocol folder has a card with the same headings", () => {
  const protocols = new Set(
    files.flatMap((path) => path.match(/^packages\/core\/src\/protocols\/[^/]+(?=\/)/) ?? []),
  );
  for (const folder of protocols) {
    const card = `${folder}/CARD.md`;
    expect(files, `${folder} has no CARD.md`).toContain(card);
    const headings = proseLines(card).flatMap(([, line]) => line.match(/^## (.+)$/)?.[1] ?? []);
    expect(headings, card).toEqual(cardHeadings);
  }
});

test("executables start with the interpreter they need", () => {
  for (const path of [".ci/run", "packages/synod/bin/synod.js"]) {
    expect(text(path), path).toMatch(/^#!\/usr\/bin\/env (bash|node)\n/);
    if (process.platform !== "win32")
      expect(statSync(join(root, path)).mode & 0o111, path).not.toBe(0);
  }
});
