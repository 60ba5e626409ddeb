import { performance } from "node:perf_hooks";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"] as const;

/** Upper bounds in seconds: one round of consensus on a fast disk up to the longest deadline. */
const LATENCY_BUCKETS = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
];

interface Series {
  readonly count: Counter.Internal;
  readonly latency: Histogram.Internal<"method">;
}

/** Counts requests for keys. The series of each method and status is looked up once, then kept. */
export class Traffic {
  readonly #count: Counter<"method" | "status">;
  readonly #latency: Histogram<"method">;
  readonly #series = new Map<string, Series>();
  #underWay = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#count = new Counter({
      name: "synod_http_requests_total",
      help: "Requests for keys that were answered",
      labelNames: ["method", "status"],
      registers,
    });
    this.#latency = new Histogram({
      name: "synod_http_request_seconds",
      help: "From the request's headers to its answer",
      labelNames: ["method"],
      buckets: LATENCY_BUCKETS,
      registers,
    });
    const underWay = (): number => this.#underWay;
    new Gauge({
      name: "synod_http_requests_outstanding",
      help: "Requests for keys that wait for their body or their answer",
      registers,
      collect() {
        this.set(underWay());
      },
    });
  }

  /** The time, ms, to be given back to `end`. */
  begin(): number {
    this.#underWay += 1;
    return performance.now();
  }

  end(method: string | undefined, status: number, startedMs: number): void {
    this.#underWay -= 1;
    const series = this.#find(method ?? "", status);
    series.count.inc(1);
    series.latency.observe((performance.now() - startedMs) / 1_000);
  }

  /** The client left before it had sent its request. */
  abandon(): void {
    this.#underWay -= 1;
  }

  #find(method: string, status: number): Series {
    const key = `${method} ${status}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      const label = METHODS.find((known) => known === method) ?? "other";
      series = {
        count: this.#count.labels(label, String(status)),
        latency: this.#latency.labels(label),
      };
      this.#series.set(key, series);
    }
    return series;
  }
}
