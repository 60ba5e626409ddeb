/**
 * What storage and networks of one's own have to do, as cases that any test runner can run; our own
 * pass them, too. How: docs/guide/your-own-storage.md.
 */
export type { ComplianceCase } from "./case.ts";
export { DISK_COMPLIANCE } from "./disk-cases.ts";
export { JOURNAL_COMPLIANCE, type JournalSubject } from "./journal-cases.ts";
export { NETWORK_COMPLIANCE, type NetworkPlace, type NetworkSubject } from "./network-cases.ts";
export { SNAPSHOT_COMPLIANCE, type SnapshotSubject } from "./snapshot-cases.ts";
export { STORAGE_COMPLIANCE, type StorageSubject } from "./storage-cases.ts";
