import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { alias } from "./tools/aliases.ts";
import { LongestFirst } from "./tools/longest-first.ts";
import { mutantPlugin } from "./tools/mutants/vitest-plugin.mjs";

const root = fileURLToPath(new URL(".", import.meta.url));

/** The slow suites, told apart by the ending of the file name. */
const slow = ["sim", "model", "mutant", "proc", "alone"].map((kind) => `**/*.${kind}.test.ts`);

interface Suite {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
  readonly timeoutMs: number;
  /** Suites run one after the other in this order, so that each can be timed. */
  readonly order: number;
  /**
   * Files share the modules that they load, for no module of ours keeps anything: to load them anew
   * for each file takes as long as the tests. So no test may mock a module as a whole.
   */
  readonly shared?: boolean;
  /**
   * Runs its files one at a time. The others take as many files at once as there are cores; vitest
   * itself would leave one core to its main process, which has next to nothing to do.
   */
  readonly serial?: boolean;
  readonly globalSetup?: string;
}

function project(suite: Suite) {
  return {
    plugins: [mutantPlugin()],
    resolve: { alias },
    test: {
      name: suite.name,
      root,
      include: [...suite.include],
      exclude: ["**/node_modules/**", "**/dist/**", ...(suite.exclude ?? [])],
      testTimeout: suite.timeoutMs,
      hookTimeout: suite.timeoutMs,
      pool: "forks" as const,
      // Tests that do nothing but wait for processes of their own.
      maxConcurrency: 2,
      sequence: { groupOrder: suite.order },
      ...(suite.shared ? { isolate: false } : {}),
      maxWorkers: suite.serial ? 1 : availableParallelism(),
      fileParallelism: suite.serial !== true,
      ...(suite.globalSetup ? { globalSetup: suite.globalSetup } : {}),
    },
  };
}

export default defineConfig({
  test: {
    reporters: ["./tools/vitest-reporter.ts"],
    sequence: { sequencer: LongestFirst },
    projects: [
      project({ name: "tools", include: ["tools/**/*.test.ts"], timeoutMs: 120_000, order: 0 }),
      project({
        name: "unit",
        include: ["packages/*", "bench", "examples"].map((path) => `${path}/src/**/*.test.ts`),
        exclude: slow,
        timeoutMs: 10_000,
        order: 1,
        shared: true,
      }),
      project({
        name: "sim",
        include: ["packages/*/src/**/*.sim.test.ts"],
        timeoutMs: 120_000,
        order: 2,
      }),
      project({
        name: "model",
        include: ["packages/*/src/**/*.model.test.ts"],
        timeoutMs: 180_000,
        order: 3,
      }),
      project({
        name: "mutant",
        include: ["packages/*/src/**/*.mutant.test.ts"],
        timeoutMs: 120_000,
        order: 4,
        serial: true,
        globalSetup: "./tools/ensure-built.ts",
      }),
      project({
        name: "proc",
        include: ["packages/*", "examples"].map((path) => `${path}/src/**/*.proc.test.ts`),
        timeoutMs: 60_000,
        order: 5,
        globalSetup: "./tools/ensure-built.ts",
      }),
      project({
        name: "alone",
        include: ["packages/*/src/**/*.alone.test.ts"],
        timeoutMs: 60_000,
        order: 6,
        serial: true,
        globalSetup: "./tools/ensure-built.ts",
      }),
    ],
  },
});
