import { performance } from "node:perf_hooks";
import { Counter, Gauge, type Metric, type Registry } from "prom-client";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"] as const;

/** Upper bounds in ms: one round of consensus on a fast disk up to the longest deadline. */
const LATENCY_MS = [0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000];

/** What is counted per method and status; turned into metrics only when somebody asks. */
interface Series {
  readonly method: string;
  readonly status: string;
  count: number;
  totalMs: number;
  /** Per bound of {@link LATENCY_MS}, not cumulative; the last is for what exceeds all of them. */
  readonly buckets: Float64Array;
}

/** Counts requests for keys: a few additions per request, because this is the hot path. */
export class Traffic {
  readonly #series = new Map<string, Series>();
  #underWay = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    const all = (): Iterable<Series> => this.#series.values();
    const underWay = (): number => this.#underWay;
    new Counter({
      name: "synod_http_requests_total",
      help: "Requests for keys that were answered",
      labelNames: ["method", "status"],
      registers,
      collect() {
        this.reset();
        for (const { method, status, count } of all()) this.inc({ method, status }, count);
      },
    });
    new Gauge({
      name: "synod_http_requests_outstanding",
      help: "Requests for keys that wait for their body or their answer",
      registers,
      collect() {
        this.set(underWay());
      },
    });
    registry.registerMetric(latencyMetric(all));
  }

  /** The time, ms, to be given back to `end`. */
  begin(): number {
    this.#underWay += 1;
    return performance.now();
  }

  end(method: string | undefined, status: number, startedMs: number): void {
    this.#underWay -= 1;
    const series = this.#find(method ?? "", status);
    const ms = performance.now() - startedMs;
    series.count += 1;
    series.totalMs += ms;
    let bucket = 0;
    while (bucket < LATENCY_MS.length && ms > (LATENCY_MS[bucket] as number)) bucket += 1;
    series.buckets[bucket] = (series.buckets[bucket] as number) + 1;
  }

  /** The client left before it had sent its request. */
  abandon(): void {
    this.#underWay -= 1;
  }

  #find(method: string, status: number): Series {
    const label = METHODS.find((known) => known === method) ?? "other";
    const key = `${label} ${status}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      const buckets = new Float64Array(LATENCY_MS.length + 1);
      series = { method: label, status: String(status), count: 0, totalMs: 0, buckets };
      this.#series.set(key, series);
    }
    return series;
  }
}

/** A histogram whose numbers are counted elsewhere: prom-client has none of that kind. */
function latencyMetric(all: () => Iterable<Series>): Metric {
  const name = "synod_http_request_seconds";
  const help = "From the request's headers to its answer";
  const metric = {
    name,
    help,
    type: "histogram",
    aggregator: "sum",
    get: async () => ({ name, help, type: "histogram", aggregator: "sum", values: values(all()) }),
    reset: () => {},
    remove: () => {},
  };
  return metric as unknown as Metric;

  function values(series: Iterable<Series>) {
    const list: { metricName: string; labels: Record<string, string>; value: number }[] = [];
    for (const { method, status, count, totalMs, buckets } of series) {
      const labels = { method, status };
      let upTo = 0;
      for (const [index, each] of buckets.entries()) {
        upTo += each;
        const bound = LATENCY_MS[index];
        const le = bound === undefined ? "+Inf" : String(bound / 1_000);
        list.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: upTo });
      }
      list.push({ metricName: `${name}_sum`, labels, value: totalMs / 1_000 });
      list.push({ metricName: `${name}_count`, labels, value: count });
    }
    return list;
  }
}
