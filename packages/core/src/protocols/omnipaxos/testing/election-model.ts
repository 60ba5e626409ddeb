import {
  type Ballot,
  compareBallots,
  majority,
  type NodeId,
  type QuorumSystem,
  sameBallot,
} from "@synod/core";
import { cloneData, type Model, writeCanonical } from "@synod/simulator";
import {
  beginRound,
  createElection,
  type ElectionState,
  endRound,
  hasNews,
  hearPromise,
  onReply,
  opinionOf,
  type Surroundings,
} from "../election.ts";
import { ballotOf } from "../priority.ts";

/**
 * Ballot leader election alone: real elections, and of the log no more than whom it has promised.
 * Somebody leads over a full mesh; then all links but those of one graph are cut. Rounds end in any
 * order, only that nobody is more than one ahead of anybody. Questions, answers and phase 1 take no
 * time, but answers from before the cut still count in the rounds that were under way.
 */
export interface ElectionModelOptions {
  readonly size: number;
  /** Who led before. */
  readonly leader: NodeId;
  /** Whether `to` hears `from`. */
  readonly hears: (from: NodeId, to: NodeId) => boolean;
  /** Rounds of each node. */
  readonly rounds: number;
  readonly quorums?: QuorumSystem;
  /** By node; without, no priority moves anything. */
  readonly priorities?: readonly number[];
  /** After so many rounds a higher one takes over; with `priorities` only. */
  readonly takeOverRounds?: number;
  /** The rules of a round; another one seeds a bug. */
  readonly endRound?: typeof endRound;
}

export interface ElectionModelState {
  readonly members: readonly Member[];
}

interface Member {
  readonly election: ElectionState;
  promised: Ballot;
  pursues: Ballot | null;
  leads: boolean;
  rounds: number;
}

export interface ElectionModel extends Model<ElectionModelState, NodeId> {
  /** Whether somebody leads over a quorum that hears it and is heard. */
  isServed(state: ElectionModelState): boolean;
  /** Rounds of whoever has most. */
  rounds(state: ElectionModelState): number;
  highest(state: ElectionModelState): Ballot;
  /** Whoever leads in the highest ballot. */
  leader(state: ElectionModelState): NodeId | null;
  /** Whether two nodes hear each other. */
  linked(a: NodeId, b: NodeId): boolean;
}

/** What no rule of a round looks at. */
const UNREAD: ReadonlySet<string> = new Set(["self", "round", "heard", "asked", "told"]);

