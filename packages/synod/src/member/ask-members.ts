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
 * certain that nothing was changed.
 */
export async function askMembers(request: MemberRequest, options: NodeOptions): Promise<unknown> {
  const urls = await nodeUrls(options);
  const endsAt = Date.now() + options.timeout;
  for (;;) {
    const reasons: string[] = [];
    for (const url of urls) {
      const leftMs = Math.max(1, endsAt - Date.now());
      const outcome = await attempt(request, url, leftMs);
      if ("value" in outcome) return outcome.value;
      reasons.push(`${url}: ${outcome.problem.message}`);
      if (outcome.problem.applied === "unknown" && request.method !== "GET")
        throw new CommandFailure(
          "unknown",
          `the change may or may not have been made (${reasons.join("; ")}): ` +
            "`synod member list` shows it",
        );
      if (!PASSING.includes(outcome.problem.code))
        throw new CommandFailure("failure", `refused: ${outcome.problem.message}`);
    }
    if (request.method === "GET" || Date.now() + PAUSE_MS > endsAt)
      throw new CommandFailure("failure", `no node did it (${reasons.join("; ")})`);
    await sleep(PAUSE_MS);
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
