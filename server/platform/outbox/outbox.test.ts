import { pino } from 'pino'
import { expect, test } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import { testDatabase } from '#test/support/database.ts'
import { putSetting, someSettings } from '#test/support/settings.ts'
import type { App } from '../app.ts'
import type { Tx } from '../db/database.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { startAnnouncer } from './announce.ts'
import { emit } from './emit.ts'
import { defineEvent, type StoredEvent } from './event.ts'
import { eventAttempts, eventRetryBase, eventRetryFactor, eventRetryMax } from './event-settings.ts'
import { PUBLISH_BATCH, publishDue, publishFresh } from './publish-events.ts'
import { startPublisher } from './publisher.ts'
import { on, onEach, type Subscription } from './subscription.ts'

interface Placed {
  order_id: bigint
  amount: bigint
}

const placed = defineEvent<Placed>('orders.placed', (order) => `order:${order.order_id}`)
const settled = defineEvent<{ order_id: bigint }>('orders.settled')

/** An app, a table that subscribers write to through their transaction, and a way to read it. */
async function setup() {
  const { db } = await testDatabase()
  await db.query('create table seen (order_id bigint, by text)')
  const parts: Pick<App, 'db' | 'log' | 'metrics' | 'clock' | 'settings'> = {
    db,
    settings: await someSettings({ db }),
    log: pino({ level: 'silent' }),
    metrics: openMetrics(),
    clock: systemClock,
  }
  const app = parts as App
  const record = (tx: Tx, events: readonly StoredEvent<{ order_id: bigint }>[], by = 'a') => {
    for (const event of events) tx.send('insert into seen values ($1, $2)', [event.payload.order_id, by])
  }
  const seen = async () =>
    (await db.query<{ order_id: bigint }>('select order_id from seen order by order_id')).map((row) =>
      Number(row.order_id),
    )
  const waiting = async () => (await db.query<{ n: number }>('select count(*)::int as n from platform.outbox'))[0]?.n
  const place = (...ids: number[]) =>
    db.transaction(async (tx) =>
      emit(
        tx,
        placed,
        ids.map((id) => ({ order_id: BigInt(id), amount: 1n })),
      ),
    )
  const makeDue = () => db.query(`update platform.outbox set next_at = now() where next_at is not null`)
  return { app, db, record, seen, waiting, place, makeDue }
}

