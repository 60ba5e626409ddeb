/** Prints a line of JSON for each test that was run: under which bug, and what came of it. */
import type { Reporter, TestCase } from "vitest/node";

export default class BatchReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state === "skipped") return;
    const message = errors?.[0]?.message ?? "";
    const seconds = (test.diagnostic()?.duration ?? 0) / 1000;
    const line = { mutant: test.project.name, name: test.fullName, state, message, seconds };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}
