import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { benchFolder } from "../bench-folder.ts";
import { freePorts } from "../free-ports.ts";

const NODE = fileURLToPath(new URL("./bare-node.js", import.meta.url));

/** Three processes of `bare-node`, of which the first serves HTTP. */
export interface BareCluster {
  readonly http: { readonly host: string; readonly port: number };
  readonly processes: readonly ChildProcess[];
  stop(): Promise<void>;
}

export async function startBareCluster(): Promise<BareCluster> {
  const folder = mkdtempSync(join(benchFolder(), "synod-bare-"));
  const [first, ...others] = (await freePorts(3)).map(String) as [string, ...string[]];
  const processes: ChildProcess[] = [];
  const start = (args: readonly string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(NODE, args);
      processes.push(child);
      child.once("message", () => resolve());
      child.once("exit", () => reject(new Error("a bare node ended before it was ready")));
    });
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map(ended));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const port of others) await start(["follower", join(folder, `log-${port}`), port]);
    await start(["leader", join(folder, "log"), first, ...others]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { http: { host: "127.0.0.1", port: Number(first) }, processes, stop };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
