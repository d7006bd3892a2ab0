import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { accountIds, costIn, prepaidAt } from '../accounts.ts'
import type { ReadStatus } from '../following/record-statuses.ts'
import { Allowance } from '../limits/allowance.ts'
import { FINAL_STATES, isSubscription, type Order, orderCan } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import type { Placer } from '../placing/placer.ts'
import { lockOrders, recordChanges } from '../write-orders.ts'
import { changeSubscriptions, type SubscriptionChange } from './change-subscriptions.ts'
import { insertPosts, type PaidPost } from './insert-posts.ts'
import { type NewInReports, newPosts, type Reporting } from './new-posts.ts'
import { type NewPost, type Payer, PostMoney } from './post-money.ts'
import { readSubscriptions } from './queries.ts'
import { mustBeAsked, type StopReason } from './subscription.ts'

/** A hundred subscriptions with two hundred new posts each would be more than one posting takes. */
const POSTS_MAX = 1_000

/**
 * Takes up what providers report of subscriptions' posts, in one transaction: each new one becomes an order at its provider, with a hold of its own and its cost booked. It is paid by the
 * wallet, or by what its subscription has set aside, which is stopped then; what neither covers, and what is beyond the bound, is the house's loss and staff are told. A number is taken up once,
 * whoever reports it how often. What the row says besides is for `recordStatuses`.
 */
export async function recordPosts(app: App, statuses: readonly ReadStatus[]): Promise<void> {
  const now = app.clock.now()
  await app.db.transaction(async (tx) => {
    const reports = await reportsOf(tx, statuses)
    const found = await newPosts(tx, reports)
    const bounded = boundedBy(reports, found.posts)
    if (bounded.length === 0 && found.of_others.length === 0) return
    const allowance = new Allowance(app)
    const paid = await pay(app, tx, bounded, allowance)
    const outcomes = reports.map((report) => outcomeOf(report, paid, found.of_others, now))
    allowance.write(tx)
    recordChanges(
      tx,
      outcomes.flatMap(({ change }) => change ?? []),
    )
    insertPosts(tx, postsOf(outcomes, allowance), now)
    recordUnbilled(tx, paid, found, now)
    changeSubscriptions(
      tx,
      outcomes.flatMap(({ subscription }) => subscription ?? []),
      now,
    )
  })
}

async function reportsOf(tx: Tx, statuses: readonly ReadStatus[]): Promise<Reporting[]> {
  const told = new Map(statuses.map(({ order_id, row }) => [order_id, row.ok ? row.posts : undefined]))
  const orders = [...(await lockOrders(tx, [...told.keys()])).values()]
  const followed = orders.filter((order) => isSubscription(order) && orderCan.follow(order))
  const subscriptions = await readSubscriptions(
    tx,
    followed.map(({ id }) => id),
  )
  return followed.flatMap((order) => {
    const [subscription, posts] = [subscriptions.get(order.id), told.get(order.id)]
    return subscription && posts && posts !== 'unreadable' ? [{ order, subscription, posts }] : []
  })
}

/** Those that are taken up now, each with whether it is within what was agreed on. */
function boundedBy(reports: readonly Reporting[], posts: readonly NewPost[]): NewPost[] {
  const room = new Map(
    reports.map(({ order, subscription: { posts_max, posts_billed } }) => [order.id, posts_max - posts_billed]),
  )
  return posts.slice(0, POSTS_MAX).map((post) => {
    const left = room.get(post.parent.id) ?? 0
    room.set(post.parent.id, left - 1)
    return { ...post, agreed: left > 0 }
  })
}

/** No key places a post: what a key may do in a day counts the subscription that it placed. */
function placerOf({ customer_id }: Order): Placer {
  return { customer_id }
}

interface Paid {
  post: NewPost
  payer: Payer
  hold: bigint | undefined
}

async function pay(app: App, tx: Tx, posts: readonly NewPost[], allowance: Allowance): Promise<Paid[]> {
  if (posts.length === 0) return []
  const accounts = await accountIds(
    app.db,
    posts.flatMap(({ parent }) => [prepaidAt(parent.provider_id, parent.cost_asset), costIn(parent.cost_asset)]),
    tx,
  )
  const places = new Map(posts.map((post, i) => [post, i]))
  const money = new PostMoney(posts, (post) => {
    const i = present(places.get(post), 'a post has its place')
    return { prepaid: accounts[2 * i] as bigint, cost: accounts[2 * i + 1] as bigint }
  })
  const { entries } = money
  const outcomes = await postEntries(tx, entries, async () => {
    await allowance.read(
      tx,
      posts.map(({ parent }) => placerOf(parent)),
    )
    return (place) => money.admit(place)
  })
  return posts.map((post) => {
    const { payer, hold } = money.paid(post, outcomes)
    // The work has begun: it is counted, and no limit undoes it.
    if (payer !== 'house') allowance.count(post.parent.customer_id, post.charge)
    return { post, payer, hold }
  })
}

interface Outcome {
  posts: Omit<PaidPost, 'placed_at'>[]
  change: OrderChange | undefined
  subscription: SubscriptionChange | undefined
}

