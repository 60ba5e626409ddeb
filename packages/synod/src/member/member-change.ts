import { CommandFailure } from "../exit-codes.ts";

interface Newcomer {
  readonly id: number;
  readonly peer: string;
  readonly dataId?: string;
}

interface Replacement extends Partial<Newcomer> {
  readonly member: number;
}

/** What `PATCH /_synod/members` takes. */
export interface Change {
  readonly add?: readonly Newcomer[];
  readonly remove?: readonly number[];
  readonly replace?: readonly Replacement[];
  /** Null: majorities. */
  readonly quorums?: { readonly phase1: number; readonly phase2: number } | null;
}

export interface QuorumOptions {
  readonly phase1?: number;
  readonly phase2?: number;
  readonly majority?: true;
}

export interface ReplacementOptions {
  readonly by?: readonly number[];
  readonly peer?: readonly string[];
  readonly dataId?: readonly string[];
}

/** From ids and addresses in turn. */
export function additions(
  pairs: readonly (number | string)[],
  dataIds: readonly string[] | undefined,
): Newcomer[] {
  if (pairs.length % 2 > 0) throw usage(`where is node ${pairs.at(-1)}? Give its host:port`);
  const count = pairs.length / 2;
  checkCount("--data-id", dataIds, count);
  return Array.from({ length: count }, (_, index) => ({
    id: pairs[2 * index] as number,
    peer: pairs[2 * index + 1] as string,
    ...only("dataId", dataIds?.[index]),
  }));
}

/** The n-th value of each option is for the n-th member. */
export function replacements(
  ids: readonly number[],
  { by, peer, dataId }: ReplacementOptions,
): Replacement[] {
  checkCount("--by", by, ids.length);
  checkCount("--peer", peer, ids.length);
  checkCount("--data-id", dataId, ids.length);
  return ids.map((member, index) => ({
    member,
    ...only("id", by?.[index]),
    ...only("peer", peer?.[index]),
    ...only("dataId", dataId?.[index]),
  }));
}

export function quorumsOf(options: QuorumOptions): Pick<Change, "quorums"> {
  const { phase1, phase2, majority } = options;
  if (phase1 === undefined && phase2 === undefined) return majority ? { quorums: null } : {};
  if (majority) throw usage("--majority leaves no room for --phase1 and --phase2");
  if (phase1 === undefined || phase2 === undefined)
    throw usage("--phase1 and --phase2 belong together: any two quorums of both kinds must meet");
  return { quorums: { phase1, phase2 } };
}

function checkCount(option: string, values: readonly unknown[] | undefined, count: number): void {
  if (values !== undefined && values.length !== count)
    throw usage(`${option} has ${values.length} values for ${count} nodes`);
}

function only<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V });
}

function usage(message: string): CommandFailure {
  return new CommandFailure("usage", message);
}
