import { plainArray } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { Surroundings } from './judge-case.ts'

/** Other attempts looked at between two readings of the balance. With more of them the figures say nothing anyway. */
const OTHERS_MAX = 500

/**
 * An attempt that began longer ago than this has ended: the same is sent again for a day at the most, by a call that ends within it, and who dies over it is swept away. It bounds what is read by the
 * index to find those that were under way at some time.
 */
const ATTEMPT_LONGEST = '1 day 20 minutes'

// Times around an attempt within which another may have placed what its provider lists: its orders are looked for a quarter of an hour long.
const surroundings = statement(`
  select c.attempt as key, coalesce(other.n, 0)::int as others, coalesce(other.undecided, 0)::int as undecided,
    coalesce(other.cost, 0)::bigint as others_cost, rival.n::int as rivals,
    exists (select from orders.orders f where f.provider_id = mine.provider_id and f.next_check_at is not null) as open_orders,
    case when followed.yes is null then refused.n else 0 end::int as duplicate_refusals
  from orders.unknown_case c
  join orders.attempt mine on mine.key = c.attempt
  join orders.orders o on o.id = mine.order_id
  cross join lateral (
    select count(*) as n, sum(one.cost) as cost, count(*) filter (where one.undecided) + case when count(*) = ${OTHERS_MAX} then 1 else 0 end as undecided
    from (
      select case when a.state = 'accepted' and p.type <> 'Subscriptions' then p.expected_cost else 0 end as cost,
        a.state in ('sent', 'unknown') or (a.state = 'accepted' and (a.started_at < mine.provider_balance_at or a.ended_at > c.balance_after_at)) as undecided
      from orders.attempt a join orders.orders p on p.id = a.order_id
      where a.provider_id = mine.provider_id and a.key <> mine.key and a.started_at < c.balance_after_at
        and a.started_at > mine.provider_balance_at - interval '${ATTEMPT_LONGEST}' and coalesce(a.ended_at, 'infinity') > mine.provider_balance_at
      limit ${OTHERS_MAX}
    ) one
  ) other
  cross join lateral (
    select count(distinct r.id) as n
    from orders.attempt a join orders.orders r on r.id = a.order_id
    where a.provider_id = mine.provider_id and a.order_id <> mine.order_id and a.state in ('sent', 'unknown')
      and a.started_at between mine.started_at - interval '20 minutes' - interval '${ATTEMPT_LONGEST}' and coalesce(mine.ended_at, now()) + interval '20 minutes'
      and coalesce(a.ended_at, 'infinity') >= mine.started_at - interval '20 minutes'
      and a.provider_service_id = mine.provider_service_id and r.link = o.link and r.quantity = o.quantity
      -- Where people said which number it is, it is no rival for another.
      and (r.attempt is distinct from a.key or r.provider_order_id is null)
  ) rival
  cross join lateral (
    select count(*) as n from orders.orders r
    where r.state = 'failed' and r.reason = 'duplicate_link' and r.provider_id = mine.provider_id and r.link = o.link and r.id > o.id
  ) refused
  left join lateral (
    select true as yes from orders.orders f
    where refused.n > 0 and f.provider_id = mine.provider_id and f.next_check_at is not null and f.link = o.link limit 1
  ) followed on true
  where c.attempt = any($1::uuid[])`)

/** What our books know of the surroundings of attempts that have a case, by the attempt's key. */
export async function readSurroundings(db: Db | Tx, keys: readonly string[]): Promise<Map<string, Surroundings>> {
  const rows = await db.query<Surroundings & { key: string }>(surroundings, [plainArray(keys)])
  return new Map(rows.map(({ key, ...known }) => [key, known]))
}

const claimedNumbers = statement(`
  select provider_order_id from orders.orders where provider_id = $1 and provider_order_id = any($2::text[])
  union
  select provider_order_id from orders.attempt
  where provider_id = $1 and started_at >= $3::timestamptz - interval '${ATTEMPT_LONGEST}' and provider_order_id = any($2::text[])`)

/** Which of a provider's numbers, listed since a time, are known as orders of ours. */
export async function readClaimed(
  db: Db | Tx,
  provider_id: bigint,
  numbers: readonly string[],
  since: Date,
): Promise<Set<string>> {
  if (numbers.length === 0) return new Set()
  const rows = await db.query<{ provider_order_id: string }>(claimedNumbers, [provider_id, [...numbers], since])
  return new Set(rows.map((row) => row.provider_order_id))
}
