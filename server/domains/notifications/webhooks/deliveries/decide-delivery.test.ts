import { describe, expect, test } from 'vitest'
import {
  type AttemptOutcome,
  type DeliveryState,
  decideDelivery,
  disabledBy,
  type Health,
  healthAfter,
  retryAfter_ms,
} from './decide-delivery.ts'

const NOW = new Date('2026-11-20T12:00:00Z')
const later = (ms: number) => new Date(NOW.getTime() + ms)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WAITS = [5_000, 5 * MINUTE, 2 * HOUR]

const sending: DeliveryState = {
  state: 'sending',
  claims: 1,
  attempts: 0,
  tries: 0,
  manual: false,
  resume_at: null,
  delivered_at: null,
}
const answered = (status: number, retry_after_ms?: number): AttemptOutcome => ({ status, retry_after_ms })
/** The middle of the jitter: exactly what the schedule says. */
const decide = (delivery: Partial<DeliveryState>, outcome: AttemptOutcome, random = 0.5) =>
  decideDelivery({ ...sending, ...delivery }, outcome, WAITS, NOW, () => random)

describe('a delivery', () => {
  test('has arrived with any 2xx, and with nothing else', () => {
    for (const status of [200, 201, 202, 204, 299]) {
      expect(decide({}, answered(status))).toEqual({ state: 'delivered', tries: 1, due_at: null, delivered_at: NOW })
    }
    for (const status of [100, 199, 300, 301, 302, 304, 307, 400, 401, 404, 429, 500, 503, 599]) {
      expect([status, decide({}, answered(status)).state]).toEqual([status, 'waiting'])
    }
    expect(decide({}, { failure: 'timeout' }).state).toBe('waiting')
  })

  test('waits after each failure as the schedule says, and has failed after the last', () => {
    const waits = [0, 1, 2, 3].map((tries) => decide({ attempts: tries, tries }, answered(500)))
    expect(waits.map(({ state, due_at }) => [state, due_at])).toEqual([
      ['waiting', later(5_000)],
      ['waiting', later(5 * MINUTE)],
      ['waiting', later(2 * HOUR)],
      ['failed', null],
    ])
    expect(decideDelivery(sending, answered(500), [], NOW)).toMatchObject({ state: 'failed', tries: 1 })
  })

  test('waits up to a tenth more or less, so that those who failed together come apart', () => {
    expect(decide({ tries: 1 }, answered(500), 0).due_at).toEqual(later(4.5 * MINUTE))
    expect(decide({ tries: 1 }, answered(500), 0.999999).due_at?.getTime()).toBeCloseTo(
      later(5.5 * MINUTE).getTime(),
      -2,
    )
  })

  test('waits longer where the receiver asks for it, never shorter, and no more than an hour for its sake', () => {
    expect(decide({}, answered(429, 60_000)).due_at).toEqual(later(MINUTE))
    expect(decide({ tries: 1 }, answered(429, 1_000)).due_at).toEqual(later(5 * MINUTE))
    expect(decide({}, answered(503, 10 ** 12)).due_at).toEqual(later(HOUR))
    expect(decide({ tries: 2 }, answered(503, 10 ** 12)).due_at).toEqual(later(2 * HOUR))
  })

  test('has failed at once when the receiver is gone', () => {
    expect(decide({}, answered(410))).toMatchObject({ state: 'failed', due_at: null })
    expect(decide({ manual: true, resume_at: later(HOUR) }, answered(410))).toMatchObject({ state: 'failed' })
  })

  test('is where it was after a failed attempt that a person asked for', () => {
    const manual = { manual: true, attempts: 3, tries: 3 }
    expect(decide(manual, answered(500))).toEqual({ state: 'failed', tries: 3, due_at: null, delivered_at: null })
    expect(decide({ ...manual, resume_at: later(HOUR) }, answered(500))).toMatchObject({
      state: 'waiting',
      tries: 3,
      due_at: later(HOUR),
    })
    const delivered_at = later(-HOUR)
    expect(decide({ ...manual, delivered_at }, answered(500))).toMatchObject({ state: 'delivered', delivered_at })
  })

  test('keeps the time of its first arrival', () => {
    const delivered_at = later(-HOUR)
    expect(decide({ manual: true, delivered_at }, answered(200))).toMatchObject({ state: 'delivered', delivered_at })
  })
})

