import { resolveOrder } from '#server/domains/orders/desk/resolve-order.ts'
import { RESUBMIT_ORDERS_MAX, resubmitOrders } from '#server/domains/orders/desk/resubmit-orders.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import type { Demo, DemoProvider } from './play-storm.ts'

/** What staff did. */
export interface DeskDone {
  found_placed: number
  sent_again: number
}

/** A request may lie unread at a provider for a moment after it was given up: only then is what the provider shows the truth. */
const SETTLE_MS = 1_500
const ROUND_MAX = 200
const ACTOR = { kind: 'command', user_agent: 'saldo demo' } as const

/** Staff as they work: whose fate is unknown is looked up at its provider by its link; what failed is sent again. */
export function openDesk(
  { app }: Pick<Demo, 'app'>,
  opened: Providers,
  providers: readonly DemoProvider[],
): { done: DeskDone; work(): Promise<void> } {
  const done: DeskDone = { found_placed: 0, sent_again: 0 }

  async function lookUp({ id, provider_id, link }: Unknown, numbers: ReadonlyMap<string, string>): Promise<void> {
    const provider_order_id = numbers.get(`${provider_id} ${link}`)
    const resolution = provider_order_id
      ? ({ kind: 'placed', provider_order_id } as const)
      : ({ kind: 'resend' } as const)
    const { ok } = await resolveOrder(app, id, resolution, ACTOR)
    if (ok && provider_order_id) done.found_placed += 1
    else if (ok) done.sent_again += 1
  }

  return {
    done,
    work: async () => {
      const before = new Date(Date.now() - SETTLE_MS)
      const unknown = await app.db.query<Unknown>(UNKNOWN, [before, ROUND_MAX])
      const numbers = unknown.length > 0 ? await numbersAt(providers) : new Map<string, string>()
      for (const order of unknown) await lookUp(order, numbers)
      const failed = await app.db.query<{ id: bigint }>(FAILED, [RESUBMIT_ORDERS_MAX])
      const ids = failed.map(({ id }) => id)
      const outcomes = ids.length > 0 ? await resubmitOrders(app, opened, ids, ACTOR) : []
      done.sent_again += outcomes.filter(({ ok }) => ok).length
    },
  }
}

interface Unknown {
  id: bigint
  provider_id: bigint
  link: string
}

const UNKNOWN = `
  select o.id, o.provider_id, o.link from orders.orders o join orders.attempt a on a.key = o.attempt
  where o.state = 'unknown' and a.ended_at < $1 order by o.id limit $2`
const FAILED = `select id from orders.orders where state = 'failed' order by id limit $1`

/** The providers' numbers of orders, by provider and link. */
async function numbersAt(providers: readonly DemoProvider[]): Promise<Map<string, string>> {
  const all = await Promise.all(
    providers.map(async ({ id, panel }) =>
      (await panel.control.allOrders()).map((order): [string, string] => [`${id} ${order.link}`, order.id]),
    ),
  )
  return new Map(all.flat())
}
