import type { ReportedPost } from '#server/domains/providers/provider.ts'
import { present } from '#server/kit/invariant.ts'
import { shareUp } from '#server/kit/money.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { drawNumbers } from '../draw-numbers.ts'
import { type Order, priceOf } from '../order.ts'
import type { NewPost } from './post-money.ts'
import { nameOf, readKnown } from './queries.ts'
import type { Subscription } from './subscription.ts'

/** New posts of one subscription in one pass; what is beyond waits for the next, so that one provider's defect holds up nobody. */
const NEW_POSTS_MAX = 200

/** A subscription that its provider reports posts for, locked by the caller's transaction. */
export interface Reporting {
  order: Order
  subscription: Subscription
  posts: readonly ReportedPost[]
}

/** What is new in reports: posts to be paid for, and numbers that belong to something else. */
export interface NewInReports {
  posts: NewPost[]
  of_others: { parent: Order; provider_order_id: string }[]
}

// Of two who are told of one number by two subscriptions at once the second waits here, and finds what the first has made of it. Behind the orders and before the accounts.
const lockNumbers = statement(`
  select pg_advisory_xact_lock(7252045, key)
  from (select distinct hashtext(provider_id || ' ' || provider_order_id) as key
    from unnest($1::bigint[], $2::text[]) as reported (provider_id, provider_order_id) order by key) as sorted`)

/** Finds out what of the reports is not known yet. In the order in which subscriptions were reported, and each one's posts as its provider lists them: the first has a number. */
export async function newPosts(tx: Tx, reports: readonly Reporting[]): Promise<NewInReports> {
  const all = reports.flatMap(({ order, subscription, posts }) =>
    posts
      // Some list the subscription among its orders.
      .filter(({ provider_order_id }) => provider_order_id !== order.provider_order_id)
      .map((post) => ({ ...post, order, subscription, provider_id: order.provider_id })),
  )
  const before = await readKnown(tx, all)
  const fresh = all.filter((each) => !before.get(nameOf(each))?.includes(each.order.id))
  const found: NewInReports = { posts: [], of_others: [] }
  if (fresh.length === 0) return found
  await tx.query(lockNumbers, [
    int8Array(fresh.map((each) => each.provider_id)),
    textArray(fresh.map((each) => each.provider_order_id)),
  ])
  // A statement of its own: it sees what those committed who had the locks before.
  const known = await readKnown(tx, fresh)
  const numbers = await drawNumbers(tx, fresh.length)
  const counted = new Map<bigint, number>()
  for (const [i, { order, subscription, provider_order_id, quantity, provider_id }] of fresh.entries()) {
    const name = nameOf({ provider_id, provider_order_id })
    const owners = known.get(name) ?? []
    if (owners.includes(order.id)) continue
    known.set(name, [...owners, order.id])
    const count = counted.get(order.id) ?? 0
    if (count === NEW_POSTS_MAX) continue
    counted.set(order.id, count + 1)
    if (owners.length > 0) {
      found.of_others.push({ parent: order, provider_order_id })
      continue
    }
    const number = present(numbers[i], 'a number')
    found.posts.push(postOf(order, subscription, { provider_order_id, quantity }, number))
  }
  return found
}

function postOf(parent: Order, subscription: Subscription, { provider_order_id, quantity }: ReportedPost, id: bigint) {
  const { min_quantity, max_quantity } = subscription
  // What is not told, or makes no sense, is what was agreed on.
  const told = quantity !== undefined && quantity >= min_quantity && quantity <= max_quantity
  const pieces = told ? quantity : max_quantity
  return {
    ...{ parent, provider_order_id, id, quantity: pieces },
    charge: priceOf(parent.type, parent.rate, pieces),
    cost: shareUp(parent.expected_cost, pieces, max_quantity),
    agreed: true,
  } satisfies NewPost
}
