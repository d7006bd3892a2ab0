import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import { testDatabase } from '#test/support/database.ts'
import type { App } from '../app.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { readCron } from './cron.ts'
import type { Chore } from './jobs.ts'
import { runChore } from './run-chore.ts'
import { startScheduler } from './scheduler.ts'

afterEach(() => {
  vi.useRealTimers()
})

async function setup() {
  const { db } = await testDatabase()
  const parts = { db, log: pino({ level: 'silent' }), metrics: openMetrics(), clock: systemClock }
  const app = parts as unknown as App
  let runs = 0
  const chore = (work: () => Promise<void> = async () => {}, cron = '* * * * *', name = 'test.chore'): Chore => ({
    name,
    cron,
    run: async () => {
      runs += 1
      await work()
    },
  })
  return { app, db, chore, runs: () => runs }
}

const at = (text: string) => new Date(`2026-11-20T${text}Z`)

test('a cron is read in UTC', () => {
  const due = (cron: string, time: string) => readCron(cron, 'c')(new Date(time))
  expect(due('*/15 * * * *', '2026-11-20T10:45:00Z')).toBe(true)
  expect(due('*/15 * * * *', '2026-11-20T10:46:00Z')).toBe(false)
  expect(due('17 3 * * *', '2026-11-20T03:17:00Z')).toBe(true)
  expect(due('17 3 * * *', '2026-11-20T04:17:00Z')).toBe(false)
  expect(due('0 0 1 1-3,12 *', '2026-12-01T00:00:00Z')).toBe(true)
  expect(due('0 0 * * 5', '2026-11-20T00:00:00Z')).toBe(true)
  expect(due('0 0 * * 0', '2026-11-20T00:00:00Z')).toBe(false)
})

test('an unreadable cron and a name used twice are refused at the start', async () => {
  const { app, chore } = await setup()
  for (const cron of ['', '* * * *', '61 * * * *', '@daily', '* * * * * *']) {
    expect(() => startScheduler(app, [chore(undefined, cron)]), cron).toThrow('test.chore')
  }
  expect(() => startScheduler(app, [chore(), chore()])).toThrow(InvariantError)
})

test('several schedulers at once run a chore once a tick', async () => {
  const { app, chore, runs } = await setup()
  const work = chore()
  const race = (tick: Date) => Promise.all([1, 2, 3, 4].map(() => runChore(app, work, tick)))
  expect((await race(at('10:00:00'))).sort()).toEqual(['done', 'taken', 'taken', 'taken'])
  expect((await race(at('10:01:00'))).sort()).toEqual(['done', 'taken', 'taken', 'taken'])
  expect(await runChore(app, work, at('10:00:00'))).toBe('taken')
  expect(runs()).toBe(2)
})

test('a tick that finds the chore still running is left out', async () => {
  const { app, chore, runs } = await setup()
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const slow = chore(() => {
    begun.resolve()
    return gate.promise
  })
  const first = runChore(app, slow, at('10:00:00'))
  await begun.promise
  expect(await runChore(app, slow, at('10:01:00'))).toBe('taken')
  gate.resolve()
  expect(await first).toBe('done')
  expect(await runChore(app, slow, at('10:02:00'))).toBe('done')
  expect(runs()).toBe(2)
})

test('a chore whose scheduler died is free again when its hold has run out', async () => {
  const { app, db, chore } = await setup()
  const hold = (seconds: number) =>
    db.query(
      `insert into platform.chore values ('test.chore', '2026-11-20T10:00Z', now() + make_interval(secs => $1))
     on conflict (name) do update set busy_until = excluded.busy_until`,
      [seconds],
    )
  await hold(30)
  expect(await runChore(app, chore(), at('10:01:00'))).toBe('taken')
  await hold(-1)
  expect(await runChore(app, chore(), at('10:01:00'))).toBe('done')
})

test('a chore that throws is counted and has its next chance', async () => {
  const { app, chore } = await setup()
  const failing = chore(async () => {
    throw new Error('no')
  })
  expect(await runChore(app, failing, at('10:00:00'))).toBe('failed')
  expect(await runChore(app, failing, at('10:01:00'))).toBe('failed')
  const all = await app.metrics.counter('saldo_chores_total', '', ['name', 'outcome']).get()
  expect(all.values).toEqual([{ labels: { name: 'test.chore', outcome: 'failed' }, value: 2 }])
})

test('chores run when the minute turns, missed minutes are not made up for, and stop waits', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: at('10:00:30') })
  const { app, db, chore, runs } = await setup()
  const ticks = async () =>
    (await db.query<{ tick: Date }>('select tick from platform.chore')).map((row) =>
      row.tick.toISOString().slice(11, 19),
    )
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const ran: PromiseWithResolvers<void>[] = gates.map(() => Promise.withResolvers<void>())
  let turn = 0
  const scheduler = startScheduler(app, [
    chore(async () => {
      const mine = turn++
      ran[mine]?.resolve()
      await gates[mine]?.promise
    }),
    chore(async () => {}, '0 5 * * *', 'test.at-five'),
  ])
  vi.advanceTimersByTime(29_999)
  expect(runs()).toBe(0)
  vi.advanceTimersByTime(1)
  await ran[0]?.promise
  expect(await ticks()).toEqual(['10:01:00'])
  gates[0]?.resolve()
  while ((await db.query('select from platform.chore where busy_until is null')).length === 0);

  // The machine sleeps for three hours: the timer goes off late, and once.
  vi.setSystemTime(at('13:07:20'))
  vi.advanceTimersByTime(60_000)
  await ran[1]?.promise
  expect(await ticks()).toEqual(['13:08:00'])

  let stopped = false
  const stopping = scheduler.stop().then(() => {
    stopped = true
  })
  expect(stopped).toBe(false)
  gates[1]?.resolve()
  await stopping
  vi.advanceTimersByTime(600_000)
  expect(runs()).toBe(2)
})