export function electionModel(options: ElectionModelOptions): ElectionModel {
  const nodes = Array.from({ length: options.size }, (_, node) => node);
  const quorums = options.quorums ?? majority(nodes);
  const judge = options.endRound ?? endRound;
  const linked = (a: NodeId, b: NodeId): boolean => options.hears(a, b) && options.hears(b, a);
  const member = (members: readonly Member[], node: NodeId): Member => members[node] as Member;

  const around = ({ promised, pursues, leads }: Member): Surroundings => ({
    quorums,
    voter: true,
    promised,
    pursues,
    leads,
    caughtUp: true,
    takeOverRounds: options.takeOverRounds ?? 0,
  });

  /** Of the first ballots that of the leader is the highest. */
  function elector(node: NodeId): ElectionState {
    const isLeader = node === options.leader;
    const priority = options.priorities?.[node];
    if (priority === undefined) return createElection(node, isLeader ? 1 : 0);
    const election = createElection(node, priority);
    const own = ballotOf(isLeader ? 2 : 1, priority, node);
    return { ...election, own, leader: own, highest: own };
  }

  function ask(members: readonly Member[], node: NodeId, answers: typeof linked): void {
    const { election } = member(members, node);
    beginRound(election);
    for (const other of nodes) {
      if (other === node || !answers(node, other)) continue;
      const opinion = opinionOf(member(members, other).election);
      onReply(election, other, { round: election.round, ...opinion });
    }
  }

  /** Phase 1 over the links that there are: prepares need one direction, promises the other. */
  function campaign(members: readonly Member[], node: NodeId, ballot: Ballot): void {
    const own = member(members, node);
    const promised = new Set<NodeId>();
    for (const other of nodes) {
      const { hears } = options;
      const follower = member(members, other);
      if (other !== node && !hears(node, other)) continue;
      if (compareBallots(ballot, follower.promised) <= 0) continue;
      follower.promised = ballot;
      follower.pursues = null;
      follower.leads = false;
      hearPromise(follower.election, ballot);
      if (other === node || hears(other, node)) promised.add(other);
    }
    own.pursues = ballot;
    own.leads = quorums.isPhase1(promised);
  }

  function endOf(members: readonly Member[], node: NodeId): void {
    const own = member(members, node);
    const ballot = judge(own.election, around(own));
    own.rounds += 1;
    if (ballot !== null) campaign(members, node, ballot);
  }

  /** Whoever has changed its mind tells those that asked it in their present round. */
  function spreadNews(members: readonly Member[]): void {
    for (const node of nodes) {
      const { election } = member(members, node);
      if (!hasNews(election)) continue;
      for (const other of nodes) {
        if (other === node || !linked(node, other)) continue;
        const { election: asker } = member(members, other);
        onReply(asker, node, { round: asker.round, ...opinionOf(election) });
      }
    }
  }

  function begin(): ElectionModelState {
    const members = nodes.map((node): Member => {
      const election = elector(node);
      const promised = { round: 0, proposer: 0 };
      return { election, promised, pursues: null, leads: false, rounds: 0 };
    });
    const mesh = (): boolean => true;
    for (const node of nodes) ask(members, node, mesh);
    // The leader first, so that nobody else ever stood.
    const order = [options.leader, ...nodes.filter((node) => node !== options.leader)];
    for (let round = 0; round < 2; round += 1)
      for (const node of order) {
        const own = member(members, node);
        const ballot = endRound(own.election, { ...around(own), takeOverRounds: 0 });
        if (ballot !== null) meshCampaign(members, node, ballot);
        ask(members, node, mesh);
      }
    for (const { election } of members) hasNews(election);
    return { members };
  }

  function meshCampaign(members: readonly Member[], node: NodeId, ballot: Ballot): void {
    for (const follower of members) {
      follower.promised = ballot;
      hearPromise(follower.election, ballot);
    }
    const own = member(members, node);
    own.pursues = ballot;
    own.leads = true;
  }

  function isServed({ members }: ElectionModelState): boolean {
    return members.some(({ leads, pursues }, node) => {
      if (!leads || pursues === null) return false;
      const followers = members.flatMap(({ promised }, other) =>
        other === node || (linked(node, other) && sameBallot(promised, pursues)) ? [other] : [],
      );
      return quorums.isPhase2(new Set(followers));
    });
  }

  const rounds = ({ members }: ElectionModelState): number =>
    Math.max(...members.map((one) => one.rounds));

  return {
    initial: [begin()],
    actions({ members }) {
      const fewest = Math.min(...members.map((one) => one.rounds));
      if (fewest >= options.rounds) return [];
      return nodes.filter((node) => member(members, node).rounds === fewest);
    },
    apply(state, node) {
      const members = state.members.map((one) => cloneData(one));
      endOf(members, node);
      ask(members, node, linked);
      spreadNews(members);
      return { members };
    },
    fingerprint(writer, state) {
      writeCanonical(writer, state.members, UNREAD);
    },
    check: () => null,
    describe: (_state, node) => `the round of ${node} is over`,
    isServed,
    rounds,
    linked,
    leader({ members }) {
      const leading = members.filter(({ leads }) => leads).map(({ pursues }) => pursues as Ballot);
      return leading.sort(compareBallots).at(-1)?.proposer ?? null;
    },
    highest: ({ members }) =>
      members
        .map(({ election }) => election.highest)
        .reduce((best, ballot) => (compareBallots(ballot, best) > 0 ? ballot : best)),
  };
}
