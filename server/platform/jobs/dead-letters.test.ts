import { expect, test } from 'vitest'
import { atBarrier } from '#test/support/barrier.ts'
import { testDatabase } from '#test/support/database.ts'
import { putSetting, someSettings } from '#test/support/settings.ts'
import type { App } from '../app.ts'
import type { Tx } from '../db/database.ts'
import { dropDeadLetters, listDeadLetters, replayDeadLetters, waitingDeadLetters } from './dead-letters.ts'
import { deadLettersKept } from './job-settings.ts'
import { sweepDeadLetters } from './sweep-dead-letters.ts'

const BY = { actor: 'user:7', reason: 'a test' }

/** Three letters: two of jobs, one of an event. */
async function setup() {
  const { db } = await testDatabase()
  await db.query(`
    insert into platform.dead_letter
      (kind, source_id, name, subject, payload, error, attempts, attempts_max, correlation, first_at, last_at)
    values
      ('job', 1, 'test.work', '', '{"n":{"$bigint":"9007199254740993"}}', 'Error: a', 5, 5, '{"job_id":"job_1"}', now(), now()),
      ('job', 2, 'test.other', '', null, 'Error: b', 3, 3, '{"job_id":"job_2"}', now(), now()),
      ('event', 1, 'orders.placed', 'order:7', '{"order_id":"7"}', 'Error: c', 20, 20, '{}', now(), now())`)
  const letters = await listDeadLetters(db)
  const idOf = (name: string) => letters.find((each) => each.name === name)?.id ?? 0n
  const queue = () => db.query('select task_identifier, max_attempts, attempts from graphile_worker.jobs order by id')
  return { db, idOf, queue, all: letters.map((each) => each.id) }
}

test('letters are listed newest first, filtered and in pages', async () => {
  const { db, idOf } = await setup()
  const names = async (filter: Parameters<typeof listDeadLetters>[1]) =>
    (await listDeadLetters(db, filter)).map((each) => each.name)
  expect(await names({})).toEqual(['orders.placed', 'test.other', 'test.work'])
  expect(await names({ kind: 'job' })).toEqual(['test.other', 'test.work'])
  expect(await names({ name: 'test.work' })).toEqual(['test.work'])
  expect(await names({ limit: 1 })).toEqual(['orders.placed'])
  expect(await names({ limit: 1, before: idOf('orders.placed') })).toEqual(['test.other'])
  expect(await names({ state: 'replayed' })).toEqual([])
  expect(await names({ error: 'or: b' })).toEqual(['test.other'])
  expect(await names({ error: '%' })).toEqual([])
  await db.query(`update platform.dead_letter set last_at = '2026-01-02T00:00:00Z' where name = 'test.work'`)
  const [day, next_day] = [new Date('2026-01-02T00:00:00Z'), new Date('2026-01-03T00:00:00Z')]
  expect(await names({ since: day, until: next_day })).toEqual(['test.work'])
  expect(await names({ until: day })).toEqual([])
  expect(await db.transaction((tx) => waitingDeadLetters(tx, { kind: 'job' }, 1))).toEqual([idOf('test.work')])
  const [letter] = await listDeadLetters(db, { name: 'test.work' })
  expect(letter?.payload).toEqual({ n: 2n ** 53n + 1n })
})

test('a replayed job is back in the queue with all its attempts, an event back in the outbox', async () => {
  const { db, all, queue } = await setup()
  const replayed = await db.transaction((tx) => replayDeadLetters(tx, all, BY))
  expect(replayed.map((each) => each.id).sort()).toEqual([...all].sort())
  expect(await queue()).toEqual([
    { task_identifier: 'test.work', max_attempts: 5, attempts: 0 },
    { task_identifier: 'test.other', max_attempts: 3, attempts: 0 },
  ])
  const payloads = await db.query('select payload from graphile_worker._private_jobs order by id')
  expect(payloads).toEqual([
    { payload: { payload: { n: { $bigint: '9007199254740993' } }, correlation: { job_id: 'job_1' } } },
    { payload: { correlation: { job_id: 'job_2' } } },
  ])
  const outbox = await db.query('select type, subject, payload, attempts from platform.outbox')
  expect(outbox).toEqual([{ type: 'orders.placed', subject: 'order:7', payload: { order_id: '7' }, attempts: 0 }])
  for (const letter of await listDeadLetters(db, { state: 'replayed' })) {
    expect(letter).toMatchObject({ settled_at: expect.any(Date), settled_by: 'user:7', settled_reason: 'a test' })
  }
})

