import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectOk, root, runTool } from "./run-tool.ts";

test("the repository is formatted and free of lint (npm run fix repairs most of it)", () => {
  expectOk(runTool("biome", ["check", "--error-on-warnings", "--max-diagnostics=50"]));
});

interface Ban {
  readonly name: string;
  readonly code: string;
  /** Part of the rule's name or of its message. */
  readonly diagnostic: string;
}

/** A rule that silently stopped to fire is worse than none: each is proven on a line of its own. */
const bannedInPure: readonly Ban[] = [
  ...["random", "exp", "log", "log2", "pow", "sin", "cos", "tan", "cbrt", "hypot"].map((name) => ({
    name: `Math.${name}`,
    code: `export const x: number = Math.${name}(1, 2);`,
    diagnostic: "Math function",
  })),
  { name: "Math by index", code: 'export const x = Math["exp"](1);', diagnostic: "by name" },
  { name: "Math taken apart", code: "export const { exp } = Math;", diagnostic: "by name" },
  {
    name: "Math renamed",
    code: "const m = Math;\nexport const x = m.exp(1);",
    diagnostic: "by name",
  },
  { name: "powers", code: "export const x: number = Number(2) ** 0.5;", diagnostic: "Powers" },
  { name: "localeCompare", code: 'export const x = "a".localeCompare("b");', diagnostic: "locale" },
  { name: "toLocaleString", code: "export const x = (1).toLocaleString();", diagnostic: "locale" },
  {
    name: "async function",
    code: "export async function f() {}",
    diagnostic: "no async functions",
  },
  {
    name: "async arrow",
    code: "export const f = async () => 1;",
    diagnostic: "no async functions",
  },
  {
    name: "async arrow with a name",
    code: "export const f = async (n: number) => n;",
    diagnostic: "no async",
  },
  {
    name: "async method",
    code: "export class A {\n  async m() {}\n}",
    diagnostic: "no async functions",
  },
  {
    name: "static async method",
    code: "export class A {\n  static async m() {}\n}",
    diagnostic: "no async",
  },
  {
    name: "async member",
    code: "export const o = { async p() {} };",
    diagnostic: "no async functions",
  },
  {
    name: "async generator",
    code: "export async function* f() {\n  yield 1;\n}",
    diagnostic: "no async",
  },
  {
    name: "await",
    code: "export const f = async () => {\n  await 1;\n};",
    diagnostic: "never awaits: ports",
  },
  {
    name: "for await",
    code: "for await (const x of []) void x;",
    diagnostic: "no async iteration",
  },
  {
    name: "module-level let",
    code: "let n = 0;\nexport const f = () => n++;",
    diagnostic: "module level",
  },
  { name: "exported let", code: "export let n = 0;\nn += 1;", diagnostic: "module level" },
  ...["Intl.Collator", "new WeakRef({})", "Promise.resolve(1)", "performance.now()"].map(
    (code) => ({
      name: code,
      code: `export const x: unknown = ${code};`,
      diagnostic: "noRestrictedGlobals",
    }),
  ),
  { name: "console", code: 'console.log("x");', diagnostic: "noConsole" },
  {
    name: "Node modules",
    code: 'export { readFileSync } from "node:fs";',
    diagnostic: "noNodejsModules",
  },
];

/** No clock on the wall is read anywhere below the command line: there is none that could jump. */
const bannedBelowCommands: readonly Ban[] = ["Date.now()", "new Date()"].map((code) => ({
  name: code,
  code: `export const x: unknown = ${code};`,
  diagnostic: "noRestrictedGlobals",
}));

const bannedEverywhere: readonly Ban[] = [
  { name: "default export", code: "export default 1;", diagnostic: "noDefaultExport" },
  { name: "enum", code: "export enum E {\n  A = 1,\n}", diagnostic: "noEnum" },
  { name: "any", code: "export const x: any = 1;", diagnostic: "noExplicitAny" },
  {
    name: "import without extension",
    code: 'export { y } from "./other";',
    diagnostic: "useImportExtensions",
  },
  {
    name: "import as .js",
    code: 'export { y } from "./other.js";',
    diagnostic: "useImportExtensions",
  },
];

