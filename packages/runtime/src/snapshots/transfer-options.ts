import type { Clock, NodeId, PortError, Position, Random } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import type { Guard } from "../guard.ts";
import type { SpareTime } from "../spare-time.ts";
import type { Manifest } from "./manifest.ts";
import type { SnapshotStorage } from "./snapshot-storage.ts";
import type { TransferMessage } from "./transfer-messages.ts";

export interface TransferOptions {
  readonly self: NodeId;
  readonly store: SnapshotStorage;
  /** Of manifests. */
  readonly checksum: Checksum;
  readonly clock: Clock;
  /** Which member is asked first. */
  readonly random: Random;
  readonly guard: Guard;
  /** When chunks are read and sent. */
  readonly spare: SpareTime;
  /** Best effort. `bulk`: it may wait behind everything else. */
  readonly send: (to: NodeId, message: TransferMessage, bulk: boolean) => void;
  /** What this replica has executed: nothing older is fetched. */
  readonly have: () => Position;
  /**
   * A fetched snapshot is durable and the newest here: it is to be loaded. Called in a turn of its
   * own.
   */
  readonly onInstalled: (manifest: Manifest) => void;
  /** A member asks for a newer snapshot than there is here: a barrier, please. */
  readonly onSnapshotWanted: () => void;
  /** `no-space`: it is tried again later. Anything else is final. */
  readonly onFailed: (error: PortError) => void;
}
