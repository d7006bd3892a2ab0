import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Answer } from '#server/domains/providers/line.ts'
import { ProviderReadError } from '#server/domains/providers/provider.ts'
import { readBalance } from './map-balance.ts'
import { readCancelled } from './map-cancel.ts'
import { placeFields, readPlaced } from './map-place.ts'
import { readRefill, readRefillStatuses } from './map-refill.ts'
import { readServices } from './map-services.ts'
import { readStatus, readStatuses } from './map-status.ts'

const MONEY = { currency: 'USD', scale: 6 }

interface Recorded {
  title: string
  ids: string[]
  status: number
  body: string
  expected: object
}

function recorded(name: string): Recorded[] {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'))
}

const answerOf = ({ status, body }: Recorded) => ({ answered: true, status, body }) as const

/** As the fixtures write it: bigint as text, maps as objects, nothing for undefined, messages left out. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Map) return plain(Object.fromEntries(value))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([name, field]) => field !== undefined && name !== 'message')
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]))
}

function outcome(read: () => unknown): unknown {
  try {
    return plain(read())
  } catch (error) {
    if (!(error instanceof ProviderReadError)) throw error
    return { throws: error.reason }
  }
}

describe('add', () => {
  test.each(recorded('add'))('$title ($status)', (each) => {
    expect(outcome(() => readPlaced(answerOf(each), MONEY))).toEqual(each.expected)
  })

  test.each([
    ['dns', false, 'rejected'],
    ['connect', false, 'rejected'],
    ['tls', false, 'rejected'],
    ['address_refused', false, 'rejected'],
    ['timeout', false, 'rejected'],
    ['timeout', true, 'unknown'],
    ['reset', true, 'unknown'],
    ['too_large', true, 'unknown'],
    ['aborted', true, 'unknown'],
    ['connect', true, 'unknown'],
  ] as const)('without an answer: %s, sent %s, is %s', (failure, sent, expected) => {
    const placed = readPlaced({ answered: false, failure, sent }, MONEY)
    expect(placed.outcome).toBe(expected)
    if (placed.outcome === 'rejected') expect(placed.code).toBe('not_sent')
  })

  test('sends what the type needs, and no field that a plain panel does not know', () => {
    const request = { attempt_key: 'a1', provider_service_id: '7', link: 'https://x.example', quantity: 5n }
    const comments = { comments: 'one\ntwo', runs: '3' }
    const base = { action: 'add', service: '7', link: 'https://x.example' }
    expect(placeFields({ ...request, type: 'Default', params: comments }, false)).toEqual({ ...base, quantity: '5' })
    expect(placeFields({ ...request, type: 'Package', params: {} }, false)).toEqual(base)
    expect(placeFields({ ...request, type: 'Custom Comments', params: comments }, false)).toEqual({
      ...base,
      comments: 'one\ntwo',
    })
    const traffic = { country: 'BD', device: '5', type_of_traffic: '1', google_keyword: 'tea', referring_url: 'x.y' }
    const { referring_url: _, ...searched } = traffic
    expect(placeFields({ ...request, type: 'Web Traffic', params: traffic }, false)).toEqual({
      ...{ ...base, ...searched },
      quantity: '5',
    })
    expect(placeFields({ ...request, type: 'Package', params: {} }, true)).toEqual({ ...base, request_id: 'a1' })
  })
})

describe('status', () => {
  test.each(recorded('status'))('$title ($status)', (each) => {
    const [id = ''] = each.ids
    const read = () =>
      each.ids.length === 1 ? readStatus(answerOf(each), id, MONEY) : readStatuses(answerOf(each), each.ids, MONEY)
    expect(outcome(read)).toEqual(each.expected)
  })
})

describe('balance', () => {
  test.each(recorded('balance'))('$title ($status)', (each) => {
    expect(outcome(() => readBalance(answerOf(each), MONEY))).toEqual(each.expected)
  })
})

describe('services', () => {
  test.each(recorded('services'))('$title ($status)', (each) => {
    expect(outcome(() => readServices(answerOf(each), MONEY))).toEqual(each.expected)
  })

  test('takes no NUL into a text and cuts what is endless', () => {
    const body = JSON.stringify([
      { service: 1, name: 'a\0b', type: 'Default', rate: '1', min: 1, max: 2, desc: 'x'.repeat(9_000) },
    ])
    const { services } = readServices({ answered: true, status: 200, body }, MONEY)
    expect(services[0]?.name).toBe('ab')
    expect(services[0]?.description).toHaveLength(5_000)
  })

  test('deep nesting is unreadable, not a crash', () => {
    const body = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    expect(outcome(() => readServices({ answered: true, status: 200, body }, MONEY))).toEqual({
      throws: 'unreadable_answer',
    })
  })
})

describe('after the sale', () => {
  test.each(recorded('cancel'))('cancel: $title ($status)', (each) => {
    expect(outcome(() => readCancelled(answerOf(each), '9'))).toEqual(each.expected)
  })

  test.each(recorded('refill'))('refill: $title ($status)', (each) => {
    expect(outcome(() => readRefill(answerOf(each)))).toEqual(each.expected)
  })

  test.each(recorded('refill_status'))('refill_status: $title ($status)', (each) => {
    expect(outcome(() => readRefillStatuses(answerOf(each), each.ids))).toEqual(each.expected)
  })

  test('what did not leave is refused, what may have arrived is not known', () => {
    for (const read of [readRefill, (answer: Answer) => readCancelled(answer, '9')]) {
      expect(read({ answered: false, sent: false, failure: 'connect' })).toMatchObject({ code: 'not_sent' })
      expect(read({ answered: false, sent: true, failure: 'timeout' })).toMatchObject({ reason: 'timeout' })
    }
  })
})
