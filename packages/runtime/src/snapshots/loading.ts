import type { MachineRestore, PortError } from "@synod/core";
import { damaged, type SnapshotPorts, type SnapshotProblem } from "./files.ts";
import { type Chunk, isChunk, type Manifest } from "./manifest.ts";
import { snapshotName } from "./names.ts";

/** One chunk of a snapshot on the disk, held against its manifest. The bytes are the caller's. */
export function readVerified(
  ports: SnapshotPorts,
  manifest: Manifest,
  index: number,
  done: (problem: SnapshotProblem | null, bytes: Uint8Array) => void,
): void {
  const chunk = manifest.chunks[index] as Chunk;
  const name = snapshotName(manifest.position.index, "data");
  const verify = (error: PortError | null, bytes: Uint8Array): void => {
    if (error?.code === "not-found") return done(damaged(`${name} is gone`), bytes);
    if (error !== null) return done(error, bytes);
    const whole = isChunk(chunk, bytes, ports.checksum);
    done(whole ? null : damaged(`chunk ${index} of ${name} is damaged`), bytes);
  };
  ports.disk.read(name, chunk.offset, chunk.length, ports.spare.counted(verify));
}

/** Feeds all chunks to `restore`, each in a turn of its own, in spare time. */
export function loadChunks(
  ports: SnapshotPorts,
  manifest: Manifest,
  restore: MachineRestore,
  done: (problem: SnapshotProblem | null) => void,
): void {
  const refused = damaged(`${snapshotName(manifest.position.index, "data")} holds no such state`);
  const load = (index: number): void => {
    if (index === manifest.chunks.length) return done(restore.finish() ? null : refused);
    readVerified(ports, manifest, index, (problem, bytes) => {
      if (problem !== null) return done(problem);
      if (!restore.add(bytes)) return done(refused);
      ports.spare.whenRested(() => load(index + 1));
    });
  };
  load(0);
}
