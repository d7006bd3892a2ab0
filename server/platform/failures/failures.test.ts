import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { InvariantError, invariant } from '#server/kit/invariant.ts'
import { decodeJson } from '#server/kit/json.ts'
import type { Db } from '#server/platform/db/database.ts'
import { openSettings } from '#server/platform/settings/open-settings.ts'
import { reportFailure } from '#server/platform/telemetry/failures.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { openMetrics } from '#server/platform/telemetry/metrics.ts'
import { testDatabase } from '#test/support/database.ts'
import { describeFailure } from './describe-failure.ts'
import type { CriticalError } from './events.ts'
import { openFailureMemory } from './failure-memory.ts'
import { listFailures, type RememberedFailure } from './queries.ts'
import { resolveFailures } from './resolve-failures.ts'
import { sweepFailures } from './sweep-failures.ts'
import { QUIET_MS } from './write-failures.ts'

/** A process's memory with a clock that the test sets. */
async function setup(db?: Db) {
  const own = db ?? (await testDatabase()).db
  const logged: string[] = []
  const clock = { now_ms: Date.now(), now: () => new Date(clock.now_ms), monotonic_ms: systemClock.monotonic_ms }
  const log = openLog({ level: 'debug', destination: { write: (line) => void logged.push(line) } })
  const app = { db: own, log, metrics: openMetrics(), clock }
  const memory = openFailureMemory(app, { process: 'saldo-test', release: 'saldo@1' })
  onTestFinished(() => memory.close())
  const dropped = async () => {
    const metric = await app.metrics.registry.getSingleMetric('saldo_failures_dropped_total')?.get()
    return metric?.values[0]?.value ?? 0
  }
  return { db: own, app, clock, memory, logged, dropped }
}

const known = async (db: Db): Promise<RememberedFailure[]> => (await listFailures(db, {}, { limit: 100 })).failures

async function told(db: Db): Promise<CriticalError[]> {
  const rows = await db.query<{ payload: string }>(
    `select payload::text as payload from platform.outbox where type = 'errors.critical' order by id`,
  )
  return rows.map((row) => decodeJson(row.payload) as CriticalError)
}

function failing(message = 'it broke'): Error {
  return new TypeError(message)
}

function elsewhere(): Error {
  return new TypeError('it broke')
}

const report = (error: unknown, more: { name?: string; request_id?: string } = {}) =>
  reportFailure({
    kind: 'request',
    name: more.name ?? 'GET /x',
    error,
    correlation: more.request_id ? { request_id: more.request_id } : {},
  })

test('a failure is remembered with its place, its stack and what to look for, and told as new', async () => {
  const { db, memory, clock } = await setup()
  report(failing(), { request_id: 'req-1' })
  await memory.flush()
  const at = new Date(clock.now_ms)
  expect(await known(db)).toMatchObject([
    {
      kind: 'request',
      name: 'GET /x',
      error: 'TypeError',
      place: 'failing server/platform/failures/failures.test.ts',
      message: 'it broke',
      occurrences: 1n,
      first_at: at,
      correlation: { request_id: 'req-1' },
      request_id: 'req-1',
      process: 'saldo-test',
      release: 'saldo@1',
      resolved_at: null,
    },
  ])
  expect(await told(db)).toMatchObject([
    {
      why: 'new',
      error: 'TypeError',
      message: 'it broke',
      occurrences: 1n,
      request_id: 'req-1',
      process: 'saldo-test',
    },
  ])
})

test('it writes by itself, without being asked', async () => {
  const { db } = await setup()
  report(failing())
  await expect.poll(() => known(db), { timeout: 10_000 }).toHaveLength(1)
})

test('the same place and error are one failure whatever it says; another place, error or kind is another', async () => {
  const { db, memory } = await setup()
  for (let i = 0; i < 50; i++) report(failing(`order ${i} broke`), { name: `GET /${i}` })
  report(elsewhere())
  report(Object.assign(failing(), { code: '23505' }))
  reportFailure({ kind: 'job', name: 'a.b', error: failing(), correlation: {} })
  await memory.flush()
  const failures = await known(db)
  expect(
    failures.map((each) => [each.kind, each.error, each.place.split(' ')[0], each.occurrences].join()).sort(),
  ).toEqual([
    'job,TypeError,failing,1',
    'request,TypeError 23505,failing,1',
    'request,TypeError,elsewhere,1',
    'request,TypeError,failing,50',
  ])
  expect(failures.find((each) => each.occurrences === 50n)).toMatchObject({
    message: 'order 49 broke',
    name: 'GET /49',
  })
  expect(await told(db)).toHaveLength(4)
})

test('processes count together, and the first of two at once is told, once', async () => {
  const { db, memory, clock } = await setup()
  const other = await setup(db)
  other.clock.now_ms = clock.now_ms + 5
  // Both hear of each: they listen in one process here.
  for (let i = 0; i < 10; i++) report(failing())
  await Promise.all([memory.flush(), other.memory.flush()])
  expect(await known(db)).toMatchObject([{ occurrences: 20n }])
  expect(await told(db)).toHaveLength(1)
})

