import type { Actor, Reaction, RegisterMessage } from "./actors.ts";

/**
 * A register that is written once, by single-decree Paxos: every put begins a ballot of its own,
 * and whoever has not decided answers no get.
 */
type Ballot = readonly [round: number, server: number];
type Proposal = readonly [request: number, requester: number, value: string];
type Accepted = readonly [Ballot, Proposal] | null;

type Body =
  | readonly ["prepare", Ballot]
  | readonly ["prepared", Ballot, Accepted]
  | readonly ["accept", Ballot, Proposal]
  | readonly ["accepted", Ballot]
  | readonly ["decided", Ballot, Proposal];

interface Server {
  readonly ballot: Ballot;
  readonly proposal: Proposal | null;
  /** Ascending by server. */
  readonly prepares: readonly (readonly [server: number, Accepted])[];
  /** Ascending. */
  readonly accepts: readonly number[];
  readonly accepted: Accepted;
  readonly decided: boolean;
}

const START: Server = {
  ballot: [0, 0],
  proposal: null,
  prepares: [],
  accepts: [],
  accepted: null,
  decided: false,
};

export function paxosServer(peers: readonly number[]): Actor<Server> {
  const majority = Math.floor((peers.length + 1) / 2) + 1;
  const tellPeers = (body: Body): Reaction<null>["sends"] =>
    peers.map((peer) => [peer, internal(body)]);

  function onPut(id: number, state: Server, proposal: Proposal): Reaction<Server> | null {
    if (state.proposal !== null) return null;
    const ballot: Ballot = [state.ballot[0] + 1, id];
    const prepares = [[id, state.accepted]] as const;
    return {
      state: { ...state, proposal, prepares, accepts: [], ballot },
      sends: tellPeers(["prepare", ballot]),
    };
  }

  function onPrepared(
    id: number,
    state: Server,
    from: number,
    ballot: Ballot,
    last: Accepted,
  ): Reaction<Server> {
    const others = state.prepares.filter(([server]) => server !== from);
    const prepares = [...others, [from, last] as const].sort(([a], [b]) => a - b);
    if (prepares.length !== majority) return { state: { ...state, prepares }, sends: [] };
    let best: Accepted = null;
    for (const [, accepted] of prepares)
      if (accepted !== null && (best === null || isHigher(accepted[0], best[0]))) best = accepted;
    const proposal = best === null ? (state.proposal as Proposal) : best[1];
    const accepts = [...new Set([...state.accepts, id])].sort((a, b) => a - b);
    return {
      state: { ...state, prepares, proposal, accepted: [ballot, proposal], accepts },
      sends: tellPeers(["accept", ballot, proposal]),
    };
  }

  function onAccepted(state: Server, from: number, ballot: Ballot): Reaction<Server> {
    const accepts = [...new Set([...state.accepts, from])].sort((a, b) => a - b);
    if (accepts.length !== majority) return { state: { ...state, accepts }, sends: [] };
    const proposal = state.proposal as Proposal;
    const [request, requester] = proposal;
    return {
      state: { ...state, accepts, decided: true },
      sends: [...tellPeers(["decided", ballot, proposal]), [requester, { kind: "putOk", request }]],
    };
  }

  function onPeer(id: number, state: Server, from: number, body: Body): Reaction<Server> | null {
    const [kind, ballot] = body;
    switch (kind) {
      case "prepare":
        if (!isHigher(ballot, state.ballot)) return null;
        return {
          state: { ...state, ballot },
          sends: [[from, internal(["prepared", ballot, state.accepted])]],
        };
      case "prepared":
        if (!isSame(ballot, state.ballot)) return null;
        return onPrepared(id, state, from, ballot, body[2]);
      case "accept":
        if (isHigher(state.ballot, ballot)) return null;
        return {
          state: { ...state, ballot, accepted: [ballot, body[2]] },
          sends: [[from, internal(["accepted", ballot])]],
        };
      case "accepted":
        return isSame(ballot, state.ballot) ? onAccepted(state, from, ballot) : null;
      case "decided":
        return {
          state: { ...state, ballot, accepted: [ballot, body[2]], decided: true },
          sends: [],
        };
    }
  }

  return {
    start: () => ({ state: START, sends: [] }),
    receive(id, state, from, message) {
      if (state.decided) {
        if (message.kind !== "get" || state.accepted === null) return null;
        const [, [, , value]] = state.accepted;
        const { request } = message;
        return { state: null, sends: [[from, { kind: "getOk", request, value }]] };
      }
      if (message.kind === "put") return onPut(id, state, [message.request, from, message.value]);
      if (message.kind !== "internal") return null;
      return onPeer(id, state, from, message.body as unknown as Body);
    },
  };
}

function internal(body: Body): RegisterMessage {
  return { kind: "internal", body };
}

function isHigher(a: Ballot, b: Ballot): boolean {
  return a[0] !== b[0] ? a[0] > b[0] : a[1] > b[1];
}

function isSame(a: Ballot, b: Ballot): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
