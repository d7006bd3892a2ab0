import type { Job } from 'graphile-worker'
import { expect, onTestFinished, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { testApp } from '#test/support/app.ts'
import { putSetting } from '#test/support/settings.ts'
import { startLoop } from '../db/loop.ts'
import { ProblemError } from '../http/problem.ts'
import { testServer } from '../http/test-server.ts'
import { runChore } from '../jobs/run-chore.ts'
import { runJob } from '../jobs/run-job.ts'
import { emit } from '../outbox/emit.ts'
import { defineEvent } from '../outbox/event.ts'
import { eventAttempts, eventRetryBase } from '../outbox/event-settings.ts'
import { publishDue, publishFresh } from '../outbox/publish-events.ts'
import { on } from '../outbox/subscription.ts'
import { type Failure, onFailure, reportFailure } from '../telemetry/failures.ts'
import { openLog } from '../telemetry/log.ts'
import { openMetrics } from '../telemetry/metrics.ts'

/** What is reported in this process while the test runs. */
function reported(): Failure[] {
  const failures: Failure[] = []
  onTestFinished(onFailure((failure) => failures.push(failure)))
  return failures
}

const broken = new Error('broken')
const defect = new InvariantError('cannot be')

test('a request that fails unforeseen is reported with its route and id; a refusal is not', async () => {
  const failures = reported()
  const { ask } = await testServer((app) => {
    app.get('/broken/:id', () => Promise.reject(broken))
    app.get('/refused', () => Promise.reject(new Refusal()))
  })
  const { body } = await ask('/broken/7')
  await ask('/refused')
  await ask('/nowhere')
  expect(failures).toEqual([
    { kind: 'request', name: 'GET /broken/:id', error: broken, correlation: { request_id: body.request_id } },
  ])
})

class Refusal extends ProblemError {
  constructor() {
    super({ code: 'refused', status: 422, title: 'No' })
  }
}

test('a job is reported when it is given up, when it is malformed, and at once when an invariant broke', async () => {
  const failures = reported()
  const app = await testApp()
  const attempt = async (error: Error, attempts: number, malformed = false) => {
    const parse = () => {
      if (malformed) throw error
    }
    const definition = { name: 'test.work', attempts: 3, parse, run: () => Promise.reject(error) }
    const job = { id: '1', task_identifier: 'test.work', payload: { correlation: { request_id: 'r' } }, key: null }
    const stored = { ...job, attempts, max_attempts: 3, created_at: new Date() } as unknown as Job
    await runJob(app, definition, stored).catch(() => undefined)
    return failures.splice(0)
  }
  const told = (error: Error) => [
    { kind: 'job', name: 'test.work', error, correlation: { request_id: 'r', job_id: 'job_1' } },
  ]
  expect(await attempt(broken, 1)).toEqual([])
  expect(await attempt(broken, 3)).toEqual(told(broken))
  expect(await attempt(defect, 1)).toEqual(told(defect))
  expect(await attempt(broken, 1, true)).toEqual(told(broken))
})

test('an event is reported when it is given up, and at once when an invariant broke', async () => {
  const failures = reported()
  const app = await testApp()
  await putSetting(app.db, eventAttempts, 2)
  await putSetting(app.db, eventRetryBase, 1)
  await app.settings.refresh()
  const event = defineEvent<{ n: number }>('test.happened')
  let error: Error = broken
  const subscription = on(event, () => Promise.reject(error))
  const publishUntil = async (count: number) => {
    await expect
      .poll(
        async () => {
          await publishFresh(app, [subscription])
          await publishDue(app, [subscription])
          return failures.length
        },
        { timeout: 10_000 },
      )
      .toBe(count)
  }
  await app.db.transaction(async (tx) => emit(tx, event, [{ n: 1 }]))
  await publishUntil(1)
  expect(failures).toMatchObject([{ kind: 'event', name: 'test.happened', error: broken }])
  expect(await app.db.query('select from platform.dead_letter')).toHaveLength(1)
  error = defect
  await app.db.transaction(async (tx) => emit(tx, event, [{ n: 2 }]))
  await publishUntil(2)
  expect(failures[1]).toMatchObject({ kind: 'event', error: defect })
})

test('a chore that fails is reported', async () => {
  const failures = reported()
  const app = await testApp()
  await runChore(app, { name: 'test.chore', cron: '* * * * *', run: () => Promise.reject(broken) }, new Date())
  expect(failures).toEqual([{ kind: 'chore', name: 'test.chore', error: broken, correlation: { chore: 'test.chore' } }])
})

test('a loop is reported from its fifth failure in a row on, and at once when an invariant broke', async () => {
  const failures = reported()
  const passes = async (errors: (Error | undefined)[]) => {
    const done = Promise.withResolvers<void>()
    let pass = 0
    const run = async () => {
      const error = errors[pass]
      pass += 1
      if (pass === errors.length) done.resolve()
      if (error) throw error
      return pass < errors.length
    }
    const backoff = { base_ms: 1, max_ms: 1 }
    const parts = { log: openLog({ level: 'silent' }), metrics: openMetrics() }
    const loop = startLoop({ name: 'test.loop', run, idle_ms: 60_000, backoff, ...parts })
    await done.promise
    await loop.stop()
    return failures.splice(0).map(({ kind, name, error }) => [kind, name, error])
  }
  const told = (error: Error) => ['loop', 'test.loop', error]
  expect(await passes([broken, broken, broken, broken, undefined, broken, undefined])).toEqual([])
  expect(await passes(Array.from({ length: 6 }, () => broken))).toEqual([told(broken), told(broken)])
  expect(await passes([defect, undefined])).toEqual([told(defect)])
})

test('who listens badly disturbs neither the one who reports nor the others who listen', () => {
  onTestFinished(
    onFailure(() => {
      throw new Error('badly')
    }),
  )
  const failures = reported()
  expect(() => reportFailure({ kind: 'process', name: 'test', error: broken })).not.toThrow()
  expect(failures).toHaveLength(1)
})
