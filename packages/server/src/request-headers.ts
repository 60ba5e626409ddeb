import type { IncomingHttpHeaders } from "node:http";
import { CLIENT_BYTES_MAX, decodeUtf8 } from "@synod/core";
import type { SessionRequest } from "@synod/runtime";

/** What the `synod-` headers of a request say. */
export interface RequestOptions {
  readonly deadlineMs: number;
  /** Of writes. */
  readonly session: SessionRequest | null;
  /** Of reads. */
  readonly consistency: "linearizable" | "stale";
}

export const DEADLINE_MS = { default: 5_000, max: 60_000 } as const;

/** How far the lowest unacknowledged sequence is taken to lie behind when a client does not say. */
const UNACKNOWLEDGED_MAX = 255;

const PLAIN: RequestOptions = Object.freeze({
  deadlineMs: DEADLINE_MS.default,
  session: null,
  consistency: "linearizable",
});

/** The options of a request, or what is wrong with its headers, in words for their author. */
export function readOptions(
  headers: IncomingHttpHeaders,
  deadlineMsMax: number = DEADLINE_MS.max,
): RequestOptions | string {
  const deadline = headers["synod-deadline-ms"];
  const client = headers["synod-client"];
  const sequence = headers["synod-sequence"];
  const acknowledged = headers["synod-acknowledged"];
  const consistency = headers["synod-consistency"];
  if ((deadline ?? client ?? sequence ?? acknowledged ?? consistency) === undefined) return PLAIN;
  const deadlineMs = deadline === undefined ? DEADLINE_MS.default : wholeNumber(deadline);
  if (deadlineMs === null || deadlineMs < 1 || deadlineMs > deadlineMsMax)
    return `synod-deadline-ms must be a whole number from 1 to ${deadlineMsMax}`;
  if (consistency !== undefined && consistency !== "linearizable" && consistency !== "stale")
    return "synod-consistency must be linearizable or stale";
  const session = readSession(client, sequence, acknowledged);
  if (typeof session === "string") return session;
  return { deadlineMs, session, consistency: consistency ?? "linearizable" };
}

type Header = string | string[] | undefined;

function readSession(
  client: Header,
  sequence: Header,
  acknowledged: Header,
): SessionRequest | null | string {
  if (client === undefined && sequence === undefined)
    return acknowledged === undefined
      ? null
      : "synod-acknowledged needs synod-client and synod-sequence";
  if (client === undefined || sequence === undefined)
    return "synod-client and synod-sequence need each other";
  const name = clientName(client);
  if (name === null)
    return `synod-client must be 1 to ${CLIENT_BYTES_MAX} bytes of UTF-8 that do not begin with ~`;
  const number = wholeNumber(sequence);
  if (number === null || number < 1) return "synod-sequence must be a whole number from 1";
  const lowest =
    acknowledged === undefined
      ? Math.max(1, number - UNACKNOWLEDGED_MAX)
      : wholeNumber(acknowledged);
  if (lowest === null || lowest < 1 || lowest > number)
    return "synod-acknowledged must be a whole number from 1 to synod-sequence";
  return { client: name, sequence: number, acknowledged: lowest };
}

function wholeNumber(header: string | string[]): number | null {
  if (typeof header !== "string" || !/^\d{1,16}$/.test(header)) return null;
  const value = Number(header);
  return Number.isSafeInteger(value) ? value : null;
}

/** Node gives headers as Latin-1; the bytes are read as UTF-8. */
function clientName(header: string | string[]): string | null {
  if (typeof header !== "string" || header.length === 0 || header.length > CLIENT_BYTES_MAX)
    return null;
  if (header.startsWith("~")) return null;
  return decodeUtf8(Buffer.from(header, "latin1"));
}
