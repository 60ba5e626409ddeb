import {
  CLIENT_BYTES_MAX,
  OrderedMapBuilder,
  type Position,
  type Reader,
  type Writer,
} from "@synod/core";
import {
  type FrozenSessions,
  Session,
  type SessionContent,
  type SessionLimits,
} from "./sessions.ts";
import { type Answer, AnswerWindow } from "./sessions-window.ts";

/**
 * The session table in a snapshot: a header, and then slices of records. A session comes with its
 * answers after it, one record each, so that a slice may end between any two and its size is
 * bounded however many answers a session has. Sessions come in the order of their names, expired
 * names oldest first.
 */
const RECORD_SESSION = 0x01;
const RECORD_ANSWER = 0x02;
const RECORD_EXPIRED = 0x03;

const DIGEST_DIGITS = 16;

export function writeSessionsHeader(writer: Writer, frozen: FrozenSessions): void {
  writer.u53(frozen.limits.sessionsMax);
  writer.u53(frozen.limits.sessionResultsMax);
  writer.u53(frozen.limits.expiredMax);
  writer.u53(frozen.clock);
  writer.u53(frozen.count);
  writer.u53(frozen.expired.to - frozen.expired.from);
}

export interface SessionsHeader {
  readonly limits: SessionLimits;
  readonly clock: number;
  readonly count: number;
  readonly expired: number;
}

export function readSessionsHeader(reader: Reader): SessionsHeader {
  const limits = {
    sessionsMax: reader.u53(),
    sessionResultsMax: reader.u53(),
    expiredMax: reader.u53(),
  };
  return { limits, clock: reader.u53(), count: reader.u53(), expired: reader.u53() };
}

/** Writes the records of a frozen table, some with every call. */
export class SessionsImage {
  readonly #frozen: FrozenSessions;
  /** The session whose answers are being written, and how many are. */
  #session: Session | null = null;
  #written = 0;
  #expired: number;

  constructor(frozen: FrozenSessions) {
    this.#frozen = frozen;
    this.#expired = frozen.expired.from;
  }

  /** Appends a record, and more while `writer` holds less than `bytesMax`; false at the end. */
  next(writer: Writer, bytesMax: number): boolean {
    if (!this.#record(writer)) return false;
    while (writer.length < bytesMax && this.#record(writer));
    return true;
  }

  #record(writer: Writer): boolean {
    if (this.#session !== null) return this.#answer(writer, this.#session);
    const { sessions, expired } = this.#frozen;
    if (!sessions.atEnd) {
      const session = sessions.value;
      writer.u8(RECORD_SESSION);
      writer.string(session.client);
      writer.u53(session.window.floor);
      writer.u53(session.lastUsed);
      writer.u32(session.window.size);
      if (session.window.size > 0) this.#session = session;
      this.#written = 0;
      sessions.advance();
      return true;
    }
    if (this.#expired === expired.to) return false;
    writer.u8(RECORD_EXPIRED);
    writer.string(expired.names[this.#expired] as string);
    this.#expired += 1;
    return true;
  }

  #answer(writer: Writer, session: Session): boolean {
    const answer = session.window.at(this.#written);
    writer.u8(RECORD_ANSWER);
    writer.u53(answer.sequence);
    writer.u32(answer.position.log);
    writer.u53(answer.position.index);
    if (!session.node) writeDigest(writer, answer.digest);
    writer.bytes(answer.result);
    this.#written += 1;
    if (this.#written === session.window.size) this.#session = null;
    return true;
  }
}

/** Reads what a {@link SessionsImage} wrote; bytes that make no sense are refused. */
export class SessionsRestore {
  readonly #header: SessionsHeader;
  readonly #sessions = new OrderedMapBuilder<Session>();
  readonly #names: string[] = [];
  #count = 0;
  /** The session whose answers are being read. */
  #open: { readonly session: SessionStart; readonly answers: Answer[] } | null = null;
  /** Positions repeat, because a batch of commands shares one. */
  #position: Position = { log: 0, index: 0 };

  constructor(header: SessionsHeader) {
    this.#header = header;
  }

  add(reader: Reader): boolean {
    while (reader.remaining > 0) if (!this.#record(reader)) return false;
    return !reader.failed;
  }

  /** Null when something is missing. */
  finish(): SessionContent | null {
    const { limits, clock, count, expired } = this.#header;
    if (this.#open !== null || this.#count !== count || this.#names.length !== expired) return null;
    return { limits, clock, sessions: this.#sessions.build(), expired: this.#names };
  }

  #record(reader: Reader): boolean {
    const kind = reader.u8();
    if (this.#open !== null) return kind === RECORD_ANSWER && this.#answer(reader, this.#open);
    if (kind === RECORD_SESSION) return this.#session(reader);
    if (kind !== RECORD_EXPIRED) return false;
    const name = reader.string(CLIENT_BYTES_MAX);
    if (!reader.failed) this.#names.push(name);
    return !reader.failed;
  }

  #session(reader: Reader): boolean {
    const client = reader.string(CLIENT_BYTES_MAX);
    const session = { client, floor: reader.u53(), lastUsed: reader.u53(), answers: reader.u32() };
    if (reader.failed || this.#names.length > 0) return false;
    this.#open = { session, answers: [] };
    return session.answers > 0 || this.#close(session, []);
  }

  #answer(reader: Reader, open: { session: SessionStart; answers: Answer[] }): boolean {
    const { session, answers } = open;
    const sequence = reader.u53();
    const log = reader.u32();
    const index = reader.u53();
    const digest = session.client.startsWith("~") ? "" : readDigest(reader);
    const result = reader.bytes().slice();
    const lowest = answers.at(-1)?.sequence ?? session.floor - 1;
    if (reader.failed || sequence <= lowest) return false;
    if (log !== this.#position.log || index !== this.#position.index)
      this.#position = { log, index };
    answers.push({ kind: "answer", sequence, position: this.#position, result, digest });
    return answers.length < session.answers || this.#close(session, answers);
  }

  #close(start: SessionStart, answers: Answer[]): boolean {
    this.#open = null;
    this.#count += 1;
    const window = new AnswerWindow(start.floor, answers);
    return this.#sessions.add(start.client, new Session(start.client, window, start.lastUsed, 0));
  }
}

interface SessionStart {
  readonly client: string;
  readonly floor: number;
  readonly lastUsed: number;
  readonly answers: number;
}

function writeDigest(writer: Writer, digest: string): void {
  writer.u32(Number.parseInt(digest.slice(0, DIGEST_DIGITS / 2), 16));
  writer.u32(Number.parseInt(digest.slice(DIGEST_DIGITS / 2), 16));
}

function readDigest(reader: Reader): string {
  const half = (): string =>
    reader
      .u32()
      .toString(16)
      .padStart(DIGEST_DIGITS / 2, "0");
  return half() + half();
}
