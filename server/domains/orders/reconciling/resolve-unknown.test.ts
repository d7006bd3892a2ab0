import { describe, expect, test } from 'vitest'
import type { FaultName } from '#sandbox/provider/faults.ts'
import { actsIn } from '#test/support/acts.ts'
import { cheapest, expectSound } from '#test/support/order-book.ts'
import { addOtherProvider, asSource } from '#test/support/sources.ts'
import { BY_KEY, BY_WINDOW, LISTING, type Mode, PLAIN, unknownOrders } from '#test/support/unknown-orders.ts'
import { attemptsOf, historyOf } from '../queries.ts'

describe('an answer that is lost', () => {
  test.each<FaultName>(['cut_before', 'cut_after'])(
    '%s at a plain panel leaves the order to people, however often is looked, with the balances on both sides',
    async (fault) => {
      const { control, app, lost, look, pass, now, findings } = await unknownOrders(PLAIN)
      const order = await lost(fault)
      for (let n = 0; n < 3; n++) {
        await look()
        await pass(10)
      }
      expect(await now(order)).toMatchObject({ state: 'unknown', version: order.version })
      expect(await findings()).toEqual(['no_list'])
      const [found] = await app.db.query<{ evidence: unknown }>('select evidence from orders.unknown_case')
      const verdict = fault === 'cut_before' ? 'as_if_not_placed' : 'as_if_placed'
      expect(found?.evidence).toMatchObject({
        balance: { verdict, others: 0, expected_cost: String(order.expected_cost) },
      })
      expect((await control.summary()).orders_accepted).toBe(fault === 'cut_before' ? 0 : 1)
      await expectSound(app)
    },
  )

  test.each<[string, Mode, FaultName[]]>([
    ['its list', LISTING, ['cut_after', 'bad_json_after']],
    ['sending it again under its key', BY_KEY, ['cut_before', 'cut_after']],
    ['sending it again within the window', BY_WINDOW, ['cut_before', 'cut_after']],
  ])('is found out by %s: each order goes on under the one number that the panel has', async (_, mode, faults) => {
    const { shop, app, control, lost, look, now } = await unknownOrders(mode)
    const opening = await shop.prepaid()
    let cost = 0n
    for (const fault of faults) {
      const order = await lost(fault)
      await look()
      const at_panel = (await control.allOrders()).filter(({ link }) => link === order.link)
      expect(at_panel).toHaveLength(1)
      expect(await now(order)).toMatchObject({
        state: 'pending',
        provider_order_id: at_panel[0]?.id,
        attempts: 1,
        resubmits: 0,
        booked_cost: order.expected_cost,
      })
      cost += order.expected_cost
      expect((await historyOf(app.db, order.id)).some(({ actor }) => actor === 'system:resolver')).toBe(true)
    }
    expect(await shop.prepaid()).toBe(opening - cost)
    const by = { actor_kind: 'system', user_agent: 'resolver' }
    expect(await actsIn(app.db, 'orders.')).toMatchObject(faults.map(() => by))
    await look()
    expect((await control.summary()).orders_accepted).toBe(faults.length)
    await expectSound(app)
  })

  test('before the panel took it, is found out by its list once nothing can come any more: it is sent again, and placed once', async () => {
    const { app, control, lost, look, pass, now, findings, settle } = await unknownOrders(LISTING)
    const order = await lost('cut_before')
    await look()
    expect(await findings()).toEqual(['too_early'])
    expect((await now(order)).state).toBe('unknown')
    await pass(6)
    await look()
    expect(await findings()).toEqual(['not_placed'])
    expect(await now(order)).toMatchObject({ state: 'queued', resubmits: 1, attempt: null })
    const step = (await historyOf(app.db, order.id)).at(-1)
    expect(step).toMatchObject({
      kind: 'resubmitted',
      actor: 'system:resolver',
      data: {
        finding: 'not_placed',
        evidence: { list: { listed: 0, complete: true }, balance: { verdict: 'as_if_not_placed' } },
      },
    })
    expect(await actsIn(app.db, 'orders.')).toMatchObject([
      {
        actor_kind: 'system',
        user_agent: 'resolver',
        after: { resolution: 'resend', evidence: { finding: 'not_placed' } },
      },
    ])
    await settle(order)
    expect((await control.summary()).orders_accepted).toBe(1)
    await expectSound(app)
  })

  test('and is proven not to be placed, goes on to the next source of its service', async () => {
    const { shop, app, lost, look, pass, now } = await unknownOrders(LISTING)
    const other = await addOtherProvider(shop)
    await asSource(shop, other, cheapest(shop))
    const order = await lost('cut_before')
    await look()
    expect(await now(order)).toMatchObject({ state: 'unknown', provider_id: shop.provider_id })
    await pass(6)
    await look()
    expect(await now(order)).toMatchObject({ state: 'queued', provider_id: other.provider_id, resubmits: 1 })
    const step = (await historyOf(app.db, order.id)).at(-1)
    expect(step?.data).toMatchObject({ finding: 'not_placed', to: { provider_id: String(other.provider_id) } })
    await expectSound(app)
  })

  test('again and again, makes it fail for people to look', async () => {
    const { app, lost, lostAgain, look, pass, now, findings } = await unknownOrders(LISTING)
    const order = await lost('cut_before')
    for (let n = 0; n < 3; n++) {
      await pass(6)
      await look()
      expect(await now(order)).toMatchObject({ state: 'queued', resubmits: n + 1 })
      await lostAgain(order, 'cut_before')
    }
    await pass(6)
    await look()
    expect(await now(order)).toMatchObject({
      ...{ state: 'failed', reason: 'not_placed', resubmits: 3 },
      detail: "The provider's list showed 4 times that it was not placed.",
    })
    expect(await findings()).toEqual(Array(4).fill('not_placed'))
    await expectSound(app)
  })

  test('is sent again, however often people had sent it again for other reasons', async () => {
    const { app, lost, look, pass, now } = await unknownOrders(LISTING)
    const order = await lost('cut_before')
    await app.db.query('update orders.orders set resubmits = 3')
    await pass(6)
    await look()
    expect(await now(order)).toMatchObject({ state: 'queued', resubmits: 4 })
    await expectSound(app)
  })
})

