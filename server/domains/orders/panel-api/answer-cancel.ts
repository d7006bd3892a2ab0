import { type CancelOutcome, cancelOrders } from '../cancelling/cancel-orders.ts'
import { cancelDripFeed } from '../drip-feed/cancel-drip-feed.ts'
import { findDripFeeds } from '../drip-feed/queries.ts'
import { idsOf, readIdList, spelling } from '../id-list.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { ERRORS, errorBody } from './refusals.ts'

/**
 * `cancel`: an array with a row for each order, be it one or many: 1 where it is cancelled or its end is asked for, the refusal in its place where not. Another customer's
 * order is no order.
 */
export async function answerCancel({ app }: PanelDeps, { principal, texts }: PanelCall): Promise<string> {
  const list = readIdList(texts.orders ?? texts.order ?? texts.order_id ?? '')
  if (list === undefined) return errorBody(ERRORS.too_many_ids)
  if (list.length === 0) return errorBody(ERRORS.order_id)
  const ids = idsOf(list)
  const outcomes = await cancelOrders(app, ids, { customer_id: principal.user_id })
  const byId = new Map<bigint, string | undefined>(ids.map((id, i) => [id, codeOf(outcomes[i])]))
  const others = ids.filter((id) => byId.get(id) === 'order_not_found')
  for (const [id, code] of await cancelFeeds(app, others, principal.user_id)) byId.set(id, code)
  const rows = list.map((each) => {
    const code = each.id === undefined ? 'order_not_found' : byId.get(each.id)
    return `{"order":${spelling(each)},"cancel":${code === undefined ? 1 : errorBody(refusalOf(code))}}`
  })
  return `[${rows.join()}]`
}

function codeOf(outcome: CancelOutcome | undefined): string | undefined {
  return outcome?.ok ? undefined : outcome?.code
}

/** Gives up what is left of those ids that are drip-feeds; one with nothing left is refused like an order that has ended. */
async function cancelFeeds(app: PanelDeps['app'], ids: readonly bigint[], customer_id: bigint) {
  const feeds = [...(await findDripFeeds(app.db, customer_id, ids)).keys()]
  return Promise.all(
    feeds.map(async (id): Promise<[bigint, string | undefined]> => {
      const outcome = await cancelDripFeed(app, id, { customer_id })
      return [id, outcome && outcome.cancelled > 0 ? undefined : 'order_ended']
    }),
  )
}

function refusalOf(code: string): string {
  return code === 'order_not_found' ? ERRORS.order_id : ERRORS.no_cancel
}
