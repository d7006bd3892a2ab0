import { z } from 'zod'
import { formatAmount } from '#server/kit/money.ts'
import { IDEMPOTENCIES, type ProviderRow, providerCan } from './provider-row.ts'
import type { LoggedCall } from './queries.ts'

const moment = z.iso.datetime().nullable()
const count = z.number().int()

/** A provider, for staff. Its key is shown to nobody. */
export const providerShape = z.object({
  id: z.string().meta({ example: '1' }),
  name: z.string().meta({ example: 'Panel' }),
  adapter: z.string().meta({ example: 'panel-v2' }),
  url: z.string().meta({ example: 'https://panel.example/api/v2' }),
  currency: z.string().meta({ example: 'USD' }),
  enabled: z
    .boolean()
    .meta({ description: 'Off: it is sent no new orders; those that it has are followed to their end.' }),
  takes_orders: z.boolean().meta({ description: 'Whether it is sent orders now: it is on, and not paused.' }),
  paused_until: moment,
  pause_reason: z.string().nullable(),
  timeout_ms: count.meta({ example: 15_000 }),
  concurrency: count.meta({ description: 'Calls under way at once.', example: 8 }),
  rate_per_second: count.meta({ example: 20 }),
  statuses_max: count.meta({ description: 'Orders asked about in one call.', example: 100 }),
  idempotency: z.enum(IDEMPOTENCIES).meta({ description: 'What it makes of the same order sent twice.' }),
  idempotency_window_s: count,
  lists_orders: z.boolean().meta({ description: 'Whether it can be asked for a list of our orders.' }),
  balance: z.string().nullable().meta({ description: 'As it told last, in its currency.', example: '812.40' }),
  balance_read_at: moment,
  balance_status: z.string().nullable().meta({ description: 'How the last attempt to read it ended.', example: 'ok' }),
  balance_error: z.string().nullable(),
  balance_checked_at: moment,
  created_at: z.iso.datetime(),
  version: z.string().meta({ example: '3' }),
})

/** A provider as `providerShape` has it. */
export function providerView(row: ProviderRow, now: Date): z.output<typeof providerShape> {
  const { id, balance, version, scale, balance_read_at, balance_checked_at, created_at, ...rest } = row
  return {
    ...rest,
    id: String(id),
    takes_orders: providerCan.place(row, now),
    paused_until: row.paused_until?.toISOString() ?? null,
    balance: balance === null ? null : formatAmount(balance, scale, 2),
    balance_read_at: balance_read_at?.toISOString() ?? null,
    balance_checked_at: balance_checked_at?.toISOString() ?? null,
    created_at: created_at.toISOString(),
    version: String(version),
  }
}

/** One call to a provider, as it was logged: secrets are masked. */
export const callShape = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  order_id: z.string().nullable().meta({ example: '23501' }),
  action: z.string().meta({ example: 'add' }),
  request: z.string(),
  response: z.string(),
  http_status: count.nullable().meta({ example: 200 }),
  outcome: z.string().meta({ example: 'ok' }),
  duration_ms: z.number(),
})

/** A call as `callShape` has it. */
export function callView(call: LoggedCall): z.output<typeof callShape> {
  const { provider_id: _, id, at, order_id, ...rest } = call
  return { ...rest, id: String(id), at: at.toISOString(), order_id: order_id === null ? null : String(order_id) }
}
