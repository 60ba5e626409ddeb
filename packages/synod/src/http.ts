import { request as httpRequest } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/**
 * Why there is no answer. `sent` false: nothing of the request can have reached anybody, so it is
 * safe to ask another node.
 */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly sent: boolean;

  constructor(message: string, sent: boolean) {
    super(message);
    this.sent = sent;
  }
}

export interface Question {
  readonly method: string;
  /** `http://host:port`. */
  readonly url: string;
  /** Percent-encoded, with its slash. Sent as it is: no normalisation of `.` and `..`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly timeoutMs: number;
}

/** One request on a connection of its own. Throws {@link NoAnswer} only. */
export function ask(question: Question): Promise<Answer> {
  const { method, path, body, timeoutMs } = question;
  const { hostname, port } = new URL(question.url);
  return new Promise((resolve, reject) => {
    let connected = false;
    const host = hostname.replace(/^\[|\]$/g, "");
    const headers = { ...question.headers, "content-length": String(body?.length ?? 0) };
    const target = { method, host, port: port === "" ? 80 : Number(port), path, headers };
    const request = httpRequest({ ...target, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) => reject(noAnswer(error, true)));
      response.on("end", () => {
        clearTimeout(timer);
        const answer = { status: response.statusCode ?? 0, headers: response.headers };
        resolve({ ...answer, body: Buffer.concat(chunks) });
      });
    });
    const timer = setTimeout(() => {
      request.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    request.on("socket", (socket) => socket.on("connect", () => (connected = true)));
    request.on("error", (error) => {
      clearTimeout(timer);
      reject(noAnswer(error, connected));
    });
    request.end(body);
  });
}

function noAnswer(error: Error, sent: boolean): NoAnswer {
  const code = (error as NodeJS.ErrnoException).code;
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ECONNRESET: "the connection broke",
    ENOTFOUND: "the host name is unknown",
    EAI_AGAIN: "the host name cannot be looked up",
  };
  return new NoAnswer(words[code ?? ""] ?? error.message, sent);
}
