import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CursorError, keysetCursor, nextLink } from './cursor.ts'

const orders = keysetCursor({ created_at: 'timestamp', id: 'bigint' })

test('a cursor gives back the keys it was made of, to the microsecond and beyond 2^53', () => {
  const keys = { created_at: '2026-01-31T12:00:00.123456+00:00', id: 2n ** 63n - 1n }
  const row = { ...keys, amount: 'not a key' }
  expect(orders.encode(row)).toMatch(/^[\w-]+$/)
  expect(orders.decode(orders.encode(row))).toEqual(keys)
})

test('any text and any number survive', () => {
  const names = keysetCursor({ name: 'text', id: 'bigint' })
  const name = fc
    .string({ unit: 'grapheme', maxLength: 50 })
    .filter((text) => !text.includes('\0') && text.isWellFormed())
  fc.assert(
    fc.property(name, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (text, id) => {
      expect(names.decode(names.encode({ name: text, id }))).toEqual({ name: text, id })
    }),
  )
})

test('what this list did not make is refused, naming the field', () => {
  const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const bad = [
    '',
    'x',
    '%',
    'a b',
    made(null),
    made([]),
    made({}),
    made({ id: '1' }),
    made({ created_at: '2026-01-31T12:00:00Z', id: 1 }),
    made({ created_at: '2026-01-31T12:00:00Z', id: '9223372036854775808' }),
    made({ created_at: '2026-99-31T12:00:00Z', id: '1' }),
    made({ created_at: "now'; drop", id: '1' }),
    made({ created_at: '2026-01-31T12:00:00Z', id: '1', owner: '2' }),
    keysetCursor({ id: 'bigint' }).encode({ id: 1n }),
    'A'.repeat(2_000),
  ]
  for (const cursor of bad) expect([cursor, () => orders.decode(cursor)]).toSatisfy(([, decode]) => refused(decode))
  fc.assert(fc.property(fc.string(), (text) => refused(() => orders.decode(text))))
  expect(new CursorError()).toMatchObject({ status: 400, code: 'invalid_cursor', field: 'cursor' })
})

function refused(decode: () => unknown): boolean {
  try {
    decode()
    return false
  } catch (error) {
    return error instanceof CursorError
  }
}

test('the link to the next page keeps the conditions and replaces the cursor', () => {
  expect(nextLink('/api/v1/orders', 'abc')).toBe('</api/v1/orders?cursor=abc>; rel="next"')
  expect(nextLink('/api/v1/orders?status=open&cursor=old&limit=5', 'new')).toBe(
    '</api/v1/orders?status=open&cursor=new&limit=5>; rel="next"',
  )
  expect(nextLink('/a>;%22?q=%3E,"', 'c')).toBe('</a%3E;%22?q=%3E%2C%22&cursor=c>; rel="next"')
})
