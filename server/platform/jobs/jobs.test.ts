import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { newSecret } from '#server/kit/id.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import { testDatabase } from '#test/support/database.ts'
import { putSetting, someSettings } from '#test/support/settings.ts'
import type { App } from '../app.ts'
import { correlate, correlationIds } from '../telemetry/correlation.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { listDeadLetters } from './dead-letters.ts'
import { jobAttempts, jobRetryBase, jobRetryFactor, jobRetryMax } from './job-settings.ts'
import type { JobDefinition } from './jobs.ts'
import { openJobs } from './open-jobs.ts'
import { reportJobs } from './report-jobs.ts'
import { startJobRunner } from './runner.ts'
import { watchQueue } from './watch-queue.ts'

interface Payload {
  order_id: bigint
}

/** An app with a queue, and a job whose runs the test scripts. */
async function setup() {
  const { db } = await testDatabase()
  const settings = await someSettings({ db })
  const jobs = openJobs(settings)
  const parts = { db, settings, jobs, log: pino({ level: 'silent' }), metrics: openMetrics(), clock: systemClock }
  const app = parts as unknown as App
  const ran: { payload: Payload; request_id: string | undefined }[] = []
  let behave: (payload: Payload) => Promise<void> | void = () => {}
  const definition: JobDefinition<Payload> = {
    name: 'test.work',
    attempts: 3,
    parse: (payload) => {
      const { order_id } = payload as Partial<Payload>
      if (typeof order_id !== 'bigint') throw new TypeError('order_id is missing')
      return { order_id }
    },
    run: async (_app, payload) => {
      ran.push({ payload, request_id: correlationIds().request_id })
      await behave(payload)
    },
  }
  const enqueue = (order_id: bigint, options?: { run_at?: Date; key?: string }) =>
    db.transaction(async (tx) => app.jobs.enqueue(tx, definition, { order_id }, options))
  const queued = () =>
    db.query<{ id: bigint; attempts: number; last_error: string | null; key: string | null }>(
      'select id, attempts, last_error, key from graphile_worker.jobs order by id',
    )
  const makeDue = () =>
    db.query(
      `select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs where locked_at is null), now())`,
    )
  const outcome = async (name: string) => {
    const all = await app.metrics.counter('saldo_jobs_total', '', ['name', 'outcome']).get()
    return all.values.find((each) => each.labels.outcome === name)?.value ?? 0
  }
  return {
    app,
    db,
    definition,
    ran,
    enqueue,
    queued,
    makeDue,
    outcome,
    behaving: (how: typeof behave) => {
      behave = how
    },
    start: (definitions: JobDefinition<unknown>[] = [definition]) => {
      const runner = startJobRunner(app, definitions, { concurrency: 2, poll_ms: 20 })
      let stopped: Promise<void> | undefined
      const stop = () => (stopped ??= runner.stop())
      onTestFinished(stop)
      return { stop }
    },
  }
}

/** Looks again and again until it holds; the test's time-out bounds it. */
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve))
}

test('a job runs with its payload and the ids of the work that caused it, and leaves the queue', async () => {
  const { ran, enqueue, queued, start, outcome } = await setup()
  start()
  await correlate({ request_id: 'req_1' }, () => enqueue(2n ** 53n + 1n))
  await until(async () => ran.length === 1 && (await queued()).length === 0)
  expect(ran).toEqual([{ payload: { order_id: 2n ** 53n + 1n }, request_id: 'req_1' }])
  expect(await outcome('done')).toBe(1)
})

test('a job of a transaction rolled back never was', async () => {
  const { app, db, definition, queued } = await setup()
  const attempt = db.transaction(async (tx) => {
    app.jobs.enqueue(tx, definition, { order_id: 1n })
    throw new Error('no')
  })
  await expect(attempt).rejects.toThrow('no')
  expect(await queued()).toEqual([])
})

