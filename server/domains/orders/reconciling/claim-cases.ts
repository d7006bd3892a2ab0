import { int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order } from '../order.ts'
import type { CaseAttempt, UnknownCase } from './unknown-case.ts'

/** Orders that become cases in one pass. */
const OPENED_MAX = 500

// Every attempt whose fate is unknown has a case, whoever left it so.
const openCases = statement(`
  insert into orders.unknown_case (attempt, order_id)
  select o.attempt, o.id from orders.orders o
  where o.state = 'unknown' and not exists (select from orders.unknown_case c where c.attempt = o.attempt)
  order by o.id limit ${OPENED_MAX}
  on conflict do nothing`)

/** Cases looked at in one pass. */
export const CASES_MAX = 50

/** How long another worker leaves a claimed case alone: beyond a list of many pages. Two who look at one at the same time close it once all the same. */
const CLAIM_MINUTES = 5

// SKIP LOCKED: another worker's claim is not waited for.
const claimDue = statement(`
  with due as (
    select attempt from orders.unknown_case where next_try_at <= now() order by next_try_at limit ${CASES_MAX} for update skip locked
  )
  update orders.unknown_case c
  set tries = least(tries + 1, 30000), tried_at = now(), next_try_at = now() + make_interval(mins => ${CLAIM_MINUTES})
  from due where c.attempt = due.attempt
  returning c.attempt`)

const CASE_COLUMNS = `c.attempt as key, c.order_id, c.opened_at, c.balance_after, c.balance_after_at, c.tries, c.tried_at, c.next_try_at, c.finding, c.evidence,
  a.number, a.provider_id, a.provider_service_id, a.code, a.message, a.provider_balance, a.provider_balance_at, a.idempotency, a.repeats, a.started_at, a.ended_at`

const casesByKey = statement(`
  select ${CASE_COLUMNS} from orders.unknown_case c join orders.attempt a on a.key = c.attempt where c.attempt = any($1::uuid[])`)

const ordersInQuestion = statement(`
  select ${ORDER_COLUMNS} from orders.orders where id = any($1::bigint[]) and state = 'unknown'`)

// What people or a late answer closed meanwhile, or the clock. What is being sent again may become unknown once more, with or without its sender.
const forgetClosed = statement(`
  update orders.unknown_case c set next_try_at = null, finding = 'resolved' where attempt = any($1::uuid[])
    and not exists (select from orders.orders o where o.id = c.order_id and o.attempt = c.attempt and o.state in ('dispatching', 'unknown'))`)

type CaseRow = Omit<UnknownCase, 'order' | 'attempt'> & CaseAttempt & { order_id: bigint }

/** Makes a case of each attempt whose fate became unknown, and takes those that are due to be looked at, for a while. Cases that were closed otherwise are left out. */
export async function claimCases(db: Db): Promise<UnknownCase[]> {
  await db.query(openCases)
  const due = await db.query<{ attempt: string }>(claimDue)
  if (due.length === 0) return []
  const keys = due.map(({ attempt }) => attempt)
  const cases = await readCases(db, keys)
  const open = new Set(cases.map(({ attempt }) => attempt.key))
  const closed = keys.filter((key) => !open.has(key))
  if (closed.length > 0) await db.query(forgetClosed, [plainArray(closed)])
  return cases
}

/** The cases of these attempts whose orders are in question still, oldest order first. */
export async function readCases(db: Db | Tx, keys: readonly string[]): Promise<UnknownCase[]> {
  const rows = await db.query<CaseRow>(casesByKey, [plainArray(keys)])
  const orders = await db.query<Order>(ordersInQuestion, [int8Array(rows.map((row) => row.order_id))])
  return casesOf(rows, new Map(orders.map((order) => [order.id, order])))
}

function casesOf(rows: readonly CaseRow[], orders: ReadonlyMap<bigint, Order>): UnknownCase[] {
  return rows
    .flatMap((row) => {
      const order = orders.get(row.order_id)
      return order?.attempt === row.key ? [caseOf(row, order)] : []
    })
    .sort((a, b) => (a.order.id < b.order.id ? -1 : 1))
}

function caseOf(row: CaseRow, order: Order): UnknownCase {
  const { opened_at, balance_after, balance_after_at, tries, tried_at, next_try_at, finding, evidence } = row
  const { key, number, provider_id, provider_service_id, code, message, provider_balance, provider_balance_at } = row
  const { idempotency, repeats, started_at, ended_at } = row
  return {
    order,
    attempt: {
      ...{ key, number, provider_id, provider_service_id, code, message, provider_balance, provider_balance_at },
      ...{ idempotency, repeats, started_at, ended_at },
    },
    ...{ opened_at, balance_after, balance_after_at, tries, tried_at, next_try_at, finding, evidence },
  }
}
