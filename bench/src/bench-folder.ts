import { tmpdir } from "node:os";

/**
 * Where data directories go. `BENCH_DIR` names another file system than that of the usual `/tmp`.
 */
export function benchFolder(): string {
  return process.env["BENCH_DIR"] ?? tmpdir();
}
