import { expect, onTestFinished, test } from 'vitest'
import { sentryControlOf } from '#sandbox/sentry/client.ts'
import { startSentry } from '#sandbox/sentry/start-sentry.ts'
import { systemClock } from '#server/kit/clock.ts'
import { openOutbound } from '../outbound/outbound.ts'
import { reportFailure } from '../telemetry/failures.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { openSentry } from './open-sentry.ts'
import { impersonal } from './sentry-event.ts'

const KEY = 'sk_Abcdefghij-klmnopqrst_uvwxyz0123456789ABCDE'

interface Event {
  release: string
  environment: string
  level: string
  fingerprint: string[]
  transaction: string
  tags: Record<string, string>
  extra: { occurrences_since_last: number }
  exception: {
    values: { type: string; value: string; stacktrace: { frames: { filename: string; function: string }[] } }[]
  }
  user?: unknown
  server_name?: unknown
  request?: unknown
}

async function setup(options: { dsn?: string; allow_private_addresses?: boolean } = {}) {
  const sandbox = await startSentry()
  onTestFinished(() => sandbox.close())
  const control = sentryControlOf(sandbox.url)
  const { allow_private_addresses = true } = options
  const outbound = openOutbound({ allow_private_addresses, user_agent: 'Saldo' })
  onTestFinished(() => outbound.close())
  const clock = { ...systemClock, ahead_ms: 0, monotonic_ms: () => performance.now() + clock.ahead_ms }
  const metrics = openMetrics()
  const dsn = options.dsn ?? sandbox.dsn
  const sentry = openSentry({ outbound, metrics, clock }, { dsn, release: 'saldo@1.2.3', environment: 'production' })
  onTestFinished(() => sentry.close())
  const outcomes = async () => {
    const metric = await metrics.registry.getSingleMetric('saldo_sentry_events_total')?.get()
    return Object.fromEntries(metric?.values.map((each) => [each.labels.outcome, each.value]) ?? [])
  }
  const events = async () => (await control.received()).events as unknown as Event[]
  return { sandbox, control, sentry, clock, outcomes, events }
}

const failing = (message = 'it broke', options?: ErrorOptions) => new RangeError(message, options)

const report = (error: unknown, name = 'GET /x') =>
  reportFailure({ kind: 'request', name, error, correlation: { request_id: 'req-1', user_name: 'Ada' } })

test('an error arrives with release, environment, fingerprint, request id and a stack of our files', async () => {
  const { events, sentry, outcomes } = await setup()
  report(failing('it broke', { cause: new TypeError('deep within') }))
  await expect.poll(events, { timeout: 10_000 }).toHaveLength(1)
  await sentry.flush()
  const [event] = (await events()) as [Event]
  expect(event).toMatchObject({
    release: 'saldo@1.2.3',
    environment: 'production',
    level: 'error',
    fingerprint: [expect.stringMatching(/^[0-9a-f]{32}$/)],
    transaction: 'GET /x',
    tags: { kind: 'request', request_id: 'req-1' },
    extra: { occurrences_since_last: 1 },
  })
  expect(event.exception.values.map(({ type, value }) => [type, value])).toEqual([
    ['TypeError', 'deep within'],
    ['RangeError', 'it broke'],
  ])
  const frames = event.exception.values[1]?.stacktrace.frames ?? []
  expect(frames.at(-1)).toMatchObject({
    filename: expect.stringContaining('server/platform/sentry/open-sentry.test.ts'),
    function: 'failing',
  })
  expect(await outcomes()).toEqual({ taken: 1 })
})

test('no secret and no person leaves the house', async () => {
  const { events } = await setup()
  report(failing(`user ada@example.com from 192.0.2.7 and 2001:db8::7:1 sent ${KEY} with password=hunter2`))
  await expect.poll(events, { timeout: 10_000 }).toHaveLength(1)
  const [event] = (await events()) as [Event]
  const text = JSON.stringify(event)
  expect(text).not.toMatch(/Abcdefghij|hunter2|ada@|192\.0\.2\.7|2001:db8|"Ada"/)
  expect([event.user, event.server_name, event.request]).toEqual([undefined, undefined, undefined])
  expect(text).not.toContain(import.meta.dirname)
})