describe('the health of a webhook', () => {
  const well: Health = { failing_since: null, failures: 0, last_failure_at: null, paused_until: null }
  const DAYS = 24 * HOUR
  const follow = (health: Health, outcome: AttemptOutcome, now = NOW) => healthAfter(health, outcome, 10 * DAYS, now)

  test('fails from the first failure on, and one success forgives all', () => {
    const once = follow(well, answered(500))
    expect(once).toMatchObject({ failing_since: NOW, failures: 1 })
    const twice = follow(once, { failure: 'timeout' }, later(HOUR))
    expect(twice).toMatchObject({ failing_since: NOW, failures: 2, last_failure_at: later(HOUR) })
    expect(follow(twice, answered(204), later(2 * HOUR))).toMatchObject({ failing_since: null, failures: 0 })
  })

  test('forgets failures that say nothing about today', () => {
    const old = { ...well, failing_since: later(-20 * DAYS), failures: 9, last_failure_at: later(-11 * DAYS) }
    expect(follow(old, answered(500))).toMatchObject({ failing_since: NOW, failures: 1 })
    const recent = { ...old, last_failure_at: later(-9 * DAYS) }
    expect(follow(recent, answered(500))).toMatchObject({ failing_since: later(-20 * DAYS), failures: 10 })
  })

  test('rests where the receiver has too much to do: as long as it asks, or longer each time', () => {
    for (const status of [429, 502, 503, 504]) {
      expect(follow(well, answered(status, 30_000)).paused_until).toEqual(later(30_000))
      expect(follow(well, answered(status)).paused_until).toEqual(later(1_000))
    }
    expect(follow({ ...well, failing_since: NOW, failures: 3 }, answered(503)).paused_until).toEqual(later(8_000))
    expect(follow({ ...well, failing_since: NOW, failures: 90 }, answered(503)).paused_until).toEqual(later(MINUTE))
    expect(follow(well, answered(429, 10 ** 12)).paused_until).toEqual(later(HOUR))
    for (const outcome of [answered(500), answered(404), { failure: 'timeout' }]) {
      expect(follow(well, outcome).paused_until).toBeNull()
    }
  })

  test('ends the webhook when it is gone, or has failed for long', () => {
    const failing = (since: Date): Health => ({ ...well, failing_since: since, failures: 5 })
    expect(disabledBy(failing(NOW), answered(410), 5 * DAYS, NOW)).toBe('gone')
    expect(disabledBy(failing(later(-5 * DAYS)), answered(500), 5 * DAYS, NOW)).toBe('failing')
    expect(disabledBy(failing(later(-5 * DAYS + 1)), answered(500), 5 * DAYS, NOW)).toBeUndefined()
    expect(disabledBy(well, answered(200), 5 * DAYS, NOW)).toBeUndefined()
  })
})

test('Retry-After is read as seconds or as a date, and as nothing else', () => {
  const read = (header?: string) => retryAfter_ms(header, NOW)
  expect([read('120'), read(' 0 '), read('999999999')]).toEqual([120_000, 0, 999_999_999_000])
  expect(read('Fri, 20 Nov 2026 12:01:00 GMT')).toBe(60_000)
  expect(read('Fri, 20 Nov 2026 11:00:00 GMT')).toBe(0)
  for (const header of [
    undefined,
    '',
    '-1',
    '1.5',
    '1e9',
    'soon',
    '9999999999',
    'Fri, 99 Nov 2026 12:01:00 GMT',
    '2027-01-01',
  ]) {
    expect([header, read(header)]).toEqual([header, undefined])
  }
})