describe('what does not prove leaves the order open', () => {
  test('two orders alike of which one was placed: none of them takes its number', async () => {
    const { control, lost, look, pass, now, findings } = await unknownOrders(LISTING)
    const first = await lost('cut_before', { link: 'https://example.com/same' })
    const second = await lost('cut_after', { link: 'https://example.com/same' })
    await pass(6)
    await look()
    expect(await findings()).toEqual(['shared_candidate', 'shared_candidate'])
    expect([(await now(first)).state, (await now(second)).state]).toEqual(['unknown', 'unknown'])
    expect((await control.summary()).orders_accepted).toBe(1)
  })

  test('two orders alike that were both placed', async () => {
    const { lost, look, findings } = await unknownOrders(LISTING)
    await lost('cut_after', { link: 'https://example.com/same' })
    await lost('cut_after', { link: 'https://example.com/same' })
    await look()
    expect(await findings()).toEqual(['several_candidates', 'several_candidates'])
  })

  test('an order of the same service that nobody knows, whatever its link', async () => {
    const { control, lost, look, pass, now, findings } = await unknownOrders(LISTING)
    const order = await lost('cut_before')
    const { provider_service_id: service, quantity } = order
    await control.enterOrders([{ service, link: 'https://example.com/other/', quantity: String(quantity) }])
    await pass(6)
    await look()
    expect(await findings()).toEqual(['unlike_orders'])
    expect((await now(order)).state).toBe('unknown')
  })

  test('a balance that fell as if it had been placed', async () => {
    const { control, lost, look, pass, findings } = await unknownOrders(LISTING)
    const order = await lost('cut_before')
    await control.addBalance(`-0.${String(order.expected_cost).padStart(6, '0')}`)
    await pass(6)
    await look()
    expect(await findings()).toEqual(['balance_contradicts'])
  })

  test('a list that cannot be read', async () => {
    const { app, control, lost, look, pass, findings } = await unknownOrders(LISTING)
    await lost('cut_before')
    await pass(6)
    await control.setFaults({ http_5xx: { probability: 1, actions: ['orders'] } })
    await look()
    expect(await findings()).toEqual(['list_unavailable'])
    const [row] = await app.db.query<{ evidence: { list_error: string } }>('select evidence from orders.unknown_case')
    expect(row?.evidence.list_error).toContain('server_error')
  })

  test('a refusal of the same sent again: it may be refused because it is there', async () => {
    const { app, control, lost, look, now } = await unknownOrders(BY_KEY)
    const order = await lost('cut_before')
    await control.setFaults({ empty_balance: 1 })
    await look()
    expect(await now(order)).toMatchObject({ state: 'unknown', detail: expect.stringContaining('insufficient') })
    expect(await attemptsOf(app.db, order.id)).toMatchObject([{ state: 'unknown', number: 1 }])
    await control.setFaults({})
    await look()
    expect((await now(order)).state).toBe('pending')
    await expectSound(app)
  })

  test('a balance from before the same was sent again: it says nothing about that, and is read anew', async () => {
    const { app, control, lost, look, pass } = await unknownOrders(BY_KEY)
    await lost('cut_before')
    await control.setFaults({ cut_after: { probability: 1, actions: ['add'] } })
    await look()
    await control.setFaults({})
    const verdict = async () => {
      const [row] = await app.db.query<{ evidence: { balance: { verdict: string } } }>(
        'select evidence from orders.unknown_case',
      )
      return row?.evidence.balance.verdict
    }
    expect(await verdict()).toBe('unread')
    await pass(10)
    await look()
    expect(await verdict()).toBe('as_if_placed')
  })

  test('an order beyond the window is not sent again', async () => {
    const { app, control, lost, look, now } = await unknownOrders(BY_KEY)
    const order = await lost('cut_after')
    await app.db.query(`update orders.attempt set started_at = started_at - interval '2 minutes'`)
    await look()
    expect((await now(order)).state).toBe('unknown')
    expect((await control.summary()).requests.add).toBe(1)
  })
})
