import type { NodeStatus } from "@synod/server";
import type { Command } from "commander";
import { CommandFailure } from "./exit-codes.ts";
import { ask, NoAnswer } from "./http.ts";
import { addNodeOptions, type NodeOptions, nodeUrls } from "./node-urls.ts";
import { type NodeReport, statusTable } from "./status-table.ts";

interface StatusOptions extends NodeOptions {
  readonly json?: true;
}

export function addStatusCommand(program: Command): void {
  const command = program.command("status").summary("show all nodes");
  addNodeOptions(command)
    .description(
      "Show all nodes: who leads, who lags, who does not vote and why. " +
        "Exit code 1 when no node answers.",
    )
    .option("--json", "print what the nodes say as one JSON array, with null for those that do not")
    .action(runStatus);
}

async function runStatus(options: StatusOptions): Promise<void> {
  const urls = await nodeUrls(options);
  const reports = await Promise.all(urls.map((url) => askStatus(url, options.timeout)));
  if (options.json) {
    const plain = reports.map(({ url, status, reason }) => ({ url, status, reason }));
    process.stdout.write(`${JSON.stringify(plain, null, 2)}\n`);
  } else {
    process.stdout.write(statusTable(reports));
  }
  if (reports.every(({ status }) => status === null))
    throw new CommandFailure("failure", "no node answered");
}

/** What one node says about itself, or why it says nothing. */
export async function askStatus(url: string, timeoutMs: number): Promise<NodeReport> {
  try {
    const answer = await ask({ method: "GET", url, path: "/_synod/status", timeoutMs });
    if (answer.status !== 200) return { url, status: null, reason: `status ${answer.status}` };
    return { url, status: JSON.parse(answer.body.toString("utf8")) as NodeStatus, reason: "" };
  } catch (error) {
    if (error instanceof NoAnswer) return { url, status: null, reason: error.message };
    if (error instanceof SyntaxError) return { url, status: null, reason: "no Synod node" };
    throw error;
  }
}
