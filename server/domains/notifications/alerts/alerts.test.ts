import { expect, test } from 'vitest'
import { pricesRefreshed, sourceWatched } from '#server/domains/catalog/events.ts'
import { apiKeySuspension } from '#server/domains/identity/events.ts'
import { balancesForecast, booksVerified } from '#server/domains/orders/events.ts'
import { depositsVerified, promoCodesVerified } from '#server/domains/payments/events.ts'
import { providersWatched } from '#server/domains/providers/events.ts'
import type { Occurrences } from '#server/platform/failures/waiting-failures.ts'
import { writeFailures } from '#server/platform/failures/write-failures.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import type { EventDefinition } from '#server/platform/outbox/event.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import type { QueueFigure } from '#server/platform/queues/queue.ts'
import { openMessageDoors } from '#test/support/message-doors.ts'
import { type MessageHouse, openMessageHouse } from '#test/support/messages.ts'
import { observe } from './observe.ts'
import { settleAlerts } from './settle-alerts.ts'
import { alertSubscriptions } from './subscriptions.ts'
import { connectionsObservation } from './watch-database.ts'
import { watchHouse } from './watch-house.ts'

const MINUTE_MS = 60_000

const DOWN = { provider: 'Panel <b>', reason: 'rate_limited' }

function see(house: MessageHouse, wrong: typeof DOWN | undefined): Promise<void> {
  const seen = [{ kind: 'alert_provider_down', subject: 'provider:1', wrong }] as const
  return house.app.db.transaction(async (tx) => observe(tx, house.app.clock.now(), seen))
}

async function publish<P>(house: MessageHouse, event: EventDefinition<P>, payload: P): Promise<void> {
  await house.app.db.transaction(async (tx) => emit(tx, event, [payload]))
  while (await publishFresh(house.app, alertSubscriptions));
}

const told = (house: MessageHouse) =>
  house.app.db
    .query<{ title: string }>('select title from notifications.inbox order by id')
    .then((rows) => rows.map((row) => row.title))

const alerts = (house: MessageHouse) =>
  house.app.db.query<{ kind: string; subject: string; count: bigint; open: boolean }>(
    'select kind, subject, count, cleared_at is null as open from notifications.alert order by id',
  )

test('what lasts is told once, again at growing intervals, and its end once', async () => {
  const { house, person } = await openMessageDoors()
  await person('administrator')
  await person('customer')
  await see(house, DOWN)
  await settleAlerts(house.app)
  expect(await told(house)).toEqual([])
  for (let minute = 0; minute < 60; minute++) {
    house.pass(MINUTE_MS)
    await see(house, DOWN)
    await Promise.all([settleAlerts(house.app), settleAlerts(house.app)])
  }
  // After two minutes, and half an hour later.
  expect(await told(house)).toEqual(['Provider down: Panel <b>', 'Provider down: Panel <b>'])
  await see(house, undefined)
  await settleAlerts(house.app)
  expect(await told(house)).toHaveLength(2)
  house.pass(3 * MINUTE_MS)
  for (let i = 0; i < 3; i++) await settleAlerts(house.app)
  expect(await told(house)).toEqual([
    ...Array(2).fill('Provider down: Panel <b>'),
    'All clear: Provider down: Panel <b>',
  ])
  expect(await alerts(house)).toMatchObject([{ count: 61n, open: false }])
})

test('a passing moment alarms nobody, and what flaps is one alert', async () => {
  const { house, person } = await openMessageDoors()
  await person('administrator')
  await see(house, DOWN)
  house.pass(MINUTE_MS)
  await see(house, undefined)
  house.pass(10 * MINUTE_MS)
  await settleAlerts(house.app)
  expect(await told(house)).toEqual([])
  expect(await alerts(house)).toMatchObject([{ open: false }])
  for (let i = 0; i < 10; i++) {
    await see(house, i % 2 === 0 ? DOWN : undefined)
    house.pass(MINUTE_MS)
    await settleAlerts(house.app)
  }
  expect(await alerts(house)).toHaveLength(2)
  expect((await told(house)).length).toBeLessThanOrEqual(1)
})

test('two who see the same at once raise one alert', async () => {
  const house = await openMessageHouse()
  await Promise.all(Array.from({ length: 8 }, () => see(house, DOWN)))
  expect(await alerts(house)).toMatchObject([{ count: 8n, open: true }])
})

