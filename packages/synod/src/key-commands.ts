import { buffer } from "node:stream/consumers";
import { type Command, Option } from "commander";
import { CommandFailure } from "./exit-codes.ts";
import { type Answer, ask, NoAnswer } from "./http.ts";
import { addNodeOptions, type NodeOptions, nodeUrls } from "./node-urls.ts";
import { wholeNumber } from "./options.ts";

interface WriteOptions extends NodeOptions {
  readonly client?: string;
  readonly sequence?: number;
}

interface ReadOptions extends NodeOptions {
  readonly stale?: true;
}

/** How long the answer may take beyond the deadline that the node itself keeps. */
const GRACE_MS = 1_000;

export function addGetCommand(program: Command): void {
  const get = program.command("get <key>").summary("print the value of a key");
  addNodeOptions(get)
    .description("Print the value of a key: its bytes, and nothing else unless to a terminal.")
    .option("--stale", "answer at once from the node's own copy, which may be old")
    .action(runGet);
}

export function addPutCommand(program: Command): void {
  const put = program.command("put <key> <value>").summary("write a value");
  addNodeOptions(put).description("Write a value. The value - is read from standard input.");
  addSessionOptions(put).action(runPut);
}

export function addDeleteCommand(program: Command): void {
  const remove = program.command("delete <key>").summary("delete a key");
  addNodeOptions(remove).description("Delete a key. Exit code 1 when it was not there.");
  addSessionOptions(remove).action(runDelete);
}

function addSessionOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--client <name>", "write in this session, so that repeating it is harmless"),
    )
    .addOption(
      new Option("--sequence <n>", "number of this write in the session, from 1").argParser(
        wholeNumber(1, 999_999_999),
      ),
    );
}

async function runGet(key: string, options: ReadOptions): Promise<void> {
  const headers: Record<string, string> = options.stale ? { "synod-consistency": "stale" } : {};
  const request: KeyRequest = { method: "GET", key, headers, repeatable: true };
  const answer = await askNodes(request, options);
  if (answer.status === 404) throw new CommandFailure("failure", `there is no key "${key}"`);
  if (answer.status !== 200) throw refused(answer);
  process.stdout.write(answer.body);
  if (process.stdout.isTTY) process.stdout.write("\n");
}

async function runPut(key: string, value: string, options: WriteOptions): Promise<void> {
  const body = value === "-" ? await buffer(process.stdin) : Buffer.from(value);
  const answer = await askNodes({ method: "PUT", key, body, ...session(options) }, options);
  if (answer.status !== 204) throw refused(answer);
}

async function runDelete(key: string, options: WriteOptions): Promise<void> {
  const answer = await askNodes({ method: "DELETE", key, ...session(options) }, options);
  if (answer.status === 404) throw new CommandFailure("failure", `there is no key "${key}"`);
  if (answer.status !== 204) throw refused(answer);
}

function session(options: WriteOptions): Pick<KeyRequest, "headers" | "repeatable"> {
  const { client, sequence } = options;
  if ((client === undefined) !== (sequence === undefined))
    throw new CommandFailure("usage", "--client and --sequence need each other");
  if (client === undefined) return { headers: {}, repeatable: false };
  const name = Buffer.from(client).toString("latin1");
  const headers = { "synod-client": name, "synod-sequence": String(sequence) };
  return { headers, repeatable: true };
}

interface KeyRequest {
  readonly method: "GET" | "PUT" | "DELETE";
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Asking another node after an unknown outcome does no harm: a read, or a write in a session. */
  readonly repeatable: boolean;
}

/**
 * Asks one node after the other until one answers for good. A write without a session is given to
 * the next node only when it is certain that the one before has not executed it.
 */
async function askNodes(request: KeyRequest, options: NodeOptions): Promise<Answer> {
  const { method, key, body } = request;
  if (key === "") throw new CommandFailure("usage", "the key must not be empty");
  const urls = await nodeUrls(options);
  const path = `/${encodeURIComponent(key)}`;
  const headers = { ...request.headers, "synod-deadline-ms": String(options.timeout) };
  const reasons: string[] = [];
  let unknown = false;
  for (const url of urls) {
    const question = { method, url, path, headers, timeoutMs: options.timeout + GRACE_MS };
    const outcome = await attempt({ ...question, ...(body === undefined ? {} : { body }) });
    if ("answer" in outcome) return outcome.answer;
    reasons.push(`${url}: ${outcome.reason}`);
    unknown ||= outcome.applied === "unknown" && method !== "GET";
    if (outcome.applied === "unknown" && !request.repeatable) break;
  }
  const what = reasons.join("; ");
  if (unknown)
    throw new CommandFailure(
      "unknown",
      `the write may or may not have been executed (${what}): read the key before writing again`,
    );
  throw new CommandFailure("failure", `no node answered (${what}); ${advice(options)}`);
}

type Attempt =
  | { readonly answer: Answer }
  | { readonly reason: string; readonly applied: "no" | "unknown" };

/** Another node may do better after 429 and 503; every other status is an answer. */
async function attempt(question: Parameters<typeof ask>[0]): Promise<Attempt> {
  try {
    const answer = await ask(question);
    if (answer.status !== 503 && answer.status !== 429) return { answer };
    const problem = readProblem(answer);
    return { reason: problem.message, applied: problem.applied };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { reason: error.message, applied: error.sent ? "unknown" : "no" };
  }
}

function advice(options: NodeOptions): string {
  return options.url === undefined && options.cluster === undefined
    ? "start a cluster with `synod demo`, or name a node with --url"
    : "`synod status` shows which nodes are up";
}

/** What a node says about a failure, whatever else may answer at that address. */
function readProblem(answer: Answer): { message: string; applied: "no" | "unknown" } {
  try {
    const { message, applied } = JSON.parse(answer.body.toString("utf8"));
    if (typeof message === "string")
      return { message, applied: applied === "no" ? "no" : "unknown" };
  } catch {
    // Not one of our nodes, or not whole: the status has to do.
  }
  return { message: `status ${answer.status}`, applied: "unknown" };
}

function refused(answer: Answer): CommandFailure {
  const { message, applied } = readProblem(answer);
  const certain = answer.status < 500 || applied === "no";
  return new CommandFailure(certain ? "failure" : "unknown", `refused: ${message}`);
}
