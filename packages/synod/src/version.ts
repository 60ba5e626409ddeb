import { readFileSync } from "node:fs";

const manifest = new URL("../package.json", import.meta.url);

/** Of this package, as its manifest says. */
export const VERSION: string = JSON.parse(readFileSync(manifest, "utf8")).version;