test.for([
  ['mail to ada.l+x@mail.example.com now', 'mail to *** now'],
  ['from 203.0.113.250:443', 'from ***:443'],
  ['version 1.2.3 at 12:30:45', 'version 1.2.3 at 12:30:45'],
  ['2026-01-01T12:30:45.123Z (file.ts:12:30)', '2026-01-01T12:30:45.123Z (file.ts:12:30)'],
  ['by 2001:db8::7:1, fe80::1 and [::1]:443', 'by ***, *** and [***]:443'],
  ['2001:db8::1: refused', '***: refused'],
  ['::ffff:192.0.2.7', '***'],
  ['ECONNREFUSED 2001:db8:0:0:0:0:0:1:5432', 'ECONNREFUSED ***:5432'],
])('people leave a text, and nothing else: %s', ([text, expected]) => {
  expect(impersonal(text as string)).toBe(expected)
})

test('one of a kind is told once a minute, with how many there were; others are told at once', async () => {
  const { events, clock, outcomes } = await setup()
  for (let i = 0; i < 40; i++) report(failing())
  report(new TypeError('another'))
  await expect.poll(events, { timeout: 10_000 }).toHaveLength(2)
  clock.ahead_ms += 60_001
  report(failing())
  await expect.poll(events, { timeout: 10_000 }).toHaveLength(3)
  expect((await events()).map((each) => each.extra.occurrences_since_last)).toEqual([1, 1, 40])
  expect(await outcomes()).toMatchObject({ held_back: 39 })
})

test('of ever new kinds no more than sixty a minute are told', async () => {
  const { outcomes, sentry } = await setup()
  for (let i = 0; i < 100; i++) report(Object.assign(failing(), { code: `E${i}` }))
  await sentry.flush()
  const { held_back = 0, ...others } = await outcomes()
  expect(held_back).toBeGreaterThanOrEqual(40)
  expect(Object.values<number>(others).reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(60)
})

test('after 429 nothing is sent for as long as Sentry asked', async () => {
  const { control, outcomes, sentry } = await setup()
  await control.setFaults({ rate_limit: { ms: 60_000 } })
  report(failing())
  await sentry.flush()
  await control.setFaults({})
  report(new TypeError('another'))
  await sentry.flush()
  expect(await control.received()).toMatchObject({ requests: 1, events: [] })
  expect(await outcomes()).toEqual({ refused: 1 })
})

test.for(['http_5xx', 'cut', 'nonsense'] as const)(
  'a Sentry that answers %s costs the event and nothing else; the next one is told',
  async (fault) => {
    const { control, events, sentry } = await setup()
    await control.setFaults({ [fault]: { limit: 1 } })
    report(failing())
    await sentry.flush()
    expect(await events()).toEqual([])
    report(new TypeError('another'))
    await expect.poll(events, { timeout: 10_000 }).toHaveLength(1)
  },
)

test('a Sentry that is dead slows no one who fails, and the process stops in time', async () => {
  const { control, sentry, outcomes } = await setup()
  await control.setFaults({ hang: 1 })
  // None of these waits: all are reported in one turn, before a byte could have come back.
  let turns = 0
  setImmediate(() => {
    turns += 1
  })
  for (let i = 0; i < 2_000; i++) report(Object.assign(failing(), { code: `E${i}` }))
  expect(turns).toBe(0)
  await sentry.close()
  const { taken = 0, held_back = 0 } = await outcomes()
  expect(taken).toBe(0)
  expect(held_back).toBeGreaterThan(1_900)
})

test('one that is not there costs the event, and one behind a private address is not called', async () => {
  const gone = await setup({ dsn: 'http://abc@127.0.0.1:9/1' })
  report(failing())
  await gone.sentry.flush()
  await expect.poll(gone.outcomes, { timeout: 10_000 }).toEqual({ failed: 1 })
  const guarded = await setup({ allow_private_addresses: false })
  report(failing())
  await expect.poll(guarded.outcomes, { timeout: 10_000 }).toEqual({ failed: 1 })
  expect((await guarded.control.received()).requests).toBe(0)
})

test('a wrong key is refused, and nothing is taken', async () => {
  const { sandbox } = await setup()
  const other = new URL(sandbox.dsn)
  other.username = 'f'.repeat(32)
  const { control, outcomes } = await setup({ dsn: other.href })
  report(failing())
  await expect.poll(outcomes, { timeout: 10_000 }).toMatchObject({ refused: 1 })
  expect((await control.received()).events).toEqual([])
})
