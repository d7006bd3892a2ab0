import type { z } from 'zod'
import { callsOfOrder } from '#server/domains/providers/queries.ts'
import type { App } from '#server/platform/app.ts'
import { cancelRequestsOf } from '../cancelling/queries.ts'
import { isSubscription } from '../order.ts'
import { attemptsOf, formerCostsOf, historyOf } from '../queries.ts'
import { refillsOf } from '../refilling/queries.ts'
import { refundsOf } from '../refunding/queries.ts'
import { readStandings, unbilledPostsOf } from '../subscriptions/queries.ts'
import { type deskDetailShape, deskDetailView } from './desk-views.ts'
import type { DeskOrder } from './list-orders.ts'

/** Everything that is known of an order, as staff see it. */
export async function readDeskDetail(
  app: Pick<App, 'db'>,
  order: DeskOrder,
): Promise<z.output<typeof deskDetailShape>> {
  const [history, attempts, former_costs, cancels, refills, refunds, calls, subscription] = await Promise.all([
    historyOf(app.db, order.id),
    attemptsOf(app.db, order.id),
    formerCostsOf(app.db, order.id),
    cancelRequestsOf(app.db, order.id),
    refillsOf(app.db, order.id),
    refundsOf(app.db, order.id),
    callsOfOrder(app.db, order.id),
    isSubscription(order) ? subscriptionOf(app, order.id) : undefined,
  ])
  return deskDetailView(order, { history, attempts, former_costs, cancels, refills, refunds, calls, subscription })
}

async function subscriptionOf({ db }: Pick<App, 'db'>, id: bigint) {
  const [standings, unbilled] = await Promise.all([readStandings(db, [id]), unbilledPostsOf(db, id)])
  const standing = standings.get(id)
  return standing && { standing, unbilled }
}
