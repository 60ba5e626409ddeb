// Measures what docs/reliability.md tells and writes it; installs and builds first when needed.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensure, root } from "./ensure.mjs";

if (ensure() === "ready") {
  const written = join(root, "packages/synod/dist/reliability/write-reliability.js");
  const { main } = await import(pathToFileURL(written).href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.exitCode = 1;
}
