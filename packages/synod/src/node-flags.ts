/**
 * How the processes of nodes are best started. Nearly everything that a node allocates lives for
 * one request: a larger young generation (in MiB, per half) is collected less often, and less of it
 * is copied.
 */
export const NODE_FLAGS: readonly string[] = ["--max-semi-space-size=32"];
