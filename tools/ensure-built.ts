/**
 * Process tests start the built command: this builds it first when somebody calls vitest directly.
 */
import { ensure } from "../scripts/ensure.mjs";

export function setup(): void {
  if (process.env["SYNOD_ENSURED"] === "1") return;
  if (ensure() !== "ready") throw new Error("the build failed; process tests need dist");
}
