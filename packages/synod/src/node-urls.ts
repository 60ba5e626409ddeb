import { type Command, Option } from "commander";
import { collectUrls, wholeNumber } from "./options.ts";

/** Where `synod demo` puts its nodes unless told otherwise: whoever names no node means these. */
export const DEFAULT_URLS: readonly string[] = [8080, 8081, 8082].map(
  (port) => `http://127.0.0.1:${port}`,
);

export interface NodeOptions {
  readonly url?: readonly string[];
  readonly cluster?: string;
  /** Ms. */
  readonly timeout: number;
}

/** The options by which `get`, `put`, `delete` and `status` find nodes. */
export function addNodeOptions(command: Command, timeoutMsMax = 60_000): Command {
  return command
    .addOption(
      new Option(
        "--url <url>",
        "node to ask, http://host:port; several are tried in turn (default: the demo's)",
      )
        .argParser(collectUrls)
        .env("SYNOD_URL"),
    )
    .option("--cluster <file>", "ask the nodes in this cluster file instead")
    .addOption(
      new Option("--timeout <ms>", "how long to wait for an answer")
        .argParser(wholeNumber(1, timeoutMsMax))
        .default(5_000),
    );
}

/** All nodes that may be asked, in the order in which to try them. */
export async function nodeUrls(options: NodeOptions): Promise<readonly string[]> {
  if (options.cluster === undefined) return options.url ?? DEFAULT_URLS;
  // What reads such a file comes with a whole server, for which others need not wait.
  const { readCluster } = await import("./cluster.ts");
  const cluster = await readCluster(options.cluster);
  return cluster.members.map((member) => `http://${member.http}`);
}
