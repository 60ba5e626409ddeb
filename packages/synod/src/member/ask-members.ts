import { setTimeout as sleep } from "node:timers/promises";
import type { MemberList } from "@synod/server";
import { CommandFailure } from "../exit-codes.ts";
import { type Answer, ask, NoAnswer } from "../http.ts";
import { type NodeOptions, nodeUrls } from "../node-urls.ts";

export interface MemberRequest {
  readonly method: "GET" | "PATCH";
  readonly body?: object;
}

interface Problem {
  readonly code: string;
  readonly applied: "no" | "unknown";
  readonly message: string;
}

/** How long the answer may take beyond the deadline that the node itself keeps. */
const GRACE_MS = 1_000;
const PAUSE_MS = 100;
const LIST_MS = 1_000;
const LOOK_MS = 500;

const MEMBERS_PATH = "/_synod/members";

/**
 * What another node may answer otherwise, or this one a moment later: the change before is still
 * being settled, or the newcomer has knocked elsewhere only.
 */
const PASSING: readonly string[] = [
  "overload",
  "stopped",
  "not-a-member",
  "deadline",
  "configuration-unsettled",
  "data-id-unknown",
];

/**
 * Asks one node after the other, and all of them again until the time is up, as long as it is
 * certain that nothing was changed. Meanwhile says what a change waits for.
 */
export async function askMembers(request: MemberRequest, options: NodeOptions): Promise<unknown> {
  const urls = await nodeUrls(options);
  const endsAt = Date.now() + options.timeout;
  const say = sayOnce();
  for (;;) {
    const reasons: string[] = [];
    for (const url of urls) {
      const outcome = await follow(request, url, Math.max(1, endsAt - Date.now()), say);
      if ("value" in outcome) return outcome.value;
      reasons.push(`${url}: ${outcome.problem.message}`);
      checkPassing(request, outcome.problem, reasons);
    }
    const why = reasons.join("; ");
    if (request.method === "GET" || Date.now() + PAUSE_MS > endsAt)
      throw new CommandFailure("failure", `no node did it (${why})`);
    if (Date.now() + options.timeout - endsAt > LOOK_MS) say(why);
    await sleep(PAUSE_MS);
  }
}

/** Throws unless another node may do it, or the same one later. */
function checkPassing(
  { method }: MemberRequest,
  { applied, code, message }: Problem,
  reasons: readonly string[],
): void {
  if (applied === "unknown" && method !== "GET")
    throw new CommandFailure(
      "unknown",
      `the change may or may not have been made (${reasons.join("; ")}): ` +
        "`synod member list` shows it, and the same command again goes on with it",
    );
  if (!PASSING.includes(code)) throw new CommandFailure("failure", `refused: ${message}`);
}

/** A line, unless it is the one before. */
function sayOnce(): (why: string) => void {
  let said = "";
  return (why) => {
    if (why === said || why === "") return;
    said = why;
    process.stderr.write(`synod: the change waits: ${why}\n`);
  };
}

/** Looks from time to time what the node that makes a change waits for. */
async function follow(
  request: MemberRequest,
  url: string,
  leftMs: number,
  say: (why: string) => void,
): Promise<Outcome> {
  if (request.method === "GET") return attempt(request, url, leftMs);
  const looks = setInterval(async () => {
    const { waitsFor = "" } = (await membersAt(url)) ?? {};
    say(waitsFor);
  }, LOOK_MS);
  try {
    return await attempt(request, url, leftMs);
  } finally {
    clearInterval(looks);
  }
}

/** The members as this node knows them; null when it says nothing. */
export async function membersAt(url: string): Promise<MemberList | null> {
  const outcome = await attempt({ method: "GET" }, url, LIST_MS);
  return "value" in outcome ? (outcome.value as MemberList) : null;
}

type Outcome = { readonly value: unknown } | { readonly problem: Problem };

async function attempt(request: MemberRequest, url: string, leftMs: number): Promise<Outcome> {
  const { method, body } = request;
  const headers = { "synod-deadline-ms": String(leftMs), "content-type": "application/json" };
  const question = { method, url, path: MEMBERS_PATH, headers, timeoutMs: leftMs + GRACE_MS };
  const bytes = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) };
  try {
    const answer = await ask({ ...question, ...bytes });
    const value: unknown = JSON.parse(answer.body.toString("utf8"));
    return answer.status === 200 ? { value } : { problem: problemOf(answer, value) };
  } catch (error) {
    if (error instanceof NoAnswer) {
      const applied = error.sent ? "unknown" : "no";
      return { problem: { code: "stopped", applied, message: error.message } };
    }
    if (!(error instanceof SyntaxError)) throw error;
    return { problem: { code: "strange", applied: "no", message: "this is no Synod node" } };
  }
}

/** Whatever else may answer at that address. */
function problemOf(answer: Answer, value: unknown): Problem {
  const { code, applied, message } = value as Partial<Problem>;
  return {
    code: code ?? "strange",
    applied: applied === "unknown" ? "unknown" : "no",
    message: message ?? `status ${answer.status}`,
  };
}
