import { ORDER_STATES } from '#server/domains/orders/order.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { DeskDone } from './desk.ts'
import type { Demo, DemoProvider } from './play-storm.ts'

const BY_STATE = `
  select provider_id, state, count(*)::int as orders from orders.orders group by 1, 2`
const MOVES = `select count(*)::int as n from orders.order_event where kind = 'rerouted'`
const MONEY = `
  select coalesce(sum(held) filter (where owner_kind = 'customer'), 0)::bigint as held,
    coalesce(sum(posted) filter (where purpose = 'revenue'), 0)::bigint as revenue,
    coalesce(sum(posted) filter (where purpose = 'cost'), 0)::bigint as cost from ledger.account where asset = 'USD'`
const RELEASED = `select coalesce(sum(released), 0)::bigint as released from orders.orders`

/** Orders that have not ended, or of which the provider has not named its charge yet. */
const LEFT = `
  select count(*)::int as n from orders.orders where state not in ('completed', 'partial', 'cancelled') or next_check_at is not null`

interface Moment {
  second: number
  is_over: boolean
  desk: DeskDone
}

/** Shows where orders and money are; on a terminal over what was shown before. Answers of how many orders the end is not known. */
export async function showTable({ app }: Demo, providers: readonly DemoProvider[], moment: Moment): Promise<number> {
  const rows = await app.db.query<{ provider_id: bigint; state: string; orders: number }>(BY_STATE)
  const [moves] = await app.db.query<{ n: number }>(MOVES)
  const [money] = await app.db.query<{ held: bigint; revenue: bigint; cost: bigint }>(MONEY)
  const [back] = await app.db.query<{ released: bigint }>(RELEASED)
  const count = (id: bigint, state: string) =>
    rows.find((row) => row.provider_id === id && row.state === state)?.orders ?? 0
  const lines = [
    `${moment.second} s  ${moment.is_over ? 'the providers work again' : 'everything fails one time in ten'}`,
    '',
    row(
      'orders',
      providers.map(({ name }) => name),
    ),
    ...ORDER_STATES.map((state) =>
      row(
        state,
        providers.map(({ id }) => String(count(id, state))),
      ),
    ),
    '',
    row('gone on to the other provider', [String(moves?.n ?? 0)]),
    row('found by staff at the provider', [String(moment.desk.found_placed)]),
    row('sent again by staff', [String(moment.desk.sent_again)]),
    '',
    row('held for customers, USD', [usd(money?.held)]),
    row('earned', [usd(money?.revenue)]),
    row('given back', [usd(back?.released)]),
    row('cost', [usd(money?.cost)]),
  ]
  if (process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H')
  process.stdout.write(`${lines.join('\n')}\n\n`)
  const [left] = await app.db.query<{ n: number }>(LEFT)
  return left?.n ?? 0
}

/** A line of the table: what, and its figures to the right. */
export function row(name: string, cells: readonly string[]): string {
  return `${name.padEnd(34)}${cells.map((cell) => cell.padStart(16)).join('')}`
}

/** Micro-USD as people read it. */
export function usd(minor = 0n): string {
  return formatAmount(minor, 6, 2)
}
