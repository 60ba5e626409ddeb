/**
 * Prints one line per finished suite (unit, sim, model, proc …) with its time, then the failures,
 * and as the very last line `N passed, N failed`, which readers of a log can rely on.
 */
import type { SerializedError } from "vitest";
import type { TestModule, TestRunEndReason, TestSpecification } from "vitest/node";
import { DefaultReporter } from "vitest/node";

/**
 * Seconds each suite may take on two cores; a suite that takes longer says so. With two minutes to
 * install and build, and four in reserve, all of it fits into 25 minutes.
 */
const budgets: Readonly<Record<string, number>> = {
  tools: 60,
  unit: 150,
  sim: 300,
  model: 120,
  mutant: 240,
  proc: 180,
  alone: 90,
};

interface Suite {
  expected: number;
  files: number;
  passed: number;
  failed: number;
  skipped: number;
}

function emptySuite(): Suite {
  return { expected: 0, files: 0, passed: 0, failed: 0, skipped: 0 };
}

export default class SynodReporter extends DefaultReporter {
  private readonly suites = new Map<string, Suite>();
  private phaseStartedMs = performance.now();

  override onTestRunStart(specifications: readonly TestSpecification[]): void {
    super.onTestRunStart(specifications);
    this.suites.clear();
    this.phaseStartedMs = performance.now();
    for (const { project } of specifications) this.suite(project.name).expected += 1;
  }

  override onTestModuleEnd(module: TestModule): void {
    super.onTestModuleEnd(module);
    const suite = this.suite(module.project.name);
    suite.files += 1;
    let tests = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") suite.passed += 1;
      else if (state === "failed") suite.failed += 1;
      else suite.skipped += 1;
      if (state === "failed") tests += 1;
    }
    // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
    if (module.state() === "failed" && tests === 0) suite.failed += 1;
    if (suite.files === suite.expected) this.finishSuite(module.project.name, suite);
  }

  override onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, unhandledErrors, reason);
    const total = emptySuite();
    for (const suite of this.suites.values()) {
      total.passed += suite.passed;
      total.failed += suite.failed + (suite.expected - suite.files);
      total.skipped += suite.skipped;
    }
    total.failed += unhandledErrors.length;
    if (total.failed === 0 && reason !== "passed") total.failed = 1;
    const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
    this.ctx.logger.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  }

  private suite(name: string): Suite {
    const known = this.suites.get(name);
    if (known) return known;
    const fresh = emptySuite();
    this.suites.set(name, fresh);
    return fresh;
  }

  private finishSuite(name: string, suite: Suite): void {
    const now = performance.now();
    const seconds = (now - this.phaseStartedMs) / 1000;
    this.phaseStartedMs = now;
    const budget = budgets[name] ?? Number.POSITIVE_INFINITY;
    const time = `${seconds.toFixed(1)} s of ${budget} s${seconds > budget ? ", OVER BUDGET" : ""}`;
    this.ctx.logger.log(`${name}: ${suite.passed} passed, ${suite.failed} failed, ${time}`);
  }
}
