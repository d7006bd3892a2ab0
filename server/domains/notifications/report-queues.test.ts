import { expect, test } from 'vitest'
import type { QueueFigure } from '#server/platform/queues/queue.ts'
import { testDatabase } from '#test/support/database.ts'
import { reportMessages } from './messages/report-messages.ts'
import { reportDeliveries } from './webhooks/deliveries/report-deliveries.ts'

const told = (figures: QueueFigure[]) =>
  figures.map(({ kind, state, stage, depth, oldest_at }) => {
    const waited_s = oldest_at === null ? null : Math.round((Date.now() - oldest_at.getTime()) / 10_000) * 10
    return [kind, state, stage, depth, waited_s]
  })

test('deliveries to webhooks are told by state, and how long the oldest has been due', async () => {
  const { db } = await testDatabase()
  expect(told(await reportDeliveries(db))).toEqual([
    ['deliver', 'due', 'ready', 0, null],
    ['deliver', 'sending', 'running', 0, null],
    ['deliver', 'waiting', 'later', 0, null],
  ])
  const insert = `insert into notifications.webhook_delivery (event_id, webhook_id, state, due_at, claimed_until, delivered_at)
    select gen_random_uuid(), 1, $1, now() + $2::interval, now() + $3::interval, now() + $4::interval`
  await db.query(insert, ['due', '-60 seconds', null, null])
  await db.query(insert, ['due', '-30 seconds', null, null])
  await db.query(insert, ['sending', null, '1 minute', null])
  await db.query(insert, ['waiting', '1 hour', null, null])
  await db.query(insert, ['delivered', null, null, '0 seconds'])
  expect(told(await reportDeliveries(db))).toEqual([
    ['deliver', 'due', 'ready', 2, 60],
    ['deliver', 'sending', 'running', 1, null],
    ['deliver', 'waiting', 'later', 1, null],
  ])
})

test('messages are told by channel and state, and one that was sent is not; so are occasions that are not gathered yet', async () => {
  const { db } = await testDatabase()
  const insert = `insert into notifications.message (key, channel, kind, address, data, state, created_at, next_at, claimed_until, ended_at)
    values (gen_random_uuid()::text, $1, 'test', 'someone@example.com', '{}', $2, now(), now() + $3::interval, now() + $4::interval, now() + $5::interval)`
  await db.query(insert, ['email', 'waiting', '-30 seconds', null, null])
  await db.query(insert, ['email', 'waiting', '8 hours', null, null])
  await db.query(insert, ['email', 'sent', null, null, '0 seconds'])
  await db.query(insert, ['telegram', 'sending', null, '1 minute', null])
  await db.query(
    `insert into notifications.occasion (user_id, kind, tallies, at) values (1, 'orders_completed', '{}', now() - interval '20 seconds')`,
  )
  expect(told(await reportMessages(db))).toEqual([
    ['email', 'due', 'ready', 1, 30],
    ['email', 'later', 'later', 1, null],
    ['email', 'sending', 'running', 0, null],
    ['telegram', 'due', 'ready', 0, null],
    ['telegram', 'later', 'later', 0, null],
    ['telegram', 'sending', 'running', 1, null],
    ['gathering', 'due', 'ready', 1, 20],
  ])
})
