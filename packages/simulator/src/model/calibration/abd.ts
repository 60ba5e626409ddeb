import type { Actor, Reaction, RegisterMessage } from "./actors.ts";
import { BLANK } from "./register-history.ts";

/**
 * A register on a majority of servers: Attiya, Bar-Noy and Dolev, "Sharing Memory Robustly in
 * Message-Passing Systems" (1995). Whoever serves a request first asks a majority for its latest
 * value, then stores the outcome on a majority.
 */
type Sequencer = readonly [clock: number, server: number];

type Body =
  | readonly ["query", request: number]
  | readonly ["ackQuery", request: number, sequencer: Sequencer, value: string]
  | readonly ["record", request: number, sequencer: Sequencer, value: string]
  | readonly ["ackRecord", request: number];

interface Server {
  readonly sequencer: Sequencer;
  readonly value: string;
  readonly phase: Asking | Storing | null;
}

interface Asking {
  readonly kind: "asking";
  readonly request: number;
  readonly requester: number;
  readonly write: string | null;
  /** Ascending by server. */
  readonly answers: readonly (readonly [server: number, Sequencer, value: string])[];
}

interface Storing {
  readonly kind: "storing";
  readonly request: number;
  readonly requester: number;
  readonly read: string | null;
  /** Ascending. */
  readonly stored: readonly number[];
}

export function abdServer(peers: readonly number[]): Actor<Server> {
  const majority = Math.floor((peers.length + 1) / 2) + 1;
  const tellPeers = (body: Body): Reaction<null>["sends"] =>
    peers.map((peer) => [peer, internal(body)]);

  function ask(
    id: number,
    state: Server,
    requester: number,
    request: number,
    write: string | null,
  ): Reaction<Server> | null {
    if (state.phase !== null) return null;
    const answers = [[id, state.sequencer, state.value]] as const;
    const phase = { kind: "asking", request, requester, write, answers } as const;
    return { state: { ...state, phase }, sends: tellPeers(["query", request]) };
  }

  function answered(
    id: number,
    state: Server,
    phase: Asking,
    answer: Asking["answers"][number],
  ): Reaction<Server> {
    const others = phase.answers.filter(([server]) => server !== answer[0]);
    const answers = [...others, answer].sort(([a], [b]) => a - b);
    if (answers.length !== majority)
      return { state: { ...state, phase: { ...phase, answers } }, sends: [] };
    let [, latest, found] = answers[0] as Asking["answers"][number];
    for (const [, sequencer, value] of answers)
      if (isLater(sequencer, latest)) [latest, found] = [sequencer, value];
    const { request, requester, write } = phase;
    const sequencer: Sequencer = write === null ? latest : [latest[0] + 1, id];
    const value = write ?? found;
    const read = write === null ? found : null;
    const next: Storing = { kind: "storing", request, requester, read, stored: [id] };
    const own = isLater(sequencer, state.sequencer) ? { sequencer, value } : state;
    return {
      state: { sequencer: own.sequencer, value: own.value, phase: next },
      sends: tellPeers(["record", request, sequencer, value]),
    };
  }

  function stored(state: Server, phase: Storing, server: number): Reaction<Server> | null {
    if (phase.stored.includes(server)) return null;
    const all = [...phase.stored, server].sort((a, b) => a - b);
    if (all.length !== majority)
      return { state: { ...state, phase: { ...phase, stored: all } }, sends: [] };
    const { request, requester, read } = phase;
    const answer: RegisterMessage =
      read === null ? { kind: "putOk", request } : { kind: "getOk", request, value: read };
    return { state: { ...state, phase: null }, sends: [[requester, answer]] };
  }

  function onPeer(
    id: number,
    state: Server,
    from: number,
    body: Body,
  ): Reaction<Server | null> | null {
    const { phase } = state;
    switch (body[0]) {
      case "query": {
        const answer: Body = ["ackQuery", body[1], state.sequencer, state.value];
        return { state: null, sends: [[from, internal(answer)]] };
      }
      case "ackQuery":
        if (phase?.kind !== "asking" || phase.request !== body[1]) return null;
        return answered(id, state, phase, [from, body[2], body[3]]);
      case "record": {
        const [, request, sequencer, value] = body;
        const sends = [[from, internal(["ackRecord", request])]] as const;
        if (!isLater(sequencer, state.sequencer)) return { state: null, sends };
        return { state: { ...state, sequencer, value }, sends };
      }
      case "ackRecord":
        if (phase?.kind !== "storing" || phase.request !== body[1]) return null;
        return stored(state, phase, from);
    }
  }

  return {
    start: (id) => ({ state: { sequencer: [0, id], value: BLANK, phase: null }, sends: [] }),
    receive(id, state, from, message) {
      switch (message.kind) {
        case "put":
          return ask(id, state, from, message.request, message.value);
        case "get":
          return ask(id, state, from, message.request, null);
        case "internal":
          return onPeer(id, state, from, message.body as unknown as Body);
        default:
          return null;
      }
    },
  };
}

function internal(body: Body): RegisterMessage {
  return { kind: "internal", body };
}

function isLater(a: Sequencer, b: Sequencer): boolean {
  return a[0] !== b[0] ? a[0] > b[0] : a[1] > b[1];
}
