import { test } from "vitest";
import { expectOk, runTool } from "./run-tool.ts";

test("everything compiles, tests and tools included", () => {
  expectOk(runTool("tsc", ["-b", "tsconfig.json"]));
});
