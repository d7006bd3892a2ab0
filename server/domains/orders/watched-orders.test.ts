import { expect, test } from 'vitest'
import { checkBalance } from '#server/domains/providers/check-balance.ts'
import { openProviders } from '#server/domains/providers/registry.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { openDoors } from '#test/support/doors.ts'
import { acceptedAs, claim, dispatched, ended, placed, REFUSED, told } from '#test/support/order-book.ts'
import { resubmitOrders } from './desk/resubmit-orders.ts'
import { recordPlacements } from './dispatching/record-placements.ts'
import { recordStatuses } from './following/record-statuses.ts'
import { orderSubscriptions } from './jobs.ts'

test('operators see at /metrics and in the log how orders go: taken, forwarded, stopped, sent again, ended, and what providers were asked', async () => {
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line)) } })
  const { shop, url } = await openDoors()
  const app = { ...shop.app, log }
  const providers = openProviders({ ...app, secrets: await openSecrets(app.config) })
  const { id: customer } = await shop.customer()

  const done = await dispatched(shop, customer)
  await recordStatuses(app, [{ order_id: done.id, row: told('completed', { charge: 1n }) }])
  const failed = await dispatched(shop, customer, REFUSED)
  expect(await resubmitOrders(app, providers, [failed.id], { kind: 'system' })).toEqual([{ ok: true }])
  for (const order of (await claim(shop)).claimed) await recordPlacements(app, [ended(order, acceptedAs('again'))])
  await placed(shop, customer)
  await checkBalance(providers, shop.provider_id, { fresh: true })
  await shop.control.setFaults({ html: 1 })
  await checkBalance(providers, shop.provider_id, { fresh: true })
  const subscriptions = orderSubscriptions(() => undefined)
  while (await publishFresh(app, subscriptions));
  await providers.close()

  const metrics = await (await fetch(`${url}/metrics`)).text()
  const value = (line: string) =>
    Number(
      metrics
        .split('\n')
        .find((each) => each.startsWith(line))
        ?.slice(line.length),
    )
  const steps = (event: string, state: string) => value(`saldo_order_events_total{event="${event}",state="${state}"}`)
  // The rate of success is what is settled as completed of all that was created; that of sending again, likewise.
  expect(steps('ORDER_CREATED', 'queued')).toBe(3)
  expect(steps('ORDER_FORWARD', 'pending')).toBe(2)
  expect(steps('ORDER_STOPPED', 'failed')).toBe(1)
  expect(steps('ORDER_RESUBMIT', 'queued')).toBe(1)
  expect(steps('ORDER_SETTLED', 'completed')).toBe(1)
  const checks = (outcome: string) =>
    value(`saldo_provider_balance_checks_total{provider="Panel",outcome="${outcome}"}`)
  // One by the sending again.
  expect([checks('ok'), checks('unreadable_answer')]).toEqual([2, 1])
  expect(metrics).toMatch(/saldo_provider_call_seconds_bucket\{le="[\d.]+",provider="Panel",action="balance"/)

  const told_of = new Set(lines.map(({ event }) => event))
  for (const event of ['ORDER_CREATED', 'ORDER_FORWARD', 'ORDER_RESUBMIT', 'BALANCE_CHECK'])
    expect(told_of).toContain(event)
  expect(lines.find(({ event }) => event === 'ORDER_RESUBMIT')).toMatchObject({ state: 'queued', orders: 1 })
})
