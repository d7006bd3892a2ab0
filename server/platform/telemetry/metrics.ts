import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client'
import { invariant } from '#server/kit/invariant.ts'

/** Prometheus metrics of this process. A metric asked for twice by one name is the same metric. */
export interface Metrics {
  readonly registry: Registry
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>
  /** With `read`, the value is asked for at each scrape. */
  gauge<L extends string>(name: string, help: string, labels?: readonly L[], read?: () => number): Gauge<L>
  /** `buckets` in the metric's unit, which ends its name (`…_seconds`). */
  histogram<L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>
}

/**
 * Opens the metrics, with those of Node itself (memory, event loop lag, garbage collection). A name asked for again with
 * another kind of metric, or with other labels, is a defect: InvariantError.
 */
export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const opened = new Map<string, { metric: Metric; labels: string }>()

  function once<M extends Metric>(
    name: string,
    labels: readonly string[],
    kind: new (...args: never[]) => M,
    make: () => M,
  ): M {
    const known = opened.get(name)
    if (known === undefined) {
      const metric = make()
      opened.set(name, { metric, labels: labels.join() })
      return metric
    }
    invariant(known.metric instanceof kind && known.labels === labels.join(), `metric ${name} is two different metrics`)
    return known.metric
  }

  return {
    registry,
    counter: <L extends string>(name: string, help: string, labels: readonly L[] = []) =>
      once<Counter<L>>(
        name,
        labels,
        Counter,
        () => new Counter({ name, help, labelNames: labels, registers: [registry] }),
      ),
    gauge: <L extends string>(name: string, help: string, labels: readonly L[] = [], read?: () => number) =>
      once<Gauge<L>>(name, labels, Gauge, () => {
        const collect = read && collector(read)
        return new Gauge({ name, help, labelNames: labels, registers: [registry], ...(collect && { collect }) })
      }),
    histogram: <L extends string>(name: string, help: string, buckets: readonly number[], labels: readonly L[] = []) =>
      once<Histogram<L>>(name, labels, Histogram, () => {
        return new Histogram({ name, help, buckets: [...buckets], labelNames: labels, registers: [registry] })
      }),
  }
}

function collector(read: () => number) {
  return function (this: Gauge) {
    this.set(read())
  }
}
