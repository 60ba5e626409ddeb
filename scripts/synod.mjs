// Runs the synod command from this checkout; installs and builds first when needed.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensure, root } from "./ensure.mjs";

if (ensure() === "ready") {
  const command = join(root, "packages/synod/bin/synod.js");
  process.argv.splice(1, 1, command);
  await import(pathToFileURL(command).href);
} else {
  process.exitCode = 1;
}
