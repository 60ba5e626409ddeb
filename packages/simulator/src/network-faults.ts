/** What one cluster's network does all the time, drawn from the seed; all zero is a perfect one. */
export interface NetworkFaults {
  /** Probability that a frame is lost. */
  readonly loss: number;
  /** How far single links are from that: 0, all alike, to 1, from none to twice as much. */
  readonly lossSpread: number;
  /** Probability that a frame arrives a second time shortly after. */
  readonly duplication: number;
  /**
   * Probability that a frame arrives again up to {@link REPLAY_MS_MAX} later, across restarts and
   * ballots.
   */
  readonly replay: number;
  /** Probability that one bit of a frame is flipped on the way. */
  readonly corruption: number;
  /** Shortest way between two nodes, ms. */
  readonly delayMinMs: number;
  /** Mean of what is added to it; long-tailed, so that frames overtake each other. */
  readonly delayMeanMs: number;
  /** Frames of one link stay in order, as on an undisturbed TCP connection. */
  readonly ordered: boolean;
  /** Bytes per ms and lane of one link; what does not fit in {@link QUEUE_MS_MAX} is dropped. */
  readonly bytesPerMs: number;
}

export const PERFECT_NETWORK: NetworkFaults = Object.freeze({
  loss: 0,
  lossSpread: 0,
  duplication: 0,
  replay: 0,
  corruption: 0,
  delayMinMs: 0.2,
  delayMeanMs: 0.1,
  ordered: true,
  bytesPerMs: 100_000,
});

/** Latest replay of an old frame, ms. */
export const REPLAY_MS_MAX = 60_000;

/** Frames waiting longer than this for their link are dropped: queues are bounded. */
export const QUEUE_MS_MAX = 2_000;
