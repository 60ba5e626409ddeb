import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectOk, root, runTool } from "./run-tool.ts";
import { codeFiles } from "./source-files.ts";

const config = ".dependency-cruiser.mjs";

const packages = ["core", "machines", "runtime", "simulator", "node", "server", "synod"];

const sourceFolders = packages.map((name) => `packages/${name}/src`);

interface Report {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly { rule: { name: string }; from: string; to: string }[];
  };
}

function cruise(args: readonly string[], directory: string = root): Report {
  const result = runTool(
    "depcruise",
    ["--config", config, "--output-type", "json", ...args],
    directory,
  );
  if (!result.stdout.startsWith("{")) expectOk({ ...result, ok: false });
  return JSON.parse(result.stdout);
}

test("packages and protocols import only what their layer allows", () => {
  const report = cruise(sourceFolders);
  const violations = report.summary.violations.map(
    ({ rule, from, to }) => `${rule.name}: ${from} imports ${to}`,
  );
  expect(violations).toEqual([]);

  // With a parser missing the cruiser reads nothing and is content: insist that it saw every
  // source.
  const cruised = new Set(report.modules.map(({ source }) => source));
  const sources = codeFiles.filter((path) => /^packages\/[^/]+\/src\//.test(path));
  expect(sources.length).toBeGreaterThanOrEqual(7);
  expect(sources.filter((path) => !cruised.has(path))).toEqual([]);
});

/** One forbidden import per line: rule, importing file, imported specifier. */
const forbidden: readonly (readonly [rule: string, from: string, specifier: string])[] = [
  ["core-layer", "core/src/a.ts", "@synod/runtime"],
  ["core-layer", "core/src/b.ts", "node:fs"],
  ["core-layer", "core/src/c.ts", "zod"],
  ["machines-layer", "machines/src/a.ts", "@synod/runtime"],
  ["runtime-layer", "runtime/src/a.ts", "@synod/machines"],
  ["runtime-layer", "runtime/src/b.ts", "@synod/simulator"],
  ["simulator-layer", "simulator/src/a.ts", "@synod/node"],
  ["node-layer", "node/src/a.ts", "@synod/simulator"],
  ["node-layer", "node/src/b.ts", "zod"],
  ["server-layer", "server/src/a.ts", "@synod/simulator"],
  ["server-layer", "server/src/b.ts", "commander"],
  ["synod-layer", "synod/src/a.ts", "fastify"],
  ["protocols-apart", "core/src/protocols/one/a.ts", "../two/index.ts"],
  ["contract-knows-no-protocol", "core/src/d.ts", "./protocols/one/index.ts"],
  ["host-knows-no-protocol", "runtime/src/c.ts", "@synod/core/protocols/one"],
  ["shipped-code-imports-no-test", "core/src/e.ts", "./x.test.ts"],
  ["no-deep-imports", "runtime/src/d.ts", "../../core/src/index.ts"],
  ["no-cycles", "core/src/cycle-a.ts", "./cycle-b.ts"],
  ["resolvable", "core/src/f.ts", "./nowhere.ts"],
];

const allowed: readonly (readonly [from: string, specifier: string])[] = [
  ["core/src/x.test.ts", "@synod/simulator"],
  ["core/src/y.test.ts", "node:fs"],
  ["core/src/protocols/one/b.ts", "../../index.ts"],
  ["core/src/protocols/one/c.ts", "./index.ts"],
  ["machines/src/b.ts", "@synod/core"],
  ["simulator/src/b.ts", "@synod/runtime"],
  ["node/src/c.ts", "node:fs"],
  ["server/src/c.ts", "fastify"],
  ["server/src/d.ts", "@synod/core/protocols/one"],
  ["synod/src/b.ts", "@synod/simulator"],
];

let directory = "";

function write(path: string, content: string): void {
  const target = join(directory, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${content}\n`);
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "synod-layers-"));
  cpSync(join(root, config), join(directory, config));
  write("package.json", JSON.stringify({ type: "module" }));
  for (const name of ["zod", "fastify", "commander"]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, exports: "./index.js" }));
    write(`node_modules/${name}/index.js`, "export const x = 1;");
  }
  mkdirSync(join(directory, "node_modules/@synod"));
  for (const name of packages) {
    const manifest = `packages/${name}/package.json`;
    mkdirSync(join(directory, dirname(manifest)), { recursive: true });
    cpSync(join(root, manifest), join(directory, manifest));
    write(`packages/${name}/src/index.ts`, "export const x = 1;");
    write(`packages/${name}/dist/index.js`, "export const x = 1;");
    symlinkSync(
      join(directory, `packages/${name}`),
      join(directory, `node_modules/@synod/${name}`),
      "junction",
    );
  }
  for (const protocol of ["one", "two"]) {
    write(`packages/core/src/protocols/${protocol}/index.ts`, "export const x = 1;");
    write(`packages/core/dist/protocols/${protocol}/index.js`, "export const x = 1;");
  }
  write("packages/core/src/cycle-b.ts", 'export { x } from "./cycle-a.ts";');
  // Types count: a type that crosses a layer couples as much as a value.
  for (const [, from, specifier] of forbidden) {
    write(`packages/${from}`, `import type { x } from "${specifier}";\nexport type T = typeof x;`);
  }
  write("packages/core/src/cycle-a.ts", 'export { x } from "./cycle-b.ts";');
  for (const [from, specifier] of allowed)
    write(`packages/${from}`, `export { x } from "${specifier}";`);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("every rule fires, and only where it should", () => {
  const { violations } = cruise(sourceFolders, directory).summary;
  const fired = violations.map(({ rule, from }) => `${rule.name} ${from}`);
  expect(fired).toEqual(
    expect.arrayContaining(forbidden.map(([rule, from]) => `${rule} packages/${from}`)),
  );
  const innocent = new Set(allowed.map(([from]) => `packages/${from}`));
  expect(violations.filter(({ from }) => innocent.has(from))).toEqual([]);
});
