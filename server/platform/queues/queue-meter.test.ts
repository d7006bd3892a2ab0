import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { testDatabase } from '#test/support/database.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { type QueueFigure, reportQueues } from './queue.ts'
import { startQueueMeter } from './queue-meter.ts'

test('depth and age of each queue are metrics, and a kind that has gone is told as none', async () => {
  const { db } = await testDatabase()
  const metrics = openMetrics()
  const minute_ago = new Date(Date.now() - 60_000)
  const work: QueueFigure = {
    queue: 'jobs',
    kind: 'a.b',
    state: 'due',
    stage: 'ready',
    depth: 3,
    oldest_at: minute_ago,
  }
  let figures = [work, { ...work, kind: 'c.d', state: 'dead', stage: 'stuck' as const, oldest_at: null }]
  const labels = ['queue', 'kind', 'state', 'stage'] as const
  const depth = metrics.gauge('saldo_queue_depth', 'depth', labels)
  const oldest = metrics.gauge('saldo_queue_oldest_seconds', 'age', labels)
  const app = { db, log: pino({ level: 'silent' }), metrics, clock: systemClock }

  const meter = startQueueMeter(app, [async () => figures])
  await expect.poll(async () => (await depth.get()).values).toHaveLength(2)
  await meter.stop()
  expect((await depth.get()).values).toContainEqual({
    labels: { queue: 'jobs', kind: 'a.b', state: 'due', stage: 'ready' },
    value: 3,
  })
  const ages = (await oldest.get()).values.map(({ labels, value }) => [labels.kind, Math.round(value / 60)])
  expect(ages).toEqual([
    ['a.b', 1],
    ['c.d', 0],
  ])

  figures = [{ ...work, depth: 5 }]
  const later = startQueueMeter(app, [async () => figures])
  onTestFinished(later.stop)
  await expect.poll(async () => (await depth.get()).values.map(({ value }) => value)).toEqual([5, 0])
})

test('reporters are asked one after another: all at once would take the connections of those who serve', async () => {
  const { db } = await testDatabase()
  const asked: string[] = []
  const reporter = (name: string) => async () => {
    asked.push(`${name} begins`)
    await db.query('select 1')
    asked.push(`${name} ends`)
    return []
  }

  await reportQueues(db, [reporter('a'), reporter('b')])

  expect(asked).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})
