import { present } from '#server/kit/invariant.ts'
import type { Db } from '#server/platform/db/database.ts'
import { readSnapshot } from '#server/platform/db/read-snapshot.ts'

/** What is wrong with an order, or with a row that names one. */
export interface OrderProblem {
  check: string
  order_id: bigint
  what: string
}

/**
 * Proves the orders against the ledger, their history and their attempts, and the limits against them, as they were at one moment, while all goes on living. For each check the first wrong
 * row by order, if there is one. Throws what the database throws.
 */
export async function verifyOrders(db: Db): Promise<{ orders: bigint; problems: OrderProblem[] }> {
  return readSnapshot(db, 1, async ([snapshot]) => {
    const { query } = present(snapshot, 'a snapshot')
    const problems: OrderProblem[] = []
    // One after another: each reads whole tables.
    for (const [check, sql] of Object.entries(CHECKS)) {
      const [row] = await query<{ order_id: bigint; what: string }>(sql)
      if (row) problems.push({ check, ...row })
    }
    const [counted] = await query<{ orders: bigint }>('select count(*) as orders from orders.orders')
    return { orders: counted?.orders ?? 0n, problems }
  })
}

const CHECKS = {
  hold: `
    select o.id as order_id, case
        when h.id is null then format('its hold %s is not there', o.hold)
        when h.amount <> o.charge then format('it holds %s for a charge of %s', h.amount, o.charge)
        when h.account <> o.wallet then format('its hold is on account %s and its wallet is %s', h.account, o.wallet)
        when (h.subject_kind, h.subject_id) is distinct from ('order', o.id) then format('its hold is for %s %s', h.subject_kind, h.subject_id)
        else format('captured %s and released %s, its hold %s and %s', o.captured, o.released, h.captured, h.released)
      end as what
    from orders.orders o left join ledger.hold h on h.id = o.hold
    where h.id is null or h.amount <> o.charge or h.account <> o.wallet
      or (h.subject_kind, h.subject_id) is distinct from ('order', o.id) or h.captured <> o.captured or h.released <> o.released
    order by o.id limit 1`,

  wallet: `
    select o.id as order_id, format('account %s is not the %s wallet of customer %s', o.wallet, o.asset, o.customer_id) as what
    from orders.orders o left join ledger.account a on a.id = o.wallet
    where (a.owner_kind, a.owner_id, a.purpose, a.asset) is distinct from ('customer', o.customer_id, 'wallet', o.asset)
    order by o.id limit 1`,

  orphan_hold: `
    select h.subject_id as order_id, format('hold %s of %s is for an order that does not know it', h.id, h.amount) as what
    from ledger.hold h left join orders.orders o on o.hold = h.id
    where h.subject_kind = 'order' and o.id is null
    order by h.subject_id limit 1`,

  revenue: `
    select t.subject_id as order_id, format('transfer %s captures to account %s', t.id, t.credit) as what
    from ledger.transfer t
    left join orders.orders o on o.id = t.subject_id and o.hold = t.hold
    left join ledger.account a on a.id = t.credit
    where t.reason = 'order.capture' and (o.id is null
      or (a.owner_kind, a.owner_id, a.purpose, a.asset) is distinct from ('platform', 0, 'revenue', o.asset))
    order by t.subject_id limit 1`,

  refunds: `
    with moved as (
      select t.subject_id as id, t.credit as wallet, sum(t.amount) as amount from ledger.transfer t
      where t.reason = 'order.refund' and t.subject_kind = 'order' group by 1, 2
    ), given as (
      select order_id as id, sum(amount) as amount from orders.refund where state = 'posted' group by 1
    )
    select coalesce(o.id, moved.id, given.id) as order_id,
      format('it has %s refunded, %s went to its wallet and %s was given by refunds', o.refunded, coalesce(moved.amount, 0), coalesce(given.amount, 0)) as what
    from (select id, wallet, refunded from orders.orders where refunded > 0) o
    full join moved on moved.id = o.id and moved.wallet = o.wallet
    full join given on given.id = coalesce(o.id, moved.id)
    where o.refunded is distinct from moved.amount or o.refunded is distinct from given.amount
    order by 1 limit 1`,

  cost: `
    with moved as (
      select t.subject_id as id, prepaid.owner_id as provider_id, prepaid.asset,
        sum(case when debit.purpose = 'prepaid' then t.amount else -t.amount end) as cost
      from ledger.transfer t
      join ledger.account debit on debit.id = t.debit
      join ledger.account prepaid on prepaid.id = case when debit.purpose = 'prepaid' then t.debit else t.credit end
      where t.reason = 'order.cost' and t.subject_kind = 'order'
      group by 1, 2, 3
    ), booked as (
      select id, provider_id, asset, sum(cost) as cost from (
        select id, provider_id, cost_asset as asset, booked_cost as cost from orders.orders
        union all select order_id, provider_id, asset, cost from orders.former_cost) as each
      group by 1, 2, 3
    )
    select coalesce(booked.id, moved.id) as order_id,
      format('its cost is %s and %s was moved between cost and prepaid balance', booked.cost, coalesce(moved.cost, 0)) as what
    from booked full join moved using (id, provider_id, asset)
    where booked.id is null or booked.cost <> coalesce(moved.cost, 0)
    order by 1 limit 1`,

  history: `
    with step as (
      select order_id, version, kind, from_state, to_state,
        lag(to_state) over history as before, lead(version) over history is null as is_last
      from orders.order_event window history as (partition by order_id order by version)
    ), odd as (
      select order_id, format('step %s leads from %s, and %s was before', version, from_state, coalesce(before, 'nothing')) as what
      from step where from_state is distinct from before or (before is null) <> (kind = 'placed')
      union all
      select coalesce(o.id, s.order_id), format('it is %s at version %s, its history ends %s at %s', o.state, o.version, s.to_state, s.version)
      from orders.orders o full join (select * from step where is_last) s on s.order_id = o.id
      where o.id is null or s.order_id is null or o.state <> s.to_state or s.version > o.version
    )
    select * from odd order by order_id limit 1`,

  attempts: `
    with odd as (
      select o.id as order_id, format('it counts %s attempts, and %s are known', o.attempts, count(a.key)) as what
      from orders.orders o left join orders.attempt a on a.order_id = o.id
      group by o.id having o.attempts <> count(a.key) or o.attempts <> coalesce(max(a.number), 0)
      union all
      select o.id, format('it is %s and its attempt %s is %s', o.state, o.attempt, coalesce(a.state, 'not there'))
      from orders.orders o left join orders.attempt a on a.key = o.attempt and a.order_id = o.id
      where (o.state = 'dispatching' and a.state is distinct from 'sent') or (o.state = 'unknown' and a.state is distinct from 'unknown')
      union all
      select a.order_id, format('attempt %s is still under way, and the order is %s', a.key, o.state)
      from orders.attempt a join orders.orders o on o.id = a.order_id
      where a.state = 'sent' and (o.state <> 'dispatching' or o.attempt is distinct from a.key)
    )
    select * from odd order by order_id limit 1`,

  waiting: `
    select id as order_id, format('it is %s and waits since %s', state, coalesce(waiting_since::text, 'never')) as what
    from orders.orders where (state in ('queued', 'dispatching', 'unknown', 'failed')) <> (waiting_since is not null)
    order by id limit 1`,

  drip_feeds: `
    with odd as (
      select d.id as order_id, format('a drip-feed of %s runs has %s, the last of them run %s', d.runs, count(o.id), max(o.run)) as what
      from orders.drip_feed d left join orders.orders o on o.drip_feed_id = d.id and o.customer_id = d.customer_id
      group by d.id having d.runs <> count(o.id) or d.runs <> coalesce(max(o.run), 0)
      union all
      select o.id, format('it is a run of drip-feed %s, which is not there', o.drip_feed_id)
      from orders.orders o left join orders.drip_feed d on d.id = o.drip_feed_id
      where o.drip_feed_id is not null and d.id is null
    )
    select * from odd order by order_id limit 1`,

  subscriptions: `
    with odd as (
      select s.id as order_id, format('a subscription of %s posts billed, %s at the most, has %s, the last of them post %s', s.posts_billed, s.posts_max,
        count(o.id), max(o.post)) as what
      from orders.subscription s left join orders.orders o on o.subscription_id = s.id and o.customer_id = s.customer_id
      group by s.id having s.posts_billed <> count(o.id) or s.posts_billed <> coalesce(max(o.post), 0) or count(o.id) > s.posts_max
      union all
      select o.id, format('it is a post of subscription %s, which is not there', o.subscription_id)
      from orders.orders o left join orders.subscription s on s.id = o.subscription_id
      where o.subscription_id is not null and s.id is null
      union all
      select o.id, format('it is charged %s, and a post of subscription %s is at the most %s', o.charge, p.id, p.charge)
      from orders.orders o join orders.orders p on p.id = o.subscription_id where o.charge > p.charge
      union all
      select o.id, 'it is a subscription under way without its terms'
      from orders.orders o left join orders.subscription s on s.id = o.id
      where o.type = 'Subscriptions' and o.subscription_id is null and o.state not in ('completed', 'partial', 'cancelled') and s.id is null
      union all
      select p.id, format('its cost is %s, and the posts that nobody paid for cost %s', p.booked_cost, coalesce(sum(u.cost), 0))
      from orders.subscription s join orders.orders p on p.id = s.id left join orders.unbilled_post u on u.subscription_id = s.id
      group by p.id having p.booked_cost <> coalesce(sum(u.cost), 0)
      union all
      select o.id, format('it is billed as number %s of provider %s, which nobody is said to pay for', o.provider_order_id, o.provider_id)
      from orders.unbilled_post u join orders.orders o using (provider_id, provider_order_id)
      where u.why <> 'another_order'
    )
    select * from odd order by order_id limit 1`,

  placed_twice: `
    select max(order_id) as order_id, format('orders %s and %s have the number %s of provider %s', min(order_id), max(order_id),
      provider_order_id, provider_id) as what
    from (
      select provider_id, provider_order_id, order_id from orders.attempt where provider_order_id is not null
      union
      select provider_id, provider_order_id, id from orders.orders where provider_order_id is not null
    ) as placed
    group by provider_id, provider_order_id having count(distinct order_id) > 1
    order by 1 limit 1`,

  limits: `
    select coalesce(max(o.id), 0) as order_id, format('the limits of its customer %s count %s orders under way and %s spent since %s, and the orders are otherwise',
      l.customer_id, l.in_flight, l.spent, l.day_began) as what
    from orders.customer_limit l left join orders.orders o on o.customer_id = l.customer_id
    where l.in_flight is not null
    group by l.customer_id
    having l.in_flight <> count(o.id) filter (where o.state not in ('completed', 'partial', 'cancelled'))
      or l.spent <> coalesce(sum(o.charge - o.released) filter (where o.placed_at >= l.day_began), 0)
    order by 1 limit 1`,

  quotas: `
    with recursive line as (
      select q.key_id as first_id, q.key_id as id from orders.key_quota q
      union all
      select line.first_id, k.id from line join identity.api_key k on k.rotated_from = line.id
    ), placed as (
      select line.first_id, o.* from line join orders.orders o on o.key_id = line.id
    )
    select coalesce(max(o.id), 0) as order_id, format('the quota of its API key %s counts %s orders and %s spent since %s, and the orders are otherwise',
      q.key_id, q.orders, q.spent, q.day_began) as what
    from orders.key_quota q left join placed o on o.first_id = q.key_id and o.placed_at >= q.day_began
    where q.orders is not null
    group by q.key_id
    having q.orders <> count(o.id) filter (where o.state <> 'cancelled') or q.spent <> coalesce(sum(o.charge - o.released), 0)
    order by 1 limit 1`,
} as const
