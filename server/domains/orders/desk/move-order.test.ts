import { expect, test } from 'vitest'
import { imposeQuarantine } from '#server/domains/catalog/sources/impose-quarantine.ts'
import { releaseQuarantine } from '#server/domains/catalog/sources/release-quarantine.ts'
import type { PlaceOutcome } from '#server/domains/providers/provider.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import {
  acceptedAs,
  cheapest,
  claim,
  ended,
  expectSound,
  orderNow,
  placed,
  TIMED_OUT,
  told,
} from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { addOtherProvider, asSource, changeOffer, changeStanding } from '#test/support/sources.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import type { Order } from '../order.ts'
import { rerouteOrders } from '../routing/reroute-orders.ts'
import { lockOrders } from '../write-orders.ts'
import { moveOrder } from './move-order.ts'

const STAFF = { kind: 'user', user_id: 1n } as const

async function setup() {
  const shop = await openShop()
  const service = cheapest(shop)
  const other = await addOtherProvider(shop)
  const source = await asSource(shop, other, service)
  const { id: customer } = await shop.customer('1000')
  const attempt = async (provider_id: bigint, outcome: PlaceOutcome) => {
    const [order] = (await claim(shop, { provider_id })).claimed
    if (order) await recordPlacements(shop.app, [ended(order, outcome)])
  }
  return { shop, app: shop.app, first: shop.provider_id, other, service, source, customer, attempt }
}

test('staff choose the source of what waits or failed, at which no provider has it; not at a loss, and not of what may be placed', async () => {
  const { shop, app, first, other, service, source, customer, attempt } = await setup()
  const [waiting] = (await placed(shop, customer)) as [Order]
  const move = (order: Order, to = source.id) => moveOrder(app, order.id, to, STAFF)
  expect(await move(waiting)).toEqual({ ok: true, moved: true })
  expect(await move(waiting)).toEqual({ ok: true, moved: false })
  expect(await orderNow(shop, waiting.id)).toMatchObject({ state: 'queued', provider_id: other.provider_id })
  expect(await move(waiting, service.id + 1n)).toMatchObject({ ok: false, code: 'source_not_usable' })
  await attempt(other.provider_id, acceptedAs('1'))
  expect(await move(waiting, service.id)).toMatchObject({ ok: false, code: 'order_not_movable' })
  // One that its provider took, called failed, and was paid for: its cost stays there.
  await recordStatuses(app, [{ order_id: waiting.id, row: told('failed') }])
  const paid = (await orderNow(shop, waiting.id)).booked_cost
  const before = await other.prepaid()
  expect(await move(waiting, service.id)).toEqual({ ok: true, moved: true })
  expect(await orderNow(shop, waiting.id)).toMatchObject({
    state: 'queued',
    provider_id: first,
    booked_cost: 0n,
    resubmits: 1,
  })
  expect([paid > 0n, await other.prepaid()]).toEqual([true, before])
  await changeOffer(shop, source.id, `cost_usd = ${service.rate + 1n}`)
  expect(await move(waiting)).toMatchObject({ ok: false, code: 'source_not_usable' })
  await attempt(first, TIMED_OUT)
  expect(await move(waiting)).toMatchObject({ ok: false, code: 'order_not_movable' })
  expect(await actsIn(app.db, 'orders.moved')).toMatchObject([{ user_id: 1n }, { user_id: 1n }])
  await expectSound(app)
})

test('not to where it would not stay: the refusal says why, and what they choose is not undone', async () => {
  const { shop, app, other, source, customer } = await setup()
  const [order] = (await placed(shop, customer)) as [Order]
  const move = () => moveOrder(app, order.id, source.id, STAFF)
  const refused = async (why: string) => {
    expect(await move()).toEqual({ ok: false, code: 'source_not_usable', message: expect.stringContaining(why) })
    expect(await orderNow(shop, order.id)).toEqual(order)
  }
  await changeStanding(shop, other.provider_id, 'enabled = false')
  await refused('switched off')
  await changeStanding(
    shop,
    other.provider_id,
    `enabled = true, paused_until = now() + interval '1 hour', pause_reason = 'We pay in.'`,
  )
  await refused('paused')
  await changeStanding(shop, other.provider_id, 'paused_until = null, pause_reason = null')
  await imposeQuarantine(app, { service_id: source.id, reason: 'It refuses.' })
  await refused('quarantine')
  await releaseQuarantine(app, { service_id: source.id, by: STAFF })
  expect(await move()).toEqual({ ok: true, moved: true })
  expect(await rerouteOrders(app)).toBe(0)
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'queued', provider_id: other.provider_id })
})

test('two at once move it once', async () => {
  const { shop, app, source, customer } = await setup()
  const [order] = (await placed(shop, customer)) as [Order]
  const move = () => moveOrder(app, order.id, source.id, STAFF)
  const outcomes = await atBarrier(app.db, (tx) => lockOrders(tx, [order.id]), [move, move])
  expect(outcomes.map((each) => each.ok && each.moved).sort()).toEqual([false, true])
})
