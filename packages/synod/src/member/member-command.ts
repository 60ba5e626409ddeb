import { VOTERS_MAX } from "@synod/core";
import { parseAddress } from "@synod/node";
import type { MemberList } from "@synod/server";
import { type Command, InvalidArgumentError } from "commander";
import { CommandFailure } from "../exit-codes.ts";
import { addNodeOptions, type NodeOptions } from "../node-urls.ts";
import { nodeIds, wholeNumber } from "../options.ts";
import { askMembers } from "./ask-members.ts";
import {
  additions,
  type Change,
  type QuorumOptions,
  quorumsOf,
  replacements,
} from "./member-change.ts";
import { memberTable } from "./member-table.ts";

interface ListOptions extends NodeOptions {
  readonly json?: true;
}

interface ChangeOptions extends ListOptions, QuorumOptions {}

interface AddOptions extends ChangeOptions {
  readonly dataId?: readonly string[];
}

interface ReplaceOptions extends AddOptions {
  readonly by?: readonly number[];
  readonly peer?: readonly string[];
}

/** A change may have to wait until a newcomer has fetched the whole state. */
const TIMEOUT_MS_MAX = 600_000;
const MEMBER_ID = wholeNumber(0, 65_535);

/** `synod member`: who the members are, and changes of that while the cluster works. */
export function addMemberCommand(program: Command): void {
  const member = program
    .command("member")
    .summary("show, add, remove and replace members")
    .description("Show, add, remove and replace members of a cluster while it works.");
  withJson(member.command("list").summary("show the members"))
    .description("Show the members as the first node that answers knows them, and who wants in.")
    .action(runList);
  withDataId(member.command("add").summary("add members"))
    .description("Add nodes that were formatted and started with --join, all in one change.")
    .argument("<id>", "id of the node", MEMBER_ID)
    .argument("<peer>", "host:port where its peers reach it", peerAddress)
    .argument("[more...]", "id and host:port of each further node", collectPairs)
    .action(runAdd);
  withQuorums(member.command("remove").summary("remove members"))
    .description(
      "Remove members, dead or alive, all in one change. Those can be switched off that " +
        "say retired.",
    )
    .argument("<id...>", "ids of the members", collectIds)
    .action(runRemove);
  withDataId(member.command("replace").summary("replace members"))
    .description(
      "Put other nodes in the place of members, all in one change, or, without --by, a member's " +
        "own new data directory or address: that is how a node that lost its disk gets its " +
        "vote back.",
    )
    .argument("<id...>", "ids of the members", collectIds)
    .option("--by <ids>", "ids of the nodes that take their places, with commas", nodeIds)
    .option(
      "--peer <addresses>",
      "host:port of each, with commas (default: as now)",
      listOf(peerAddress),
    )
    .action(runReplace);
  withQuorums(member.command("quorums").summary("change the sizes of quorums"))
    .description("Change how many members make a quorum, and nothing else.")
    .action(runQuorums);
}

function withJson(command: Command): Command {
  return addNodeOptions(command, TIMEOUT_MS_MAX).option(
    "--json",
    "print what the node says as JSON",
  );
}

function withQuorums(command: Command): Command {
  const most = wholeNumber(1, VOTERS_MAX);
  return withJson(command)
    .option("--phase1 <n>", "voters that elect a leader (default: as now)", most)
    .option("--phase2 <n>", "voters that choose a command (default: as now)", most)
    .option("--majority", "more than half of the voters for both again");
}

function withDataId(command: Command): Command {
  const text = "data id of each directory, with commas, as format printed it";
  return withQuorums(command).option(
    "--data-id <hex>",
    `${text} (default: what it knocks with)`,
    listOf(hexId),
  );
}

function listOf(parse: (text: string) => string): (text: string) => string[] {
  return (text) => text.split(",").map((part) => parse(part.trim()));
}

/** Ids and addresses in turn. */
function collectPairs(
  text: string,
  before: readonly (number | string)[] = [],
): (number | string)[] {
  return [...before, before.length % 2 === 0 ? MEMBER_ID(text) : peerAddress(text)];
}

function collectIds(text: string, before: readonly number[] | undefined): number[] {
  return [...(before ?? []), MEMBER_ID(text)];
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
  const list = (await askMembers({ method: "GET" }, options)) as MemberList;
  process.stdout.write(options.json ? `${JSON.stringify(list, null, 2)}\n` : memberTable(list));
}

function runAdd(
  id: number,
  peer: string,
  more: readonly (number | string)[],
  options: AddOptions,
): Promise<void> {
  return change({ add: additions([id, peer, ...more], options.dataId) }, options);
}

function runRemove(remove: readonly number[], options: ChangeOptions): Promise<void> {
  return change({ remove }, options);
}

function runReplace(ids: readonly number[], options: ReplaceOptions): Promise<void> {
  return change({ replace: replacements(ids, options) }, options);
}

function runQuorums(options: ChangeOptions): Promise<void> {
  if (quorumsOf(options).quorums === undefined)
    throw new CommandFailure("usage", "say --phase1 and --phase2, or --majority");
  return change({}, options);
}

async function change(changes: Change, options: ChangeOptions): Promise<void> {
  const body = { ...changes, ...quorumsOf(options) };
  const made = (await askMembers({ method: "PATCH", body }, options)) as Made;
  const words = `configuration ${made.configuration} goes on after slot ${made.began}`;
  process.stdout.write(`${options.json ? JSON.stringify(made) : words}\n`);
}

interface Made {
  readonly configuration: number;
  readonly began: number;
}
