import { deepStrictEqual } from "node:assert";

/**
 * One thing that every implementation has to do, for whatever runs tests: it passes when the
 * promise is fulfilled. A subject is used for one case only, so each gets a new one.
 */
export interface ComplianceCase<Subject> {
  readonly name: string;
  run(subject: Subject): Promise<void>;
}

/** What was answered: the error's code, or what was given. */
export interface Answer<T> {
  readonly error: string | null;
  readonly value: T;
}

export type Callback<T> = (error: { readonly code: string } | null, value?: T | null) => void;

/** Whoever has not called back by then never will. */
const ANSWER_MS = 5_000;

/**
 * Asks, and checks what holds for every call: one answer, and not before the call has returned.
 */
export function ask<T = undefined>(call: (done: Callback<T>) => void): Promise<Answer<T>> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error("it never called back")), ANSWER_MS);
    let returned = false;
    let answers = 0;
    call((error, value) => {
      clearTimeout(limit);
      answers += 1;
      if (!returned) reject(new Error("answered before the call had returned"));
      if (answers > 1) reject(new Error("answered twice"));
      setImmediate(resolve, { error: error?.code ?? null, value: value as T });
    });
    returned = true;
  });
}

/** Rejects unless the call succeeds; gives what it gave. */
export async function ok<T = undefined>(call: (done: Callback<T>) => void): Promise<T> {
  const { error, value } = await ask(call);
  expectEqual(error, null);
  return value;
}

export function expectEqual<T>(actual: T, expected: T): void {
  deepStrictEqual(actual, expected);
}

/** Until it holds; rejects with `what` when it never does. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const limit = performance.now() + ANSWER_MS;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`it never happened: ${what}`);
    await pause(5);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
