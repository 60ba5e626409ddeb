/** Begins with the test files that take longest, so that no core idles at the end of a suite. */
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/** Each takes a good part of what one core has to do in its suite, however short its text is. */
const longest: readonly string[] = [
  "packages/synod/src/sim/lives.sim.test.ts",
  "packages/core/src/protocols/multipaxos/random.sim.test.ts",
  "packages/synod/src/kill.proc.test.ts",
  "packages/synod/src/pages.proc.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      longest.some((file) => moduleId.endsWith(`/${file}`));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
