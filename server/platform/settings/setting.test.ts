import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineSetting, parseSetting, valueErrors } from './setting.ts'

const named = (name: string) => defineSetting({ name, schema: z.string(), default: '', description: 'Some words.' })

test('a secret cannot be made a setting', () => {
  for (const name of ['smtp.password', 'telegram.bot_token', 'sentry.client_secret', 'api_key.length', 'a.secret.b']) {
    expect(() => named(name)).toThrow('would be a secret')
  }
  expect(named('sign_in.failures_max').name).toBe('sign_in.failures_max')
})

test('a name is words in small letters, joined by dots', () => {
  for (const name of ['plain', 'A.b', 'a.B', 'a..b', '.a', 'a.', 'a.1b', 'a b.c', 'a-b.c', `a.${'b'.repeat(99)}`, '']) {
    expect(() => named(name)).toThrow('is not the name of a setting')
  }
})

test('a default that the schema refuses is a defect that shows at the start', () => {
  const schema = z.number().min(1)
  expect(() => defineSetting({ name: 'a.b', schema, default: 0, description: 'x' })).toThrow('the default of a.b')
})

test('what many share cannot be changed by one of them', () => {
  const setting = defineSetting({
    name: 'a.waits_ms',
    schema: z.object({ list: z.array(z.number()) }),
    default: { list: [1, 2] },
    description: 'x',
  })
  expect(() => setting.default.list.push(3)).toThrow(TypeError)
  const parsed = parseSetting(setting, { list: [5] })
  expect(() => parsed.data?.list.push(3)).toThrow(TypeError)
})

test('what is refused is told by field', () => {
  const schema = z.strictObject({ list: z.array(z.number()) })
  const setting = defineSetting({ name: 'a.b', schema, default: { list: [] }, description: 'x' })
  const errorsOf = (value: unknown) => {
    const parsed = parseSetting(setting, value)
    return parsed.success ? [] : valueErrors(parsed.error)
  }
  expect(errorsOf({ list: [1, 'x'] })).toEqual([{ field: 'value.list.1', reason: 'must be a number' }])
  expect(errorsOf({ list: [], more: 1 })).toEqual([{ field: 'value.more', reason: 'is not a known field' }])
  expect(errorsOf(null)).toEqual([{ field: 'value', reason: 'must be an object' }])
})
