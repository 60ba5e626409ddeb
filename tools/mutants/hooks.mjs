// The loader's side of register.mjs: replaces one piece of text in one module of the build.

/**
 * `find` occurs exactly `of` times (once when absent); the `nth` of them is replaced.
 *
 * @typedef {{ name: string, file: string, find: string, of?: number, nth?: number,
 * replacement: string, test?: { file: string, name: string } }} Mutant
 */

/** @type {Mutant | null} */
let mutant = null;

/** @param {Mutant} data */
export function initialize(data) {
  mutant = data;
}

/** The module of the build that a source file becomes. @param {string} file */
export function builtPath(file) {
  return file.replace("/src/", "/dist/").replace(/\.ts$/, ".js");
}

/**
 * The text with the bug in it. Throws when it is not the text that the bug was made for.
 *
 * @param {Mutant} bug
 * @param {string} source
 */
export function seeded(bug, source) {
  const { name, find, of = 1, nth = 1, replacement } = bug;
  const parts = source.split(find);
  if (parts.length !== of + 1)
    throw new Error(`mutant ${name}: its text is found ${parts.length - 1} times, not ${of}`);
  return parts.slice(0, nth).join(find) + replacement + parts.slice(nth).join(find);
}

/**
 * @param {string} url
 * @param {import("node:module").LoadHookContext} context
 * @param {(url: string, context: import("node:module").LoadHookContext) =>
 * Promise<import("node:module").LoadFnOutput>} next
 */
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (mutant === null || !url.endsWith(`/${builtPath(mutant.file)}`)) return loaded;
  return { ...loaded, source: seeded(mutant, `${loaded.source ?? ""}`) };
}