test('one that is replayed while another drops it is either, not both', async () => {
  const { db, idOf, queue } = await setup()
  const id = idOf('test.work')
  const hold = (tx: Tx) => tx.query('select from platform.dead_letter where id = $1 for update', [id])
  const settle = (how: typeof replayDeadLetters) => () => db.transaction((tx) => how(tx, [id], BY))
  const [replayed, dropped] = await atBarrier(db, hold, [settle(replayDeadLetters), settle(dropDeadLetters)])
  expect([replayed, dropped].flat()).toHaveLength(1)
  expect(await queue()).toHaveLength(replayed?.length ?? -1)
})

test('four who press at once replay once', async () => {
  const { db, idOf, queue } = await setup()
  const id = idOf('test.work')
  const press = () => db.transaction((tx) => replayDeadLetters(tx, [id], BY))
  const hold = (tx: Tx) => tx.query('select from platform.dead_letter where id = $1 for update', [id])
  const answers = await atBarrier(db, hold, [press, press, press, press])
  expect(answers.flat()).toEqual([{ id, kind: 'job', name: 'test.work' }])
  expect(await queue()).toHaveLength(1)
  expect(await press()).toEqual([])
})

test('a replay whose transaction fails leaves the letter waiting and the queue empty', async () => {
  const { db, all, queue } = await setup()
  const attempt = db.transaction(async (tx) => {
    await replayDeadLetters(tx, all, BY)
    throw new Error('no')
  })
  await expect(attempt).rejects.toThrow('no')
  expect(await queue()).toEqual([])
  expect(await listDeadLetters(db, { state: 'waiting' })).toHaveLength(3)
})

test('a dropped letter cannot be replayed, nor a replayed one dropped', async () => {
  const { db, idOf, queue } = await setup()
  const id = idOf('test.work')
  expect(await db.transaction((tx) => dropDeadLetters(tx, [id], BY))).toMatchObject([{ id }])
  expect(await db.transaction((tx) => replayDeadLetters(tx, [id, 999n], BY))).toEqual([])
  expect(await db.transaction((tx) => dropDeadLetters(tx, [id], BY))).toEqual([])
  expect(await queue()).toEqual([])
  expect(await db.transaction((tx) => replayDeadLetters(tx, [], BY))).toEqual([])
})

test('letters settled long ago are swept, waiting ones never', async () => {
  const { db, idOf } = await setup()
  await db.transaction((tx) => dropDeadLetters(tx, [idOf('test.work'), idOf('test.other')], BY))
  await db.query(`update platform.dead_letter set settled_at = now() - interval '91 days' where name = 'test.work'`)
  await db.query(`update platform.dead_letter set last_at = now() - interval '900 days' where kind = 'event'`)
  const settings = await someSettings({ db })
  const sweep = () => sweepDeadLetters.run({ db, settings } as App)
  await sweep()
  expect((await listDeadLetters(db)).map((each) => each.name)).toEqual(['orders.placed', 'test.other'])
  await db.query(`update platform.dead_letter set settled_at = now() - interval '8 days' where name = 'test.other'`)
  await putSetting(db, deadLettersKept, 7)
  await settings.refresh()
  await sweep()
  expect((await listDeadLetters(db)).map((each) => each.name)).toEqual(['orders.placed'])
})
