import type { Disk, Done } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import { BlockWriter } from "./block-writer.ts";
import { PLAIN_BLOCK } from "./layout.ts";
import { makeFirstSegment } from "./segment-maker.ts";

/**
 * Makes an empty journal: one segment with an empty checkpoint. From then on a directory without a
 * segment is a loss, never a journal that has not begun yet. Part of `format`, before the identity.
 */
export function createJournal(
  options: { readonly disk: Disk; readonly checksum: Checksum; readonly identity: string },
  done: Done,
): void {
  const writer = new BlockWriter(options.checksum);
  makeFirstSegment(
    options,
    (segment) =>
      writer.build(
        {
          flags: { ...PLAIN_BLOCK, opens: true, checkpoint: true, closes: true },
          number: 1,
          baseSegment: segment.sequence,
          baseNumber: 1,
          chain: 0,
          successor: 0,
          echo: [],
          records: [],
          names: [],
        },
        { salt: segment.salt, sector: 1 },
      ).bytes,
    done,
  );
}
