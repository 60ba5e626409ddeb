import { readFile } from "node:fs/promises";
import { parseAddress } from "@synod/node";
import { type Configuration, configurationProblem } from "@synod/runtime";
import { z } from "zod";
import { SERVER_PROTOCOL_NAMES, type ServerProtocolName } from "./protocols.ts";

/** Who belongs to a cluster, as a file tells all its nodes alike. */
export interface ClusterFile {
  /** 32 hex digits: nodes of other clusters are refused. */
  readonly cluster: string;
  /** With which its nodes keep their log, the same for ever; null: whoever starts them says it. */
  readonly protocol: ServerProtocolName | null;
  /** Ascending by id. */
  readonly members: readonly ClusterMember[];
  /** Sizes of flexible quorums; null for majorities. */
  readonly quorums: { readonly phase1: number; readonly phase2: number } | null;
}

export interface ClusterMember {
  readonly id: number;
  /** `host:port` where its peers reach it. */
  readonly peer: string;
  /** `host:port` of its HTTP API. */
  readonly http: string;
}

/**
 * A cluster file that cannot be used; the message is one line that names the file and what is
 * wrong.
 */
export class ClusterFileError extends Error {
  override readonly name = "ClusterFileError";
}

const EXPECTED =
  '{"cluster": "<32 hex digits>", "members": ' +
  '[{"id": 0, "peer": "127.0.0.1:9080", "http": "127.0.0.1:8080"}, …]}';

const address = z
  .string()
  .refine((text) => parseAddress(text) !== null, { error: "must be host:port" });

const schema = z.strictObject({
  cluster: z.string().regex(/^[0-9a-f]{32}$/, { error: "must be 32 hex digits in lower case" }),
  protocol: z
    .enum(SERVER_PROTOCOL_NAMES, { error: `must be one of ${SERVER_PROTOCOL_NAMES.join(", ")}` })
    .optional(),
  members: z.array(
    z.strictObject({ id: z.int().min(0).max(0xffff), peer: address, http: address }),
  ),
  quorums: z.strictObject({ phase1: z.int(), phase2: z.int() }).optional(),
});

/** Reads and checks a cluster file; rejects with {@link ClusterFileError} only. */
export async function readClusterFile(path: string): Promise<ClusterFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ClusterFileError(`cluster file ${path}: ${readProblem(error)}`);
  }
  return parseClusterFile(text, path);
}

/** Checks the text of a cluster file; `name` is the file's, for the message. */
export function parseClusterFile(text: string, name: string): ClusterFile {
  const fail = (problem: string): never => {
    throw new ClusterFileError(`cluster file ${name}: ${problem}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail(`this is not JSON; expected ${EXPECTED}`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) return fail(issueText(parsed.error));
  const { cluster, protocol, quorums } = parsed.data;
  const members = [...parsed.data.members].sort((a, b) => a.id - b.id);
  const file: ClusterFile = {
    cluster,
    protocol: protocol ?? null,
    members,
    quorums: quorums ?? null,
  };
  const problem = duplicateAddress(members) ?? configurationProblem(clusterConfiguration(file));
  return problem === null ? file : fail(problem);
}

/** The first configuration of the cluster that the file describes. */
export function clusterConfiguration(file: ClusterFile): Configuration {
  return {
    number: 1,
    cluster: file.cluster,
    members: file.members.map(({ id, peer }) => ({ id, address: peer, zone: "", roles: [] })),
    quorums: file.quorums,
  };
}

function issueText(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return `expected ${EXPECTED}`;
  const where = issue.path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("")
    .replace(/^\./, "");
  const what = issue.message.replace(/^Invalid input: /, "").replaceAll("\n", " ");
  return where === "" ? `${what}; expected ${EXPECTED}` : `${where}: ${what}`;
}

function duplicateAddress(members: readonly ClusterMember[]): string | null {
  const seen = new Set<string>();
  for (const { id, peer, http } of members)
    for (const each of [peer, http]) {
      if (seen.has(each)) return `${each} is used twice, the second time by member ${id}`;
      seen.add(each);
    }
  return null;
}

function readProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : "";
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "it may not be read";
    case "EISDIR":
      return "this is a directory";
    default:
      return `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
