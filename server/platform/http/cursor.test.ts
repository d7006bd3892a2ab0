import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CursorError, keysetCursor } from './cursor.ts'

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

/** The `Link` header of a page at `url` that ends with the row 7. */
function linkAt(url: string): { link: string | undefined; cursor: string | null } {
  const headers = new Map<string, string>()
  const reply = { header: (name: string, value: string) => headers.set(name, value) }
  const { next_cursor } = keysetCursor({ id: 'bigint' }).next({ url }, reply, [{ id: 9n }, { id: 7n }], true)
  return { link: headers.get('link'), cursor: next_cursor }
}

test('the link to the next page keeps the conditions and replaces the cursor', () => {
  const { link, cursor } = linkAt('/api/v1/orders')
  expect(keysetCursor({ id: 'bigint' }).decode(cursor as string)).toEqual({ id: 7n })
  expect(link).toBe(`</api/v1/orders?cursor=${cursor}>; rel="next"`)
  expect(linkAt('/api/v1/orders?status=open&cursor=old&limit=5').link).toBe(
    `</api/v1/orders?status=open&cursor=${cursor}&limit=5>; rel="next"`,
  )
  expect(linkAt('/a>;%22?q=%3E,"').link).toBe(`</a%3E;%22?q=%3E%2C%22&cursor=${cursor}>; rel="next"`)
})

test('the last page names no next one', () => {
  const reply = {
    header: (): never => {
      throw new Error('no header is set')
    },
  }
  const cursor = keysetCursor({ id: 'bigint' })
  expect(cursor.next({ url: '/' }, reply, [{ id: 1n }], false)).toEqual({ has_more: false, next_cursor: null })
  expect(cursor.next({ url: '/' }, reply, [], false)).toEqual({ has_more: false, next_cursor: null })
})
