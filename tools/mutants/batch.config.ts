// Runs the directed tests of many seeded bugs in one process, for most of what such a test takes is
// the start of vitest: one project for each bug named in SYNOD_MUTANTS, with that bug in its code.
// Threads start sooner than processes, and no directed test needs a process of its own.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { alias } from "../aliases.ts";
import { mutantNamed } from "./list.mjs";
import { mutantPlugin } from "./vitest-plugin.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const names = (process.env["SYNOD_MUTANTS"] ?? "").split(",");

export default defineConfig({
  test: {
    reporters: [fileURLToPath(new URL("batch-reporter.ts", import.meta.url))],
    projects: names.map((name) => ({
      plugins: [mutantPlugin(name)],
      resolve: { alias },
      test: { name, root, include: [mutantNamed(name).test?.file ?? ""], pool: "threads" as const },
    })),
  },
});