/** What the new posts of a subscription make of it and of its order. Pure. */
function outcomeOf(
  { order, subscription }: Reporting,
  paid: readonly Paid[],
  of_others: NewInReports['of_others'],
  now: Date,
): Outcome {
  const mine = paid.filter(({ post }) => post.parent.id === order.id)
  const foreign = of_others.filter(({ parent }) => parent.id === order.id).map((each) => each.provider_order_id)
  if (mine.length + foreign.length === 0) return { posts: [], change: undefined, subscription: undefined }
  const billed = mine.filter(({ payer }) => payer !== 'house')
  const lost = mine.filter(({ payer }) => payer === 'house').map(({ post }) => post)
  const posts = billed.map(({ post, hold }, i) => {
    return { ...post, hold: present(hold, 'who pays has a hold'), number: subscription.posts_billed + i + 1 }
  })
  const posts_billed = subscription.posts_billed + posts.length
  const uses_reserve = billed.some(({ payer }) => payer === 'reserve')
  const due = FINAL_STATES.includes(order.state)
    ? null
    : stopAfter(uses_reserve, lost, posts_billed >= subscription.posts_max)
  const stop = subscription.stop_reason ?? due
  const is_new = stop !== null && subscription.stop_reason === null
  const cost = lost.reduce((all, post) => all + post.cost, 0n)
  const data = {
    ...(posts.length > 0 && { posts: posts.map(({ id }) => String(id)) }),
    ...(uses_reserve && { released: String(order.charge) }),
    ...(lost.length > 0 && { unbilled: namesOf(lost.map((post) => post.provider_order_id)), cost: String(cost) }),
    ...(foreign.length > 0 && { of_others: namesOf(foreign) }),
    ...(is_new && { stopped: stop }),
  }
  return {
    posts,
    change: {
      before: order,
      after: {
        ...(uses_reserve && { released: order.charge }),
        ...(cost > 0n && { booked_cost: order.booked_cost + cost, sunk_cost: order.sunk_cost + cost }),
        ...oddityOf(lost, foreign),
      },
      step: { kind: is_new ? 'subscription_stopped' : 'posts_found', data },
    },
    subscription: {
      before: subscription,
      after: {
        posts_billed,
        last_post_at: mine.length > 0 ? now : subscription.last_post_at,
        ...(is_new && { stop_reason: stop, stopped_at: now }),
      },
      state: order.state,
      ask: stop !== null && (lost.length > 0 || (is_new && mustBeAsked(subscription, stop))),
    },
  }
}

function stopAfter(uses_reserve: boolean, lost: readonly NewPost[], is_full: boolean): StopReason | null {
  if (lost.some((post) => !post.agreed)) return 'too_many'
  // The last post that was agreed on may well use what was set aside for it.
  if (is_full && lost.length === 0) return uses_reserve ? 'posts_reached' : null
  return uses_reserve || lost.length > 0 ? 'no_funds' : null
}

/** What staff are to see, until someone does. */
function oddityOf(lost: readonly NewPost[], foreign: readonly string[]): Partial<Order> {
  if (lost.length > 0) {
    const numbers = namesOf(lost.map((post) => post.provider_order_id)).join(', ')
    return { reason: 'post_not_covered', detail: `The provider began ${numbers}, which nobody pays us for.` }
  }
  if (foreign.length === 0) return {}
  const detail = `The provider lists ${namesOf(foreign).join(', ')}, which belongs to another order.`
  return { reason: 'post_of_another_order', detail: detail }
}

/** A few numbers and how many more: details have an end. */
function namesOf(numbers: readonly string[]): string[] {
  const shown = numbers.slice(0, 4).map((each) => each.slice(0, 60))
  return numbers.length > shown.length ? [...shown, `${numbers.length - shown.length} more`] : shown
}

function postsOf(outcomes: readonly Outcome[], allowance: Allowance): PaidPost[] {
  return outcomes.flatMap(({ posts }) =>
    posts.map((post) => ({ ...post, placed_at: allowance.momentOf(placerOf(post.parent)) })),
  )
}

const insertUnbilled = statement(`
  insert into orders.unbilled_post (subscription_id, provider_id, provider_order_id, why, cost, asset, seen_at)
  select *, $7::timestamptz from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[])`)

function recordUnbilled(tx: Tx, paid: readonly Paid[], { of_others }: NewInReports, now: Date): void {
  const lost = paid
    .filter(({ payer }) => payer === 'house')
    .map(({ post }) => ({ ...post, why: post.agreed ? 'no_funds' : 'too_many' }))
  const rows = [...lost, ...of_others.map((each) => ({ ...each, cost: 0n, why: 'another_order' }))]
  invariant(
    rows.every(({ parent }) => parent.provider_order_id !== null),
    'a subscription that reports is at a provider',
  )
  if (rows.length === 0) return
  tx.send(insertUnbilled, [
    int8Array(rows.map(({ parent }) => parent.id)),
    int8Array(rows.map(({ parent }) => parent.provider_id)),
    textArray(rows.map(({ provider_order_id }) => provider_order_id)),
    textArray(rows.map(({ why }) => why)),
    int8Array(rows.map(({ cost }) => cost)),
    textArray(rows.map(({ parent }) => parent.cost_asset)),
    now,
  ])
}