test('staff see alerts and take them up: they are told no more, until the all-clear', async () => {
  const { house, person } = await openMessageDoors()
  const [admin, ada] = [await person('administrator'), await person()]
  await see(house, DOWN)
  house.pass(3 * MINUTE_MS)
  await settleAlerts(house.app)
  const { data } = (await admin.ask('GET', '/api/admin/alerts')).body as {
    data: { id: string; state: string; title: string }[]
  }
  expect(data).toMatchObject([{ state: 'open', title: 'Provider down: Panel <b>', subject: 'provider:1' }])
  expect([401, 403]).toContain((await ada.ask('GET', '/api/admin/alerts')).status)
  const take = () => admin.ask('POST', `/api/admin/alerts/${data[0]?.id}/acknowledgement`)
  expect((await take()).body).toMatchObject({ state: 'acknowledged', acknowledged_by: String(admin.id) })
  expect((await take()).status).toBe(200)
  expect((await admin.ask('POST', '/api/admin/alerts/99/acknowledgement')).body).toMatchObject({
    code: 'alert_not_found',
  })
  house.pass(24 * 60 * MINUTE_MS)
  await see(house, DOWN)
  await settleAlerts(house.app)
  expect(await told(house)).toHaveLength(1)
  await see(house, undefined)
  house.pass(4 * MINUTE_MS)
  await settleAlerts(house.app)
  expect(await told(house)).toHaveLength(2)
  expect((await admin.ask('GET', '/api/admin/alerts')).body).toMatchObject({ data: [] })
  expect((await admin.ask('GET', '/api/admin/alerts?state=all')).body).toMatchObject({ data: [{ state: 'cleared' }] })
  const acts = await house.app.db.query(`select action from audit.act where action like 'alerts.%'`)
  expect(acts).toEqual([{ action: 'alerts.acknowledged' }])
})

test('books that are wrong alarm at once; a proof that does not end does not call them sound', async () => {
  const { house, person } = await openMessageDoors()
  await person('administrator')
  await publish(house, booksVerified, { ok: false, problem: 'ledger.balance 7: posted, 3 for 4' })
  await settleAlerts(house.app)
  expect(await told(house)).toEqual(['The ledger is not sound'])
  await publish(house, booksVerified, { ok: false, unproven: 'canceled' })
  expect(await alerts(house)).toMatchObject([
    { kind: 'alert_ledger_unsound', open: true },
    { kind: 'alert_ledger_unproven' },
  ])
  await publish(house, booksVerified, { ok: true })
  house.pass(4 * MINUTE_MS)
  await settleAlerts(house.app)
  expect((await alerts(house)).map((alert) => alert.open)).toEqual([false, false])
})

test('a provider that is down or poor raises an alert of its own', async () => {
  const house = await openMessageHouse()
  const provider = { provider_id: 1n, name: 'A', trouble: null, balance: 60_000_000n, currency: 'USD', scale: 6 }
  const providers = [
    provider,
    { ...provider, provider_id: 2n, trouble: 'timeout' },
    { ...provider, provider_id: 3n, balance: 49_999_999n },
    { ...provider, provider_id: 4n, balance: null },
  ]
  await publish(house, providersWatched, { providers })
  expect(await alerts(house)).toMatchObject([
    { kind: 'alert_provider_balance_low', subject: 'provider:3' },
    { kind: 'alert_provider_down', subject: 'provider:2' },
  ])
})

test('a balance that will soon be spent alarms by provider, and the alarm ends when it was paid in', async () => {
  const house = await openMessageHouse()
  const forecast = (hours_left: number | null, provider_id = 1n) =>
    publish(house, balancesForecast, {
      providers: [{ provider_id, name: 'A', balance: 5_000_000n, hours_left, currency: 'USD', scale: 6 }],
    })
  await forecast(6)
  await forecast(null, 2n)
  expect(await alerts(house)).toEqual([])
  await forecast(5)
  const alert = { kind: 'alert_provider_balance_ending', subject: 'provider:1' }
  expect(await alerts(house)).toMatchObject([{ ...alert, open: true }])
  await forecast(6)
  house.pass(60 * MINUTE_MS)
  await settleAlerts(house.app)
  expect(await alerts(house)).toMatchObject([{ ...alert, open: false }])
})

test('prices that could not be refreshed alarm by provider, and those that could end it', async () => {
  const house = await openMessageHouse()
  const refreshed = (provider_id: bigint, trouble: string | null) =>
    publish(house, pricesRefreshed, { provider_id, name: 'A', trouble })
  await refreshed(1n, 'Not applied: half of it is missing.')
  await refreshed(2n, null)
  const alert = { kind: 'alert_prices_not_refreshed', subject: 'provider:1' }
  expect(await alerts(house)).toMatchObject([{ ...alert, open: true }])
  await refreshed(1n, null)
  house.pass(60 * MINUTE_MS)
  await settleAlerts(house.app)
  expect(await alerts(house)).toMatchObject([{ ...alert, open: false }])
})