test('it is not told again while it goes on, and again when it comes back after a quiet hour', async () => {
  const { db, memory, clock } = await setup()
  const once = async (later_ms: number) => {
    clock.now_ms += later_ms
    report(failing())
    await memory.flush()
    return (await told(db)).map((each) => each.why)
  }
  expect(await once(0)).toEqual(['new'])
  expect(await once(QUIET_MS - 1)).toEqual(['new'])
  expect(await once(QUIET_MS - 1)).toEqual(['new'])
  expect(await once(QUIET_MS)).toEqual(['new', 'again'])
  expect(await known(db)).toMatchObject([{ occurrences: 4n, reopened: 0 }])
})

describe('resolving', () => {
  test('takes it from the open ones, once; the next occurrence opens it again and is told', async () => {
    const { db, memory, clock } = await setup()
    report(failing())
    await memory.flush()
    const [failure] = (await known(db)) as [RememberedFailure]
    clock.now_ms += 1_000
    const resolve = (by: string) =>
      db.transaction((tx) => resolveFailures(tx, { ids: [failure.id], by, at: new Date(clock.now_ms) }))
    expect(
      await Promise.all([resolve('user:1'), resolve('user:1')].map(async (each) => (await each).length)),
    ).toContain(1)
    expect(await resolve('user:2')).toEqual([])
    expect((await listFailures(db, { state: 'open' }, { limit: 10 })).failures).toEqual([])
    expect((await listFailures(db, { state: 'resolved' }, { limit: 10 })).failures).toMatchObject([
      { resolved_by: 'user:1', resolved_at: new Date(clock.now_ms) },
    ])
    clock.now_ms += 1
    report(failing())
    await memory.flush()
    expect(await known(db)).toMatchObject([{ resolved_at: null, resolved_by: null, reopened: 1, occurrences: 2n }])
    expect((await told(db)).map((each) => each.why)).toEqual(['new', 'reopened'])
  })

  test('is not undone by an occurrence from before that is written after', async () => {
    const { db, memory, clock } = await setup()
    report(failing())
    await memory.flush()
    report(failing())
    const [failure] = (await known(db)) as [RememberedFailure]
    const at = new Date(clock.now_ms + 1)
    await db.transaction((tx) => resolveFailures(tx, { ids: [failure.id], by: 'user:1', at }))
    await memory.flush()
    expect(await known(db)).toMatchObject([{ resolved_by: 'user:1', reopened: 0, occurrences: 2n }])
    expect(await told(db)).toHaveLength(1)
  })
})

