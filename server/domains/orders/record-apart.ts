import { runInHalves } from '#server/kit/in-halves.ts'
import type { App } from '#server/platform/app.ts'
import { reportFailure } from '#server/platform/telemetry/failures.ts'

/**
 * Takes over with `record` what is known of orders, all in one transaction where it can be: one that cannot be taken over is logged and reported under `name`, the loop's, and does
 * not hold up its neighbours. `record` must have no effect when it throws.
 */
export async function recordApart<T extends { order_id: bigint }>(
  { log }: Pick<App, 'log'>,
  name: string,
  items: readonly T[],
  record: (items: readonly T[]) => Promise<void>,
): Promise<void> {
  for (const { item, error } of await runInHalves(items, record)) {
    const { order_id } = item
    log.error({ err: error, loop: name, order_id }, 'what is known of an order could not be taken over')
    reportFailure({ kind: 'loop', name, error, correlation: { order_id: String(order_id) } })
  }
}
