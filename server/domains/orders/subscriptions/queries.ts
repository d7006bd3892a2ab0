import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import { type Subscription, subscriptionColumns } from './subscription.ts'

const byIds = statement(`select ${subscriptionColumns('s')} from orders.subscription s where s.id = any($1::bigint[])`)

/** What these orders are as subscriptions. Whoever changes one has its order locked. */
export async function readSubscriptions(
  db: Pick<Db, 'query'> | Pick<Tx, 'query'>,
  ids: readonly bigint[],
): Promise<Map<bigint, Subscription>> {
  if (ids.length === 0) return new Map()
  const rows = await db.query<Subscription>(byIds, [int8Array(ids)])
  return new Map(rows.map((row) => [row.id, row]))
}

/** A number at a provider. */
export interface ProviderNumber {
  provider_id: bigint
  provider_order_id: string
}

/** What is known of such a number: which subscription it is of, as an order or as what nobody pays for; null: it is an order that is no post. */
interface KnownNumber extends ProviderNumber {
  subscription_id: bigint | null
}

const knownNumbers = statement(`
  with reported as (select * from unnest($1::bigint[], $2::text[]) as reported (provider_id, provider_order_id))
  select provider_id, provider_order_id, o.subscription_id from reported join orders.orders o using (provider_id, provider_order_id)
  union all
  select provider_id, provider_order_id, u.subscription_id from reported join orders.unbilled_post u using (provider_id, provider_order_id)`)

/** To which subscriptions these numbers are known to belong already, by `nameOf` the number. */
export async function readKnown(
  tx: Pick<Tx, 'query'>,
  numbers: readonly ProviderNumber[],
): Promise<Map<string, (bigint | null)[]>> {
  const rows = await tx.query<KnownNumber>(knownNumbers, [
    int8Array(numbers.map((each) => each.provider_id)),
    textArray(numbers.map((each) => each.provider_order_id)),
  ])
  const known = new Map<string, (bigint | null)[]>()
  for (const row of rows) known.set(nameOf(row), [...(known.get(nameOf(row)) ?? []), row.subscription_id])
  return known
}

/** The number as one text. */
export function nameOf({ provider_id, provider_order_id }: ProviderNumber): string {
  return `${provider_id}/${provider_order_id}`
}

/** Subscriptions in one page. */
export const SUBSCRIPTIONS_PAGE_MAX = 20

/** How a subscription stands with all its posts. Amounts in minor units. */
export interface SubscriptionStanding {
  subscription: Subscription
  /** The orders that its posts are, in their order. */
  orders: readonly bigint[]
  /** Of its posts together: net. */
  charge: bigint
  remains: bigint
  version: bigint
}

type StandingRow = Subscription & Omit<SubscriptionStanding, 'subscription'>

// As customers see each order, for a sum hides what is below zero.
const standingsOf = statement(`
  select ${subscriptionColumns('s')}, coalesce(figures.orders, '{}') as orders, coalesce(figures.charge, 0)::bigint as charge,
    coalesce(figures.remains, 0)::bigint as remains, coalesce(figures.version, 0)::bigint as version
  from orders.subscription s cross join lateral (
    select array_agg(o.id order by o.post) as orders, sum(o.version) as version,
      sum(case when o.state in ('completed', 'partial', 'cancelled') then o.captured - o.refunded else o.charge - o.released end) as charge,
      sum(case when o.state = 'completed' then 0 else least(greatest(coalesce(o.remains, o.quantity), 0), o.quantity) end) as remains
    from orders.orders o where o.subscription_id = s.id
  ) as figures
  where s.id = any($1::bigint[])`)

/** How those of these orders stand that are subscriptions. Whose they are the caller knows. */
export async function readStandings(
  db: Pick<Db, 'query'>,
  ids: readonly bigint[],
): Promise<Map<bigint, SubscriptionStanding>> {
  if (ids.length === 0) return new Map()
  const rows = await db.query<StandingRow>(standingsOf, [int8Array(ids)])
  return new Map(
    rows.map(({ orders, charge, remains, version, ...subscription }) => [
      subscription.id,
      { subscription, orders, charge, remains, version },
    ]),
  )
}

const pageOf = statement(
  'select id from orders.subscription where customer_id = $1 and id < $2 order by id desc limit $3',
)

/** A page of the ids of the customer's subscriptions, newest first, below the id `before`; and whether there are more behind it. */
export async function listSubscriptions(
  db: Pick<Db, 'query'>,
  customer_id: bigint,
  before: bigint,
  limit: number,
): Promise<{ ids: bigint[]; has_more: boolean }> {
  const size = Math.min(limit, SUBSCRIPTIONS_PAGE_MAX)
  const rows = await db.query<{ id: bigint }>(pageOf, [customer_id, before, size + 1])
  return { ids: rows.slice(0, size).map(({ id }) => id), has_more: rows.length > size }
}

/** What a provider reported for a subscription and nobody pays us for. */
export interface UnbilledPost {
  provider_order_id: string
  why: 'no_funds' | 'too_many' | 'another_order'
  cost: bigint
  asset: string
  scale: number
  seen_at: Date
}

/** More of them are a provider's defect, whose size the order's cost tells. */
const UNBILLED_MAX = 200

const unbilledOf = statement(`
  select u.provider_order_id, u.why, u.cost, u.asset, a.scale::int as scale, u.seen_at
  from orders.unbilled_post u join ledger.asset a on a.code = u.asset
  where u.subscription_id = $1 order by u.seen_at, u.provider_order_id limit ${UNBILLED_MAX}`)

/** What its provider reported for the subscription beyond what is billed, oldest first, UNBILLED_MAX at the most. */
export function unbilledPostsOf(db: Pick<Db, 'query'>, id: bigint): Promise<UnbilledPost[]> {
  return db.query<UnbilledPost>(unbilledOf, [id])
}