test('many jobs are enqueued by one statement', async () => {
  const { app, db, definition, ran, queued, start } = await setup()
  const payloads = Array.from({ length: 300 }, (_, i) => ({ order_id: BigInt(i) }))
  await db.transaction(async (tx) => {
    app.jobs.enqueueMany(tx, definition, [])
    app.jobs.enqueueMany(tx, definition, payloads)
  })
  expect(await queued()).toHaveLength(300)
  start()
  await until(async () => (await queued()).length === 0)
  expect(ran.map((each) => each.payload.order_id).sort((a, b) => (a < b ? -1 : 1))).toEqual(
    payloads.map((each) => each.order_id),
  )
})

test('a waiting job is replaced by one of the same key', async () => {
  const { ran, enqueue, queued, start } = await setup()
  const later = new Date(Date.now() + 3_600_000)
  await enqueue(1n, { key: 'k', run_at: later })
  await enqueue(2n, { key: 'k' })
  expect(await queued()).toHaveLength(1)
  start()
  await until(() => ran.length === 1)
  expect(ran[0]?.payload.order_id).toBe(2n)
})

test('a job does not run before its time', async () => {
  const { ran, enqueue, queued, start, makeDue } = await setup()
  start()
  await enqueue(1n, { run_at: new Date(Date.now() + 3_600_000) })
  await enqueue(2n)
  await until(() => ran.length === 1)
  expect(ran[0]?.payload.order_id).toBe(2n)
  await makeDue()
  await until(async () => ran.length === 2 && (await queued()).length === 0)
})

test('a job that failed waits and is tried again', async () => {
  const { ran, enqueue, queued, start, behaving, makeDue, outcome, db } = await setup()
  behaving(() => {
    if (ran.length === 1) throw new Error('not yet')
  })
  start()
  await enqueue(1n)
  await until(async () => (await queued())[0]?.last_error !== null)
  expect(await queued()).toMatchObject([{ attempts: 1, last_error: 'Error: not yet' }])
  expect(await db.query('select from graphile_worker.jobs where run_at > now()')).toHaveLength(1)
  await makeDue()
  await until(async () => (await queued()).length === 0)
  expect([ran.length, await outcome('retry'), await outcome('done')]).toEqual([2, 1, 1])
})

test('how long a job waits and how often it is tried are settings', async () => {
  const { app, db, definition, enqueue, ran, queued, start, behaving, makeDue } = await setup()
  await putSetting(db, jobRetryBase, 1_000_000)
  await putSetting(db, jobRetryFactor, 4)
  await putSetting(db, jobRetryMax, 6_000_000)
  await putSetting(db, jobAttempts, 4)
  await app.settings.refresh()
  behaving(() => {
    throw new Error('never')
  })
  start()
  const { attempts: _, ...unlimited } = definition
  await db.transaction(async (tx) => app.jobs.enqueue(tx, unlimited, { order_id: 1n }))
  const waits: [number, number][] = [
    [500, 1_000],
    [2_000, 4_000],
    [3_000, 6_000],
  ]
  for (const [i, [least_s, most_s]] of waits.entries()) {
    await until(async () => (await queued())[0]?.last_error !== null && ran.length === i + 1)
    await until(async () => (await db.query('select from graphile_worker.jobs where locked_at is null')).length === 1)
    const [job] = await db.query<{ wait_s: number; max_attempts: number; attempts: number }>(
      `select extract(epoch from run_at - now())::float as wait_s, attempts, max_attempts from graphile_worker.jobs`,
    )
    expect(job).toMatchObject({ attempts: i + 1, max_attempts: 4 })
    // A second for the way here.
    expect(job?.wait_s).toBeGreaterThan(least_s - 1)
    expect(job?.wait_s).toBeLessThanOrEqual(most_s)
    await makeDue()
  }
  await until(async () => (await queued()).length === 0)
  expect((await listDeadLetters(db)).map((each) => each.attempts)).toEqual([4])
  await enqueue(2n)
  expect(await db.query('select max_attempts from graphile_worker.jobs')).toEqual([{ max_attempts: 3 }])
})