describe('no failure costs or breaks the one who reports it', () => {
  test('a storm is counted as far as it is looked at, dropped beyond, and never waits', async () => {
    const { db, memory, dropped } = await setup()
    const error = failing()
    for (let i = 0; i < 10_000; i++) report(error)
    await memory.flush()
    const [failure] = await known(db)
    expect(Number(failure?.occurrences) + (await dropped())).toBe(10_000)
    expect(failure?.occurrences).toBeGreaterThanOrEqual(1_000n)
  })

  test('of ever new failures no more wait than there is room for', async () => {
    const { db, memory, dropped } = await setup()
    for (let i = 0; i < 500; i++) report(Object.assign(failing(), { code: `E${i}` }))
    await memory.flush()
    expect(await known(db)).toHaveLength(100)
    const [count] = await db.query<{ count: bigint }>('select count(*) from platform.failure')
    expect([count?.count, await dropped()]).toEqual([200n, 300])
  })

  test('a full table takes no new ones, goes on counting those it has, and says what it lost', async () => {
    const { db, memory, dropped } = await setup()
    report(failing())
    await memory.flush()
    await db.query(`insert into platform.failure (fingerprint, kind, name, error, place, message, stack, occurrences, first_at, last_at, correlation, process, release)
      select md5(n::text), 'job', '', 'Error', 'x', '', '', 1, now(), now(), '{}', '', '' from generate_series(1, 2000) as n`)
    report(failing())
    report(elsewhere())
    await memory.flush()
    const { failures } = await listFailures(db, { kind: 'request' }, { limit: 10 })
    expect(failures).toMatchObject([{ occurrences: 2n }])
    expect(await dropped()).toBe(1)
  })

  test('whatever is thrown is described, and what describes itself badly is dropped', async () => {
    const { db, memory } = await setup()
    const circular: Error & { cause?: unknown } = failing()
    circular.cause = circular
    const noStack = Object.assign(failing('no stack'), { stack: undefined })
    const hostile = {
      toString: () => {
        throw new Error('no')
      },
    }
    for (const thrown of [
      undefined,
      null,
      7,
      'text\0\uD800',
      circular,
      noStack,
      Symbol('x'),
      hostile,
      new Error('x'.repeat(1e6)),
    ]) {
      expect(() => report(thrown)).not.toThrow()
    }
    await memory.flush()
    expect((await known(db)).map((each) => each.error).sort()).toEqual(
      ['Error', 'TypeError', 'TypeError', 'number', 'object', 'string', 'symbol', 'undefined'].sort(),
    )
  })

  test('while the database does not take them they wait, and are counted when it does', async () => {
    const { db, memory, logged } = await setup()
    await db.query('alter table platform.failure rename to failure_away')
    report(failing())
    await memory.flush()
    report(failing())
    await memory.flush()
    expect(logged.filter((line) => line.includes('could not be remembered')).length).toBeGreaterThanOrEqual(1)
    await db.query('alter table platform.failure_away rename to failure')
    await memory.flush()
    expect(await known(db)).toMatchObject([{ occurrences: 2n }])
    expect(await told(db)).toHaveLength(1)
  })

  test('a failure reported within a transaction that is undone stays reported', async () => {
    const { db } = await setup()
    const undone = db.transaction(async () => {
      report(failing())
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await expect.poll(() => known(db), { timeout: 10_000 }).toHaveLength(1)
  })

  test('when the process stops, what waits is written, and nothing is taken any more', async () => {
    const { db, memory } = await setup()
    report(failing())
    await memory.close()
    report(failing())
    await delay(0)
    expect(await known(db)).toMatchObject([{ occurrences: 1n }])
  })
})

describe('what is kept', () => {
  const KEY = 'sk_Abcdefghij-klmnopqrst_uvwxyz0123456789ABCDE'

  test('has no secret in it, in whatever form it came', () => {
    const cause = new Error(`password=hunter2 {"api_key":"${KEY}"}`)
    const described = describeFailure({
      kind: 'job',
      name: 'a.b',
      error: new Error(`called with key=${KEY} and ${KEY}`, { cause }),
    })
    expect(JSON.stringify(described)).not.toMatch(/Abcdefghij|hunter2/)
    expect(described.message).toBe('called with key=*** and ***')
    expect(described.stack).toContain('caused by ')
  })

  test('tells no path of this machine', () => {
    const { stack, place } = describeFailure({ kind: 'job', name: 'a.b', error: failing() })
    expect(stack).toContain('server/platform/failures/failures.test.ts')
    expect(stack).not.toContain(import.meta.dirname)
    expect(place).not.toContain('/work')
  })

  test("of a failed statement the place is its caller's, not the driver's", async () => {
    const { db } = await testDatabase()
    const written = async () => db.transaction(async (tx) => tx.query('select 1 / 0'))
    const error = await written().catch((each: unknown) => each)
    const described = describeFailure({ kind: 'job', name: 'a.b', error })
    expect(described.error).toBe('error 22012')
    expect(described.place).toContain('server/platform/failures/failures.test.ts')
  })

  test('an invariant is told by where it stood', () => {
    const check = () => invariant(false, 'cannot be')
    try {
      check()
    } catch (error) {
      expect(error).toBeInstanceOf(InvariantError)
      expect(describeFailure({ kind: 'job', name: 'a.b', error }).place).toMatch(/^check /)
    }
  })

  test('is forgotten when it has not come back for as long as the setting says', async () => {
    const { db, app, memory, clock } = await setup()
    report(failing())
    clock.now_ms += 86_400_000
    report(elsewhere())
    await memory.flush()
    const settings = await openSettings(app)
    onTestFinished(() => settings.close())
    clock.now_ms += 29 * 86_400_000
    expect(await sweepFailures({ ...app, settings })).toBe(0)
    clock.now_ms += 1
    expect(await sweepFailures({ ...app, settings })).toBe(1)
    expect((await known(db)).map((each) => each.place.split(' ')[0])).toEqual(['elsewhere'])
  })
})

describe('the list', () => {
  test('is filtered, and paged without loss', async () => {
    const { db, memory, clock } = await setup()
    for (let i = 0; i < 7; i++) {
      clock.now_ms += 10
      report(Object.assign(failing(`Number ${i}`), { code: `E${i}` }), { request_id: `req-${i}` })
    }
    await memory.flush()
    const all = await known(db)
    expect(all.map((each) => each.message)).toEqual([6, 5, 4, 3, 2, 1, 0].map((i) => `Number ${i}`))
    const pages: RememberedFailure[] = []
    let after: RememberedFailure | undefined
    for (let more = true; more; ) {
      const page = await listFailures(db, {}, { limit: 3, ...(after && { after }) })
      pages.push(...page.failures)
      after = page.failures.at(-1)
      more = page.has_more
    }
    expect(pages).toEqual(all)
    const only = async (filter: Parameters<typeof listFailures>[1]) =>
      (await listFailures(db, filter, { limit: 10 })).failures.map((each) => each.message)
    expect(await only({ text: 'number 3' })).toEqual(['Number 3'])
    expect(await only({ text: 'FAILURES.TEST.TS' })).toHaveLength(7)
    expect(await only({ text: '%' })).toEqual([])
    expect(await only({ request_id: 'req-2' })).toEqual(['Number 2'])
    expect(await only({ kind: 'job' })).toEqual([])
    const from = new Date(all[1]?.last_at ?? 0)
    expect(await only({ from })).toEqual(['Number 6', 'Number 5'])
    expect(await only({ to: from })).toHaveLength(5)
  })
})
