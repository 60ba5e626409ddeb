import { type Address, formatAddress, parseAddress } from "@synod/node";
import {
  type ClusterFile,
  DEFAULT_SERVER_PROTOCOL,
  type RunningServer,
  SERVER_PROTOCOL_TUNING,
  type ServerOptions,
  type ServerProtocolName,
  startServer,
} from "@synod/server";
import { type Command, InvalidArgumentError, Option } from "commander";
import { readForNewcomer, readMember } from "./cluster.ts";
import { CommandFailure } from "./exit-codes.ts";
import { nodeIds, numbersByName, wholeNumber } from "./options.ts";
import { protocolOption } from "./protocol-option.ts";
import { synodFailure } from "./synod-failure.ts";

interface StartOptions {
  readonly id: number;
  readonly cluster: string;
  readonly dir: string;
  readonly protocol?: ServerProtocolName;
  readonly tuning?: Readonly<Record<string, number>>;
  readonly http?: Address;
  readonly peer?: Address;
  readonly insecure?: true;
  readonly join?: true;
  readonly fetchFrom?: readonly number[];
  readonly stopWithStdin?: true;
}

export function addStartCommand(program: Command): void {
  program
    .command("start")
    .summary("run one node")
    .description(
      "Run one node until it is told to stop (Ctrl-C or SIGTERM). A node whose directory was " +
        "not made by format, because it is new or was lost, does not vote: it catches up, " +
        "serves and forwards.",
    )
    .requiredOption("--id <n>", "id of the node in the cluster file", wholeNumber(0, 65_535))
    .requiredOption("--cluster <file>", "the cluster file, the same on all nodes")
    .requiredOption("--dir <folder>", "the data directory")
    .addOption(
      protocolOption("what keeps the log (default: what the cluster file says, else multipaxos)"),
    )
    .option(
      "--tuning <list>",
      "numbers of the protocol on this node: name=number, with commas (default: its own)",
      numbersByName,
    )
    .option("--http <address>", "listen for HTTP here, not where the cluster file says", address)
    .option("--peer <address>", "listen for peers here, not where the cluster file says", address)
    .option("--insecure", "allow a peer address that other machines can reach, without encryption")
    .option(
      "--join",
      "the cluster file does not name the node: it waits until it is added as a member " +
        "(needs --http and --peer)",
    )
    .option(
      "--fetch-from <ids>",
      "fetch a missing state from these members only, to spare the others (default: from all " +
        "who have it, at once)",
      nodeIds,
    )
    .addOption(new Option("--stop-with-stdin").hideHelp())
    .action(runStart);
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new InvalidArgumentError("It must be of the form host:port.");
  return parsed;
}

async function runStart(options: StartOptions): Promise<void> {
  const { id, dir } = options;
  const { cluster, peer } = await readPlace(options);
  const protocolTuning = tuningOf(options, cluster);
  const server = await startNode({
    id,
    cluster,
    directory: dir,
    insecure: options.insecure ?? false,
    ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
    protocolTuning,
    ...(options.http === undefined ? {} : { http: options.http }),
    ...(options.peer === undefined ? {} : { peer: options.peer }),
    ...(options.fetchFrom === undefined ? {} : { fetchFrom: options.fetchFrom }),
  });
  process.stdout.write(`${bootSummary(server, peer, dir)}\n`);
  const release = stopWhenAsked(server, options.stopWithStdin ?? false);
  const reason = await server.stopped;
  release();
  if (reason !== null) throw new CommandFailure("failure", `node ${id} had to stop: ${reason}`);
}

/** The cluster, and where this node listens for its peers. */
async function readPlace(
  options: StartOptions,
): Promise<{ readonly cluster: ClusterFile; readonly peer: string }> {
  const { id, peer } = options;
  if (options.join !== true) {
    const { cluster, member } = await readMember(options.cluster, id);
    return { cluster, peer: peer === undefined ? member.peer : formatAddress(peer) };
  }
  if (peer === undefined || options.http === undefined)
    throw new CommandFailure("usage", "--join needs --http and --peer: no file says where it is");
  return { cluster: await readForNewcomer(options.cluster, id), peer: formatAddress(peer) };
}

/** A name that the protocol does not know would do nothing, and nobody would notice. */
function tuningOf(
  { protocol, tuning = {} }: StartOptions,
  cluster: ClusterFile,
): Readonly<Record<string, number>> {
  const name = cluster.protocol ?? protocol ?? DEFAULT_SERVER_PROTOCOL;
  const known = Object.keys(SERVER_PROTOCOL_TUNING[name]);
  const unknown = Object.keys(tuning).find((given) => !known.includes(given));
  if (unknown === undefined) return tuning;
  const message = `--tuning: ${name} has no number ${unknown}, but ${known.join(", ")}`;
  throw new CommandFailure("usage", message);
}

async function startNode(options: ServerOptions): Promise<RunningServer> {
  try {
    return await startServer(options);
  } catch (error) {
    throw synodFailure(error, `node ${options.id} in ${options.directory}`);
  }
}

/** All that an operator wants to see of a start, in one line. */
function bootSummary({ node, http }: RunningServer, peer: string, dir: string): string {
  const { incarnation, protocol, journalBytes, snapshotPosition, nonVoterReason } = node.status();
  return [
    `node ${node.id} (pid ${process.pid}) serves http://${formatAddress(http)}`,
    `peers ${peer}`,
    protocol,
    `data in ${dir}: incarnation ${incarnation}, snapshot of slot ${snapshotPosition.index}`,
    `${journalBytes} bytes of journal`,
    nonVoterReason === "" ? "votes" : `does not vote: ${nonVoterReason}`,
  ].join(", ");
}

/**
 * Stops the node in order on a signal, or when standard input ends: that is how a child learns that
 * the demo that started it is gone, even if it was killed. Returns what takes the handlers away.
 */
function stopWhenAsked(server: RunningServer, withStdin: boolean): () => void {
  const stop = (): void => void server.close();
  // Ctrl-C reaches a whole process group: below a demo it is the demo that tells when to stop.
  const onInterrupt = withStdin ? (): void => {} : stop;
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", stop);
  if (withStdin) process.stdin.on("close", stop).on("error", stop).resume();
  return () => {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", stop);
    process.stdin.off("close", stop).destroy();
  };
}
