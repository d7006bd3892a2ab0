import { availableParallelism } from 'node:os'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { accountIds, costIn, prepaidAt } from '#server/domains/orders/accounts.ts'
import { present } from '#server/kit/invariant.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import type { BenchContext } from './bench.ts'

/** One open order at the provider, as it would be after placing and dispatch. */
export interface OpenOrder {
  customer_id: bigint
  wallet: bigint
  service_id: bigint
  provider_id: bigint
  provider_service_id: string
  provider_order_id: string
  link: string
  quantity: bigint
  rate: bigint
  charge: bigint
  cost: bigint
}

const CHUNK = 5_000

/**
 * Stores orders that providers have accepted, with their holds and costs in the ledger, their history and attempts: what placing and dispatching would leave, in a
 * fraction of the time. Their first check is due at once.
 */
export async function fillOpenOrders(context: BenchContext, orders: readonly OpenOrder[]): Promise<void> {
  const { app } = context
  for (let at = 0; at < orders.length; at += CHUNK) {
    const chunk = orders.slice(at, at + CHUNK)
    const provider_id = chunk[0]?.provider_id as bigint
    const [prepaid, cost] = (await accountIds(app.db, [prepaidAt(provider_id, 'USD'), costIn('USD')])) as [
      bigint,
      bigint,
    ]
    await app.db.transaction(async (tx) => {
      const numbers = await tx.query<{ id: bigint }>(
        `select nextval('orders.order_number') as id from generate_series(1, $1::int)`,
        [chunk.length],
      )
      const ids = numbers.map((row) => row.id)
      const subjectOf = (i: number) => ({ kind: 'order', id: ids[i] as bigint })
      const outcomes = await postEntries(
        tx,
        chunk.map((order, i) => ({
          key: `order:${ids[i]}:hold`,
          movements: [
            { kind: 'hold', account: order.wallet, amount: order.charge, subject: subjectOf(i) },
            {
              kind: 'transfer',
              debit: prepaid,
              credit: cost,
              amount: order.cost,
              reason: 'order.cost',
              subject: subjectOf(i),
            },
          ],
        })),
      )
      const holds = outcomes.map((outcome) => {
        if (!outcome.ok) throw new Error(`a hold was refused: ${outcome.refusal}`)
        return outcome.id
      })
      tx.send(INSERT_OPEN, [
        int8Array(ids),
        int8Array(holds),
        int8Array(chunk.map((order) => order.customer_id)),
        int8Array(chunk.map((order) => order.wallet)),
        int8Array(chunk.map((order) => order.service_id)),
        int8Array(chunk.map((order) => order.provider_id)),
        int8Array(chunk.map((order) => order.quantity)),
        int8Array(chunk.map((order) => order.rate)),
        int8Array(chunk.map((order) => order.charge)),
        int8Array(chunk.map((order) => order.cost)),
        textArray(chunk.map((order) => order.link)),
        textArray(chunk.map((order) => order.provider_service_id)),
        textArray(chunk.map((order) => order.provider_order_id)),
      ])
      tx.send(INSERT_STEPS, [int8Array(ids)])
      tx.send(INSERT_ATTEMPTS, [int8Array(ids)])
    })
  }
  await app.db.query('analyze orders.orders, orders.order_event, orders.attempt')
}

const INSERT_OPEN = `
  insert into orders.orders (id, hold, customer_id, wallet, service_id, provider_id, quantity, rate, charge, expected_cost, booked_cost,
    link, provider_service_id, provider_order_id, asset, cost_asset, type, state, version, attempt, attempts, accepted_at, next_check_at,
    waiting_since)
  select id, hold, customer_id, wallet, service_id, provider_id, quantity, rate, charge, cost, cost, link, provider_service_id,
    provider_order_id, 'USD', 'USD', 'Default', 'pending', 3, gen_random_uuid(), 1, now(), now(), null
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::text[], $12::text[], $13::text[])
    as new (id, hold, customer_id, wallet, service_id, provider_id, quantity, rate, charge, cost, link, provider_service_id, provider_order_id)`

const INSERT_STEPS = `
  insert into orders.order_event (order_id, version, kind, from_state, to_state)
  select id, step.version, step.kind, step.from_state, step.to_state
  from unnest($1::bigint[]) as id, (values (1, 'placed', null, 'queued'), (2, 'sent', 'queued', 'dispatching'),
    (3, 'accepted', 'dispatching', 'pending')) as step (version, kind, from_state, to_state)`

const INSERT_ATTEMPTS = `
  insert into orders.attempt (key, order_id, number, provider_id, provider_service_id, state, provider_order_id, ended_at)
  select attempt, id, 1, provider_id, provider_service_id, 'accepted', provider_order_id, now()
  from orders.orders where id = any($1::bigint[])`

/** Of what the finished orders are, and over how many days up to now they were placed, evenly. */
export interface Finished {
  services: readonly bigint[]
  provider_id: bigint
  days?: number
  /** Of a hundred, so many partial, as many cancelled, and one in five hundred failed; otherwise all are completed. */
  short_percent?: number
}

/**
 * Stores finished orders of many customers, of which the ledger knows nothing: ballast for reads. One in a hundred, evenly strewn, is the customer's.
 */
export async function fillFinishedOrders(
  { app }: BenchContext,
  count: number,
  customer: { id: bigint; wallet: bigint },
  { services, provider_id, days = 0, short_percent = 0 }: Finished,
): Promise<void> {
  const [before] = await app.db.query<{ id: bigint }>(
    `select last_value as id from orders.order_number, setval('orders.order_number', last_value + $1::int)`,
    [count],
  )
  // As many at once as the machine has cores: most of the time goes into the indexes.
  const parts = availableParallelism()
  const bounds = Array.from({ length: parts + 1 }, (_, i) => Math.round((count * i) / parts))
  const insert = (from: number, to: number) =>
    app.db.query(INSERT_FINISHED, [
      count,
      customer.id,
      customer.wallet,
      services,
      provider_id,
      days * 86_400,
      short_percent,
      present(before, 'a sequence has its last value').id,
      from,
      to,
    ])
  await Promise.all(bounds.slice(1).map((to, i) => insert((bounds[i] as number) + 1, to)))
  await app.db.query('vacuum analyze orders.orders')
}

const INSERT_FINISHED = `
    insert into orders.orders (id, hold, customer_id, wallet, service_id, provider_id, quantity, rate, charge, expected_cost, captured,
      released, link, provider_service_id, asset, cost_asset, type, state, reason, version, placed_at, finished_at, waiting_since)
    select id, -id, case when n % 100 = 0 then $2::bigint else 1000000 + n % 5000 end, $3, ($4::bigint[])[1 + n % cardinality($4::bigint[])], $5,
      100, 1000000, 100000, 1, case state when 'completed' then 100000 when 'partial' then 60000 else 0 end,
      case state when 'partial' then 40000 when 'cancelled' then 100000 else 0 end, 'https://example.com/' || n, '1', 'USD', 'USD', 'Default', state,
      case when state = 'failed' then 'bad_link' end, 1, now() - make_interval(secs => $6::float8 * ($1::int - n) / $1::int),
      case when state <> 'failed' then now() end, case when state = 'failed' then now() end
    from (select $8::bigint + n as id, n, case
        when $7::int > 0 and n % 500 = 1 then 'failed'
        when (n / 7) % 100 < $7::int then 'partial'
        when (n / 7) % 100 < 2 * $7::int then 'cancelled'
        else 'completed' end as state
      from generate_series($9::int, $10::int) n) as drawn`
