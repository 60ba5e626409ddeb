/**
 * The durable host of one replica: effect queue, journal, sessions, snapshots and reads over four
 * ports. Pure TypeScript, callbacks only; the same code runs on a real machine and in the
 * simulator.
 */
export type { Checksum } from "./checksum.ts";
export * from "./configuration.ts";
export * from "./effect-queue.ts";
export * from "./execution.ts";
export * from "./frames.ts";
export { createGuard, type Guard } from "./guard.ts";
export * from "./hello.ts";
export { createHost } from "./host/host.ts";
export * from "./host-options.ts";
export * from "./identity.ts";
export type { Identity } from "./identity-codec.ts";
export { type FormatOptions, formatDirectory, newDataId } from "./identity-format.ts";
export { createJournal } from "./journal/create-journal.ts";
export * from "./journal/journal.ts";
export type { JournalStore } from "./journal/journal-store.ts";
export { journalOf } from "./journal/of-configuration.ts";
export * from "./outcome.ts";
export * from "./sessions.ts";
export type { SnapshotProblem } from "./snapshots/files.ts";
export {
  type Chunk,
  decodeManifest,
  describeChunk,
  encodeManifest,
  isChunk,
  type Manifest,
} from "./snapshots/manifest.ts";
export * from "./snapshots/snapshot-storage.ts";
export * from "./snapshots/store.ts";
export * from "./storage/file-storage.ts";
export type { JournalName, ReplicaStorage } from "./storage/replica-storage.ts";
export * from "./tuning.ts";
