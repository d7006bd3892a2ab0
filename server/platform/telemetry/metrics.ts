import type { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Prometheus metrics of this process. A metric asked for twice by one name is the same metric. */
export interface Metrics {
  readonly registry: Registry
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>
  gauge<L extends string>(name: string, help: string, labels?: readonly L[]): Gauge<L>
  /** `buckets` in the metric's unit, which ends its name (`…_seconds`). */
  histogram<L extends string>(name: string, help: string, buckets: readonly number[], labels?: readonly L[]): Histogram<L>
}
