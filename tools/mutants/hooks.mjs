// The loader's side of register.mjs: replaces one piece of text in one module of the build.

/** @type {{ name: string, file: string, find: string, replacement: string } | null} */
let mutant = null;

/** @param {{ name: string, file: string, find: string, replacement: string }} data */
export function initialize(data) {
  mutant = data;
}

/** The module of the build that a source file becomes. @param {string} file */
export function builtPath(file) {
  return file.replace("/src/", "/dist/").replace(/\.ts$/, ".js");
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
  const source = `${loaded.source ?? ""}`;
  const parts = source.split(mutant.find);
  if (parts.length !== 2)
    throw new Error(`mutant ${mutant.name}: its text is found ${parts.length - 1} times in ${url}`);
  return { ...loaded, source: parts.join(mutant.replacement) };
}
