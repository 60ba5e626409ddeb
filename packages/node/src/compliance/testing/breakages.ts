import { expect, it } from "vitest";
import type { ComplianceCase } from "../case.ts";

/** By the name of the case that must notice it. */
export type Breakages<Subject> = Readonly<Record<string, (subject: Subject) => Subject>>;

/** A sound implementation passes, and for every case there is a broken one that it finds. */
export function describeCompliance<Subject>(
  cases: readonly ComplianceCase<Subject>[],
  sound: () => Promise<Subject>,
  breakages: Breakages<Subject>,
): void {
  it.each(cases)("$name", async ({ run }) => run(await sound()));

  it("each case finds the implementation that is broken just there", async () => {
    expect(Object.keys(breakages)).toEqual(cases.map(({ name }) => name));
    const missed = cases.map(async ({ name, run }) => {
      const broken = breakages[name]?.(await sound()) as Subject;
      return run(broken).then(
        () => name,
        () => null,
      );
    });
    expect((await Promise.all(missed)).filter((name) => name !== null)).toStrictEqual([]);
  }, 30_000);
}

/** `target`, but for what `change` has in its place. */
export function altered<T extends object>(target: T, change: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const from: T | Partial<T> = name in change ? change : target;
      const value: unknown = Reflect.get(from, name, from);
      return typeof value === "function" ? value.bind(from) : value;
    },
  });
}
