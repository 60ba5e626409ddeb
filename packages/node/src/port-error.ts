import type { PortError, PortErrorCode } from "@synod/core";

/** What the operating system's error names mean to a host; everything else is `io`. */
const CODES: Readonly<Record<string, PortErrorCode>> = {
  ENOENT: "not-found",
  ENOTDIR: "not-found",
  EEXIST: "exists",
  ENOSPC: "no-space",
  EDQUOT: "no-space",
  EFBIG: "no-space",
  EADDRINUSE: "in-use",
  EADDRNOTAVAIL: "denied",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  EBADF: "closed",
};

/**
 * The one gate through which errors of the operating system reach a host. `what` names the
 * operation.
 */
export function portError(error: unknown, what: string): PortError {
  const name = errorName(error);
  const reason = error instanceof Error ? error.message : String(error);
  return { code: CODES[name] ?? "io", message: `${what}: ${reason}` };
}

/** The error's name as the operating system has it (`ENOSPC`); empty when it has none. */
export function errorName(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
