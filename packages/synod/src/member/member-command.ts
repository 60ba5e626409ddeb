import { parseAddress } from "@synod/node";
import type { MemberList } from "@synod/server";
import { type Command, InvalidArgumentError } from "commander";
import { addNodeOptions, type NodeOptions } from "../node-urls.ts";
import { wholeNumber } from "../options.ts";
import { askMembers, MEMBERS_PATH, type MemberRequest } from "./ask-members.ts";
import { memberTable } from "./member-table.ts";

interface ListOptions extends NodeOptions {
  readonly json?: true;
}

interface AddOptions extends ListOptions {
  readonly dataId?: string;
}

interface ReplaceOptions extends AddOptions {
  readonly by?: number;
  readonly peer?: string;
}

/** `synod member`: who the members are, and changes of that while the cluster works. */
export function addMemberCommand(program: Command): void {
  const member = program
    .command("member")
    .summary("show, add, remove and replace members")
    .description("Show, add, remove and replace members of a cluster while it works.");
  withJson(member.command("list").summary("show the members"))
    .description("Show the members as the first node that answers knows them, and who wants in.")
    .action(runList);
  withDataId(member.command("add").summary("add a member"))
    .description("Add a node that was formatted and started with --join.")
    .argument("<id>", "id of the node", wholeNumber(0, 65_535))
    .argument("<peer>", "host:port where its peers reach it", peerAddress)
    .action(runAdd);
  withJson(member.command("remove").summary("remove a member"))
    .description("Remove a member, dead or alive. It can be switched off when it says retired.")
    .argument("<id>", "id of the member", wholeNumber(0, 65_535))
    .action(runRemove);
  withDataId(member.command("replace").summary("replace a member"))
    .description(
      "Put another node in the place of a member, or, without --by, the member's own new data " +
        "directory or address: that is how a node that lost its disk gets its vote back.",
    )
    .argument("<id>", "id of the member", wholeNumber(0, 65_535))
    .option("--by <id>", "id of the node that takes its place", wholeNumber(0, 65_535))
    .option("--peer <address>", "host:port where its peers reach it (default: as now)", peerAddress)
    .action(runReplace);
}

function withJson(command: Command): Command {
  return addNodeOptions(command).option("--json", "print what the node says as JSON");
}

function withDataId(command: Command): Command {
  const text = "data id of its directory, as format printed it (default: what it knocks with)";
  return withJson(command).option("--data-id <hex>", text, hexId);
}

function peerAddress(text: string): string {
  if (parseAddress(text) !== null) return text;
  throw new InvalidArgumentError("It must be of the form host:port.");
}

function hexId(text: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be 32 hex digits in lower case.");
}

async function runList(options: ListOptions): Promise<void> {
  const list = (await askMembers({ method: "GET", path: MEMBERS_PATH }, options)) as MemberList;
  process.stdout.write(options.json ? `${JSON.stringify(list, null, 2)}\n` : memberTable(list));
}

function runAdd(id: number, peer: string, options: AddOptions): Promise<void> {
  return change(
    { method: "POST", path: MEMBERS_PATH, body: { id, peer, ...dataIdOf(options) } },
    options,
  );
}

function runRemove(id: number, options: ListOptions): Promise<void> {
  return change({ method: "DELETE", path: `${MEMBERS_PATH}/${id}` }, options);
}

function runReplace(id: number, options: ReplaceOptions): Promise<void> {
  const { by, peer } = options;
  const body = {
    ...(by === undefined ? {} : { id: by }),
    ...(peer === undefined ? {} : { peer }),
    ...dataIdOf(options),
  };
  return change({ method: "PUT", path: `${MEMBERS_PATH}/${id}`, body }, options);
}

function dataIdOf({ dataId }: AddOptions): { readonly dataId?: string } {
  return dataId === undefined ? {} : { dataId };
}

async function change(request: MemberRequest, options: ListOptions): Promise<void> {
  const made = (await askMembers(request, options)) as { configuration: number; began: number };
  const words = `configuration ${made.configuration} goes on after slot ${made.began}`;
  process.stdout.write(`${options.json ? JSON.stringify(made) : words}\n`);
}