test('a source in quarantine alarms until it is released', async () => {
  const house = await openMessageHouse()
  const watched = (trouble: string | null) =>
    publish(house, sourceWatched, {
      ...{ service_id: 7n, name: 'Proofreading', provider: 'Panel' },
      ...{ trouble, until: trouble && new Date(house.app.clock.now().getTime() + 120 * MINUTE_MS).toISOString() },
    })
  await watched('Refused 5 times in a row.')
  const alert = { kind: 'alert_source_quarantined', subject: 'service:7' }
  expect(await alerts(house)).toMatchObject([{ ...alert, open: true }])
  house.pass(10 * MINUTE_MS)
  await settleAlerts(house.app)
  await watched(null)
  house.pass(60 * MINUTE_MS)
  await settleAlerts(house.app)
  expect(await alerts(house)).toMatchObject([{ ...alert, open: false }])
})

test('what piles up or waits for a person is seen, and so are messages that do not leave', async () => {
  const house = await openMessageHouse()
  const old = new Date(house.app.clock.now().getTime() - 20 * MINUTE_MS)
  const figure = (queue: string, state: string, stage: QueueFigure['stage'], depth: number): QueueFigure => {
    return { queue, kind: 'any', state, stage, depth, oldest_at: depth > 0 ? old : null }
  }
  const figures = [
    figure('orders', 'queued', 'ready', 7),
    figure('orders', 'failed', 'stuck', 2),
    figure('events', 'fresh', 'ready', 0),
    figure('jobs', 'dead', 'stuck', 1),
  ]
  await house.app.db.query(
    `insert into notifications.message (key, channel, kind, address, data, created_at, next_at, reason)
     values ('a', 'email', 'test_message', 'a@example.com', '{}', $1, now(), 'no_connection')`,
    [old],
  )
  await watchHouse(house.app, [async () => figures])
  expect(await alerts(house)).toMatchObject([
    { kind: 'alert_dead_letters' },
    { kind: 'alert_messages_stuck', subject: 'email' },
    { kind: 'alert_orders_waiting' },
    { kind: 'alert_queue_long', subject: 'orders' },
  ])
})

test('deposits alarm staff when one has waited for longer than it may, and not before; unsound ones at once', async () => {
  const house = await openMessageHouse()
  const waiting = (hours: number): QueueFigure[] => {
    const oldest_at = new Date(house.app.clock.now().getTime() - hours * 60 * MINUTE_MS)
    const by_hand = { queue: 'deposits', kind: 'by_hand', stage: 'stuck' } as const
    return [
      { ...by_hand, state: 'pending', depth: 2, oldest_at },
      { ...by_hand, state: 'approved_once', depth: 1, oldest_at: house.app.clock.now() },
    ]
  }
  await watchHouse(house.app, [async () => waiting(11)])
  expect(await alerts(house)).toEqual([])
  await watchHouse(house.app, [async () => waiting(13)])
  expect(await alerts(house)).toMatchObject([{ kind: 'alert_deposits_waiting' }])
  await publish(house, depositsVerified, { problem: 'deposit 3: its movement is not there' })
  expect(await alerts(house)).toMatchObject([{}, { kind: 'alert_ledger_unsound', subject: 'deposits', open: true }])
})

test('refills alarm staff when one has waited for them longer than it may, and not before', async () => {
  const house = await openMessageHouse()
  const waiting = (hours: number): QueueFigure[] => {
    const oldest_at = new Date(house.app.clock.now().getTime() - hours * 60 * MINUTE_MS)
    return [{ queue: 'refills', kind: 'by_hand', state: 'open', stage: 'stuck', depth: 1, oldest_at }]
  }
  await watchHouse(house.app, [async () => waiting(23)])
  expect(await alerts(house)).toEqual([])
  await watchHouse(house.app, [async () => waiting(25)])
  expect(await alerts(house)).toMatchObject([{ kind: 'alert_refills_waiting', open: true }])
})

test('posts that nobody pays for alarm staff at once, until a day went by without one', async () => {
  const house = await openMessageHouse()
  const unbilled = (depth: number): QueueFigure[] => [
    { queue: 'posts', kind: 'unbilled', state: 'last_day', stage: 'stuck', depth, oldest_at: null },
  ]
  await watchHouse(house.app, [async () => unbilled(0)])
  expect(await alerts(house)).toEqual([])
  await watchHouse(house.app, [async () => unbilled(3)])
  expect(await alerts(house)).toMatchObject([{ kind: 'alert_posts_unbilled', open: true }])
  await watchHouse(house.app, [async () => unbilled(0)])
  house.pass(4 * MINUTE_MS)
  await settleAlerts(house.app)
  expect(await alerts(house)).toMatchObject([{ kind: 'alert_posts_unbilled', open: false }])
})

test('unsound promo codes alarm staff until a proof finds them sound', async () => {
  const house = await openMessageHouse()
  const alarm = { kind: 'alert_ledger_unsound', subject: 'promo codes' }
  await publish(house, promoCodesVerified, { problem: 'promo code 3: 2 redemptions were counted, and 1 are there' })
  expect(await alerts(house)).toMatchObject([{ ...alarm, open: true }])
  await publish(house, promoCodesVerified, {})
  house.pass(4 * MINUTE_MS)
  await settleAlerts(house.app)
  expect(await alerts(house)).toMatchObject([{ ...alarm, open: false }])
})

