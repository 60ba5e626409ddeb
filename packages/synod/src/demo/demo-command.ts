import { DEFAULT_SERVER_PROTOCOL } from "@synod/server";
import { type Command, Option } from "commander";
import { wholeNumber } from "../options.ts";
import { protocolOption } from "../protocol-option.ts";
import { runDemo } from "./demo.ts";
import { DEFAULT_BASE_PORT, DEFAULT_NODES } from "./demo-folder.ts";

/** Peer ports are 1000 above, and there are at most seven of them. */
const BASE_PORT_MAX = 65_535 - 1000 - 6;

export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .summary("run a whole cluster on this machine")
    .description(
      "Run a whole cluster on this machine, one process per node, until Ctrl-C. Node 0 " +
        "serves HTTP on the base port, node 1 on the next one; peers talk 1000 above. " +
        "Nodes that die are started again. Data stays in the folder.",
    )
    .addOption(
      new Option(
        "--nodes <n>",
        `how many nodes a new cluster gets (default: ${DEFAULT_NODES})`,
      ).argParser(wholeNumber(1, 7)),
    )
    .addOption(
      protocolOption(`what keeps the log of a new cluster (default: ${DEFAULT_SERVER_PROTOCOL})`),
    )
    .addOption(
      new Option(
        "--base-port <port>",
        `HTTP port of node 0 (default: ${DEFAULT_BASE_PORT}, or as last time)`,
      ).argParser(wholeNumber(1, BASE_PORT_MAX)),
    )
    .option("--dir <folder>", "where everything is kept", ".synod")
    .option("--fresh", "delete the cluster in the folder and begin with an empty one")
    .action(runDemo);
}