test('a job of a named queue that failed frees its queue', async () => {
  const { db, ran, queued, start, behaving, makeDue } = await setup()
  behaving(() => {
    if (ran.length === 1) throw new Error('not yet')
  })
  start()
  const payload = `{"payload": {"order_id": {"$bigint": "1"}}, "correlation": {}}`
  await db.query(`select graphile_worker.add_job('test.work', payload := $1::json, queue_name := 'one')`, [payload])
  await until(async () => (await queued())[0]?.last_error === 'Error: not yet')
  await makeDue()
  await until(async () => (await queued()).length === 0)
  expect(ran).toHaveLength(2)
})

test('a job that failed its last attempt becomes one dead letter and leaves the queue', async () => {
  const { db, ran, enqueue, queued, start, behaving, makeDue } = await setup()
  behaving(() => {
    throw new Error('never \0 works')
  })
  start()
  await correlate({ request_id: 'req_9' }, () => enqueue(5n))
  await until(async () => {
    await makeDue()
    return (await queued()).length === 0
  })
  expect(ran).toHaveLength(3)
  const [letter, ...others] = await listDeadLetters(db)
  expect(others).toEqual([])
  expect(letter).toMatchObject({
    kind: 'job',
    name: 'test.work',
    payload: { order_id: 5n },
    error: 'Error: never  works',
    attempts: 3,
    state: 'waiting',
    correlation: { request_id: 'req_9', job_id: expect.stringMatching(/^job_\d+$/) },
  })
  expect(await reportJobs(db)).toEqual([
    { queue: 'jobs', kind: 'test.work', state: 'dead', stage: 'stuck', depth: 1, oldest_at: letter?.last_at },
  ])
})

test('a malformed payload is a dead letter at once, without a run', async () => {
  const { db, ran, queued, start, outcome } = await setup()
  start()
  await db.query(`select graphile_worker.add_job('test.work', payload := '{"order_id": "x"}')`)
  await db.query(
    `select graphile_worker.add_job('test.work', payload := '{"payload": {}, "correlation": {"request_id": "r"}}')`,
  )
  await until(async () => (await queued()).length === 0)
  const letters = (await listDeadLetters(db)).sort((a) => (a.correlation.request_id === undefined ? 1 : -1))
  expect(letters.map((each) => [each.payload, each.attempts])).toEqual([
    [{}, 1],
    [{ order_id: 'x' }, 1],
  ])
  expect(letters[0]?.correlation).toMatchObject({ request_id: 'r' })
  expect([ran.length, await outcome('malformed')]).toEqual([0, 2])
})

test('a job whose key was taken by a newer one while it ran is not a dead letter when it fails', async () => {
  const { db, ran, enqueue, queued, start, behaving, outcome } = await setup()
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  behaving(async ({ order_id }) => {
    if (order_id !== 1n) return
    begun.resolve()
    await gate.promise
    throw new Error('out of date')
  })
  start()
  await enqueue(1n, { key: 'k' })
  await begun.promise
  await enqueue(2n, { key: 'k' })
  gate.resolve()
  await until(async () => ran.length === 2 && (await queued()).length === 0)
  expect(await listDeadLetters(db)).toEqual([])
  expect(await outcome('replaced')).toBe(1)
})

test('a kind of job that this worker does not know stays for one that does', async () => {
  const { db, enqueue, queued, ran, start } = await setup()
  start()
  await db.query(`select graphile_worker.add_job('test.other')`)
  await enqueue(1n)
  await until(async () => ran.length === 1 && (await queued()).length === 1)
})

test('a worker that knows no job at all stays, watches and stops', async () => {
  const { app, enqueue, queued, start } = await setup()
  await enqueue(1n)
  const runner = start([])
  const passes = app.metrics.counter('saldo_loop_passes_total', '', ['loop', 'outcome'])
  await until(async () => (await passes.get()).values.some((each) => each.labels.loop === 'jobs.watch'))
  await runner.stop()
  expect(await queued()).toHaveLength(1)
})