const allowedInPure: readonly string[] = [
  "export const x: number = Math.max(1, Math.floor(Math.sqrt(2)));",
  "export function f(): number {\n  let n = 0;\n  for (let i = 0; i < 3; i++) n++;\n  return n;\n}",
  "export const o = {\n  async(): number {\n    let n = 0;\n    n += 1;\n    return n;\n  },\n};",
  "export const f = (async: number): number => async;",
  'export { y } from "./other.ts";',
];

let directory = "";
const found = new Map<string, string[]>();

function write(path: string, content: string): void {
  const target = join(directory, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${content}\n`);
}

const pure = ["core", "machines", "runtime", "simulator"];
const belowCommands = [...pure, "node", "server"];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "synod-lint-"));
  cpSync(join(root, "biome.json"), join(directory, "biome.json"));
  cpSync(join(root, "tools/lint"), join(directory, "tools/lint"), { recursive: true });
  for (const name of [...pure, "node"])
    write(`packages/${name}/src/other.ts`, "export const y = 1;");
  for (const [index, ban] of bannedInPure.entries()) {
    for (const name of [...pure, "node"]) write(`packages/${name}/src/pure-${index}.ts`, ban.code);
    write(`packages/core/src/pure-${index}.test.ts`, ban.code);
  }
  for (const [index, ban] of bannedEverywhere.entries()) {
    for (const name of [...pure, "node"]) write(`packages/${name}/src/every-${index}.ts`, ban.code);
  }
  for (const [index, ban] of bannedBelowCommands.entries())
    for (const name of belowCommands) write(`packages/${name}/src/below-${index}.ts`, ban.code);
  for (const [index, code] of allowedInPure.entries())
    write(`packages/core/src/allowed-${index}.ts`, code);
  write("packages/core/src/CamelCase.ts", "export const x = 1;");
  const args = ["lint", "--vcs-enabled=false", "--reporter=json", "--max-diagnostics=none"];
  const report = JSON.parse(runTool("biome", args, directory).stdout);
  for (const { category, message, location } of report.diagnostics) {
    const known = found.get(location.path) ?? [];
    found.set(location.path, [...known, `${category}: ${message}`]);
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function diagnostics(path: string): string {
  return (found.get(path) ?? []).join("\n");
}

describe("banned in core, machines, runtime and simulator", () => {
  test.each(bannedInPure.map((ban, index) => ({ ...ban, index })))(
    "$name",
    ({ diagnostic, index }) => {
      for (const name of pure) {
        expect(diagnostics(`packages/${name}/src/pure-${index}.ts`)).toContain(diagnostic);
      }
      expect(diagnostics(`packages/node/src/pure-${index}.ts`)).not.toContain(diagnostic);
      expect(diagnostics(`packages/core/src/pure-${index}.test.ts`)).not.toContain(diagnostic);
    },
  );
});

describe("banned in all packages that the command line is made of", () => {
  test.each(bannedBelowCommands.map((ban, index) => ({ ...ban, index })))(
    "$name",
    ({ diagnostic, index }) => {
      for (const name of belowCommands)
        expect(diagnostics(`packages/${name}/src/below-${index}.ts`), name).toContain(diagnostic);
    },
  );
});

describe("banned everywhere", () => {
  test.each(bannedEverywhere.map((ban, index) => ({ ...ban, index })))(
    "$name",
    ({ diagnostic, index }) => {
      for (const name of [...pure, "node"]) {
        expect(diagnostics(`packages/${name}/src/every-${index}.ts`)).toContain(diagnostic);
      }
    },
  );

  test("file names that are not kebab-case", () => {
    expect(diagnostics("packages/core/src/CamelCase.ts")).toContain("useFilenamingConvention");
  });
});

test("what looks similar is allowed", () => {
  for (const index of allowedInPure.keys()) {
    expect(diagnostics(`packages/core/src/allowed-${index}.ts`)).toBe("");
  }
});
