import type { MachineImage, PortError } from "@synod/core";
import { createAnew, removeAll, type SnapshotPorts } from "./files.ts";
import {
  CHUNK_BYTES_MAX,
  CHUNKS_MAX,
  type Chunk,
  describeChunk,
  encodeManifest,
} from "./manifest.ts";
import { writingName } from "./names.ts";
import type { SnapshotTaken } from "./snapshot-storage.ts";

/**
 * Data is synced when this much of it has been written: one sync of everything at the end would
 * hold up the journal's syncs behind it, and a loss of power before would leave nothing of a fetch.
 */
export const SYNC_BYTES: number = 4 * 1024 * 1024;

export interface DataToWrite extends SnapshotTaken {
  readonly image: MachineImage;
  readonly chunkBytes: number;
}

const TOO_LARGE: PortError = Object.freeze({
  code: "no-space",
  message: "the state is too large for one snapshot",
});

/**
 * Writes an image into the unfinished data file, a chunk per slice and every slice in a turn of its
 * own, in spare time, so that nothing waits for more than one; then hands over the encoded
 * manifest. The image is released.
 */
export function writeData(
  ports: SnapshotPorts,
  source: DataToWrite,
  done: (error: PortError | null, manifest: Uint8Array) => void,
): void {
  const { disk, spare, checksum } = ports;
  const { position, image, protocolImage, tenure } = source;
  const name = writingName(position.index);
  const chunks: Chunk[] = [];
  let offset = 0;
  let synced = 0;

  const end = (error: PortError | null): void => {
    image.release();
    if (error === null)
      return done(
        null,
        encodeManifest({ position, image: protocolImage, tenure, chunks }, checksum),
      );
    // Best effort: what is left here is removed at the next attempt or start, at the latest.
    removeAll(disk, [name], () => done(error, new Uint8Array(0)));
  };
  const proceed = (error: PortError | null): void => {
    if (error !== null) return end(error);
    if (offset - synced < SYNC_BYTES) return spare.soon(slice);
    synced = offset;
    disk.sync(name, (failed) => (failed === null ? spare.soon(slice) : end(failed)));
  };
  const slice = (): void => {
    const bytes = image.next(source.chunkBytes);
    if (bytes === null) return end(null);
    if (chunks.length === CHUNKS_MAX || bytes.length > CHUNK_BYTES_MAX) return end(TOO_LARGE);
    const chunk = describeChunk(bytes, offset, checksum);
    chunks.push(chunk);
    offset += chunk.length;
    disk.write(name, chunk.offset, bytes, proceed);
  };
  createAnew(disk, name, proceed);
}