test('stop waits for the jobs under way and takes no more', async () => {
  const { db, ran, enqueue, queued, start, behaving } = await setup()
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  behaving(async () => {
    begun.resolve()
    await gate.promise
  })
  const runner = start()
  await enqueue(1n)
  await begun.promise
  let stopped = false
  const stopping = runner.stop().then(() => {
    stopped = true
  })
  // Its other worker looks for jobs until the stop has reached it; then nobody looks.
  const looks = () =>
    db.query(
      `select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and query like '%_private_jobs%' and query_start > clock_timestamp() - interval '200 milliseconds'`,
    )
  await expect.poll(async () => (await looks()).length, { timeout: 10_000 }).toBe(0)
  await enqueue(2n)
  expect(stopped).toBe(false)
  gate.resolve()
  await stopping
  expect(ran.map((each) => each.payload.order_id)).toEqual([1n])
  expect(await queued()).toHaveLength(1)
})

test('jobs of a worker that fell silent are given back, and buried when they have no attempt left', async () => {
  const { app, db, enqueue, queued, outcome } = await setup()
  await enqueue(1n)
  await enqueue(2n)
  await enqueue(3n)
  const lock = (order: number, by: string, attempts: number) =>
    db.query(
      `update graphile_worker._private_jobs set locked_by = $2, locked_at = now() - interval '5 minutes', attempts = $3
     where payload::text like $1`,
      [`%"${order}"%`, by, attempts],
    )
  await lock(1, 'pool-dead', 1)
  await lock(2, 'pool-dead', 3)
  await lock(3, 'pool-alive', 1)
  await watchQueue(app, 'pool-alive')
  expect(await db.query('select attempts, locked_by from graphile_worker.jobs order by id')).toEqual([
    { attempts: 1, locked_by: null },
    { attempts: 1, locked_by: 'pool-alive' },
  ])
  await Promise.all([watchQueue(app, 'pool-alive'), watchQueue(app, 'pool-third')])
  expect(await queued()).toHaveLength(2)
  expect(await listDeadLetters(db)).toMatchObject([
    { kind: 'job', name: 'test.work', payload: { order_id: 2n }, error: 'the worker died while it ran', attempts: 3 },
  ])
  expect(await outcome('dead')).toBe(1)
  const figures = (await reportJobs(db)).map(({ state, stage, depth }) => [state, stage, depth])
  expect(figures.toSorted()).toEqual([
    ['dead', 'stuck', 1],
    ['ready', 'ready', 1],
    ['running', 'running', 1],
  ])
})

test('a runner that loses its connections goes on, and the job under way ends well', async () => {
  const { db, ran, enqueue, queued, start, behaving } = await setup()
  behaving(async ({ order_id }) => {
    if (order_id !== 1n) return
    await db.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and application_name <> 'saldo test'`)
  })
  start()
  await enqueue(1n)
  await until(async () => (await queued()).length === 0)
  await enqueue(2n)
  await until(async () => (await queued()).length === 0)
  // The first may have run twice: its end could not be written.
  expect(new Set(ran.map((each) => each.payload.order_id))).toEqual(new Set([1n, 2n]))
})

test('two jobs of one name, and a payload beyond the limit or with a secret in it, are defects', async () => {
  const { app, db, definition } = await setup()
  expect(() => startJobRunner(app, [definition, definition])).toThrow(InvariantError)
  const text: JobDefinition<string> = { ...definition, parse: String, run: async () => {} }
  for (const payload of ['a'.repeat(100_001), `ss_${newSecret()}`]) {
    const attempt = db.transaction(async (tx) => app.jobs.enqueue(tx, text, payload))
    await expect(attempt).rejects.toThrow(InvariantError)
  }
})