const failure = (i: number, at: Date, count = 1): Occurrences => ({
  fingerprint: String(i).padStart(32, '0'),
  kind: 'job',
  name: `jobs.${i}`,
  error: 'RangeError',
  place: 'server/x.ts',
  message: 'a customer said ada@example.com',
  stack: 'RangeError',
  correlation: {},
  count,
  first_at: at,
  last_at: at,
})

test('each critical error alarms staff once, by place and class alone, until it is resolved or quiet', async () => {
  const { house, person } = await openMessageDoors()
  await person('administrator')
  const { app } = house
  const fail = (i: number, count?: number) =>
    writeFailures(app.db, [failure(i, app.clock.now(), count)], { process: 'worker', release: 'x' })
  const look = async () => {
    await watchHouse(app, [])
    await settleAlerts(app)
  }
  await fail(1, 3)
  await fail(2)
  for (let minute = 0; minute < 5; minute++) {
    await look()
    house.pass(MINUTE_MS)
  }
  expect(await told(house)).toEqual(['Critical error: RangeError', 'Critical error: RangeError'])
  const [inbox] = await app.db.query<{ body: string }>('select body from notifications.inbox order by id')
  expect(inbox?.body).toContain('RangeError at jobs.1. It occurred 3 times')
  expect(inbox?.body).not.toContain('ada@')
  await app.db.query(`update platform.failure set resolved_at = now(), resolved_by = 'command' where name = 'jobs.1'`)
  await look()
  house.pass(4 * MINUTE_MS)
  await fail(2)
  await look()
  expect(await alerts(house)).toMatchObject([
    { kind: 'alert_critical_error', open: false },
    { kind: 'alert_critical_error', open: true },
  ])
  expect(await told(house)).toHaveLength(3)
  house.pass(16 * MINUTE_MS)
  await look()
  house.pass(4 * MINUTE_MS)
  await look()
  expect((await alerts(house)).map((alert) => alert.open)).toEqual([false, false])
})

test('many errors in a minute are one alert more, which a calm minute ends', async () => {
  const house = await openMessageHouse()
  const { app } = house
  const fail = (count: number) =>
    writeFailures(app.db, [failure(1, app.clock.now(), count)], { process: 'worker', release: 'x' })
  const many = async () => (await alerts(house)).find((alert) => alert.kind === 'alert_errors_many')
  await fail(1_000)
  // What was there before says nothing of a rate.
  await watchHouse(app, [])
  expect(await many()).toBeUndefined()
  house.pass(MINUTE_MS)
  await fail(30)
  await watchHouse(app, [])
  expect(await many()).toBeUndefined()
  house.pass(MINUTE_MS)
  await fail(100)
  await watchHouse(app, [])
  expect(await many()).toMatchObject({ open: true })
  house.pass(MINUTE_MS)
  await watchHouse(app, [])
  house.pass(4 * MINUTE_MS)
  await settleAlerts(app)
  expect(await many()).toMatchObject({ open: false })
})

test('a database that runs out of connections is alarmed about, and one that has some is not', async () => {
  const house = await openMessageHouse()
  const { app } = house
  const read = (percent: number) => ({ read: () => percent }) as unknown as MessageHouse['app']['settings']
  expect((await connectionsObservation({ db: app.db, settings: read(100) })).wrong).toBeUndefined()
  const few = await connectionsObservation({ db: app.db, settings: read(0) })
  expect(few).toEqual({
    kind: 'alert_connections_few',
    wrong: { count: expect.any(Number), most: expect.any(Number) },
  })
  const { count, most } = few.wrong as { count: number; most: number }
  expect(count).toBeGreaterThan(0)
  expect(most).toBeGreaterThan(count)
})

test('staff are told at once of a key that is suspended, and that it is no longer when it has been so for a while', async () => {
  const { house, person } = await openMessageDoors()
  await person('administrator')
  const key = { key_id: 12n, user_id: 7n, name: 'my shop', prefix: 'sk_AbCdEf', at: new Date().toISOString() }
  await publish(house, apiKeySuspension, { ...key, suspended: { by: 'rule', reason: 'orders: 6001' } })
  await settleAlerts(house.app)
  expect(await told(house)).toEqual(['API key suspended: sk_AbCdEf'])
  await publish(house, apiKeySuspension, { ...key, suspended: null })
  house.pass(10 * MINUTE_MS)
  await settleAlerts(house.app)
  expect(await alerts(house)).toMatchObject([{ kind: 'alert_api_key_suspended', subject: 'api_key:12', open: false }])
})