/** One pass over fresh events and one over those that are due; true when either left more. */
async function publishEvents(app: App, subscriptions: readonly Subscription[]): Promise<boolean> {
  const fresh = await publishFresh(app, subscriptions)
  const due = await publishDue(app, subscriptions)
  return fresh || due
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

test('an event reaches each subscriber of its type once, whole, and is then gone', async () => {
  const { app, db, waiting } = await setup()
  const heard: StoredEvent<Placed>[] = []
  const big = 2n ** 53n + 1n
  await db.transaction(async (tx) => emit(tx, placed, [{ order_id: 7n, amount: big }]))
  const subscriptions = [
    on(placed, async (_tx, _app, events) => {
      heard.push(...events)
    }),
    onEach(placed, async (_tx, _app, event) => {
      heard.push(event)
    }),
    on(settled, async () => {
      throw new Error('not for me')
    }),
  ]
  expect(await publishEvents(app, subscriptions)).toBe(false)
  expect(heard).toHaveLength(2)
  expect(heard[0]).toMatchObject({
    type: 'orders.placed',
    subject: 'order:7',
    payload: { order_id: 7n, amount: big },
    attempts: 0,
  })
  expect(heard[0]?.at).toBeInstanceOf(Date)
  expect(await waiting()).toBe(0)
  await publishEvents(app, subscriptions)
  expect(heard).toHaveLength(2)
})

test('an event of a transaction rolled back never was', async () => {
  const { app, db, seen, record } = await setup()
  const attempt = db.transaction(async (tx) => {
    emit(tx, placed, [{ order_id: 1n, amount: 1n }])
    throw new Error('no')
  })
  await expect(attempt).rejects.toThrow('no')
  await publishEvents(app, [on(placed, async (tx, _app, events) => record(tx, events))])
  expect(await seen()).toEqual([])
})

test('a transaction that commits after later ones is still published', async () => {
  const { app, db, place, seen, record } = await setup()
  const subscriptions = [on(placed, async (tx, _app, events) => record(tx, events))]
  const emitted = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const slow = db.transaction(async (tx) => {
    emit(tx, placed, [{ order_id: 1n, amount: 1n }])
    await tx.query('select 1')
    emitted.resolve()
    await gate.promise
  })
  await emitted.promise
  await place(2)
  await publishEvents(app, subscriptions)
  expect(await seen()).toEqual([2])
  gate.resolve()
  await slow
  await publishEvents(app, subscriptions)
  expect(await seen()).toEqual([1, 2])
})

test('nothing and many are emitted by one statement', async () => {
  const { app, db, seen, waiting, record } = await setup()
  let statements = 0
  const emitting = (payloads: Placed[]) =>
    db.transaction(async (tx) => {
      const send: Tx['send'] = (sql, values) => {
        statements += 1
        tx.send(sql, values)
      }
      emit({ ...tx, send }, placed, payloads)
    })
  await emitting([])
  expect(statements).toBe(0)
  await emitting(upTo(1200).map((id) => ({ order_id: BigInt(id), amount: 1n })))
  expect([statements, await waiting()]).toEqual([1, 1200])
  const subscriptions = [on(placed, async (tx, _app, events) => record(tx, events))]
  const more = [
    await publishEvents(app, subscriptions),
    await publishEvents(app, subscriptions),
    await publishEvents(app, subscriptions),
  ]
  expect(more).toEqual([true, true, false])
  expect(await seen()).toEqual(upTo(1200))
})

test('events of one publisher come in the order in which they were emitted', async () => {
  const { app, place } = await setup()
  for (const id of upTo(20)) await place(id)
  const order: bigint[] = []
  await publishEvents(app, [
    on(placed, async (_tx, _app, events) => {
      order.push(...events.map((event) => event.payload.order_id))
    }),
  ])
  expect(order).toEqual(upTo(20).map(BigInt))
})

test('publishers side by side hand out each event exactly once', async () => {
  const { app, place, seen, record } = await setup()
  for (let start = 0; start < 3000; start += 300) await place(...upTo(300).map((id) => start + id))
  const subscriptions = [on(placed, async (tx, _app, events) => record(tx, events))]
  const publisher = async () => {
    while (await publishEvents(app, subscriptions));
  }
  await Promise.all([publisher(), publisher(), publisher()])
  await publisher()
  expect(await seen()).toEqual(upTo(3000))
})

test('an event that a subscriber fails on waits, and its neighbours in the batch are delivered', async () => {
  const { app, db, place, seen, record, makeDue } = await setup()
  await place(...upTo(PUBLISH_BATCH))
  await db.transaction(async (tx) => emit(tx, settled, [{ order_id: 1000n }]))
  let broken = true
  const picky = on(placed, async (tx, _app, events) => {
    record(tx, events)
    if (broken && events.some((event) => event.payload.order_id === 13n)) throw new Error('thirteen')
  })
  const subscriptions = [picky, on(settled, async (tx, _app, events) => record(tx, events))]
  while (await publishEvents(app, subscriptions));
  expect(await seen()).toEqual([...upTo(PUBLISH_BATCH).filter((id) => id !== 13), 1000])
  const left = await db.query('select subject, attempts, last_error, next_at > now() as later from platform.outbox')
  expect(left).toEqual([{ subject: 'order:13', attempts: 1, last_error: 'Error: thirteen', later: true }])

  await publishEvents(app, subscriptions)
  expect(await seen()).not.toContain(13)
  broken = false
  await makeDue()
  await publishEvents(app, subscriptions)
  expect(await seen()).toContain(13)
})

test('a statement of a subscriber that the database refuses is that subscriber’s failure', async () => {
  const { app, db, place, seen, record, waiting } = await setup()
  await db.query('alter table seen add constraint no_thirteen check (order_id <> 13)')
  await place(...upTo(20))
  await publishEvents(app, [on(placed, async (tx, _app, events) => record(tx, events))])
  expect(await seen()).toEqual(upTo(20).filter((id) => id !== 13))
  expect(await waiting()).toBe(1)
})

test('what an earlier subscriber wrote is undone when a later one fails on the event', async () => {
  const { app, place, seen, record, makeDue } = await setup()
  await place(1)
  let broken = true
  const subscriptions = [
    on(placed, async (tx, _app, events) => record(tx, events)),
    on(placed, async () => {
      if (broken) throw new Error('second')
    }),
  ]
  await publishEvents(app, subscriptions)
  expect(await seen()).toEqual([])
  broken = false
  await makeDue()
  await publishEvents(app, subscriptions)
  expect(await seen()).toEqual([1])
})

test('an event that failed too often becomes one dead letter', async () => {
  const { app, db, place, waiting, makeDue } = await setup()
  await place(5)
  const subscriptions = [
    on(placed, async () => {
      throw new Error('never \0 works')
    }),
  ]
  for (let i = 0; i < eventAttempts.default; i++) {
    expect(await waiting()).toBe(1)
    await makeDue()
    await publishEvents(app, subscriptions)
  }
  expect(await waiting()).toBe(0)
  const letters = await db.query(
    'select kind, name, subject, payload, error, attempts, state from platform.dead_letter',
  )
  expect(letters).toEqual([
    {
      kind: 'event',
      name: 'orders.placed',
      subject: 'order:5',
      payload: { order_id: { $bigint: '5' }, amount: { $bigint: '1' } },
      error: 'Error: never  works',
      attempts: eventAttempts.default,
      state: 'waiting',
    },
  ])
})

test('how long an event waits and how often it is tried are settings', async () => {
  const { app, db, place, waiting, makeDue } = await setup()
  await putSetting(db, eventRetryBase, 1_000_000)
  await putSetting(db, eventRetryFactor, 3)
  await putSetting(db, eventRetryMax, 2_000_000)
  await putSetting(db, eventAttempts, 3)
  await app.settings.refresh()
  await place(5)
  const fails = on(placed, async () => {
    throw new Error('never works')
  })
  for (const [least_s, most_s] of [
    [500, 1_000],
    [1_000, 2_000],
  ] as const) {
    await publishEvents(app, [fails])
    const [event] = await db.query<{ wait_s: number }>(
      'select extract(epoch from next_at - now())::float as wait_s from platform.outbox',
    )
    // A second for the way here.
    expect(event?.wait_s).toBeGreaterThan(least_s - 1)
    expect(event?.wait_s).toBeLessThanOrEqual(most_s)
    await makeDue()
  }
  await publishEvents(app, [fails])
  expect(await waiting()).toBe(0)
  expect(await db.query('select attempts, attempts_max from platform.dead_letter')).toEqual([
    { attempts: 3, attempts_max: 3 },
  ])
})

test('a payload beyond the limit is refused before anything is written', async () => {
  const { db } = await setup()
  const large = defineEvent<{ text: string }>('test.large')
  const attempt = (text: string) => db.transaction(async (tx) => emit(tx, large, [{ text }]))
  await attempt('a'.repeat(65_000))
  await attempt('\u0000"\\й'.repeat(5_000))
  await expect(attempt('a'.repeat(66_000))).rejects.toThrow(InvariantError)
})

test('a commit of this process wakes the publisher', async () => {
  const { app, place } = await setup()
  const heard = Promise.withResolvers<bigint | undefined>()
  const publisher = startPublisher(app, [
    on(placed, async (tx, _app, [event]) => tx.onCommit(() => heard.resolve(event?.payload.order_id))),
  ])
  await place(3)
  expect(await heard.promise).toBe(3n)
  await publisher.stop()
})

test('an announcement of a process without publisher is heard', async () => {
  const { app, db, place } = await setup()
  const announcer = startAnnouncer(app)
  const client = await db.pool.connect()
  await client.query('listen saldo_outbox')
  const message = new Promise((resolve) => client.once('notification', resolve))
  await place(1)
  expect(await message).toMatchObject({ channel: 'saldo_outbox' })
  client.release(true)
  await announcer.stop()
})

test('stop finishes the batch under way', async () => {
  const { app, place, seen, record } = await setup()
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const slow: Subscription = on(placed, async (tx, _app, events) => {
    record(tx, events)
    begun.resolve()
    await gate.promise
  })
  const publisher = startPublisher(app, [slow])
  await place(1)
  await begun.promise
  const stopped = publisher.stop()
  gate.resolve()
  await stopped
  expect(await seen()).toEqual([1])
})
