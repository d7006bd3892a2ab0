import fc from 'fast-check'
import { expect, test } from 'vitest'
import { testDatabase } from '#test/support/database.ts'
import { int8Array, textArray, textColumn, tidColumn, uuidColumn } from './arrays.ts'

const text = fc
  .string({ unit: 'grapheme', maxLength: 60 })
  .filter((each) => each.isWellFormed() && !each.includes('\0'))
const uuid = fc.stringMatching(/^[0-9a-f]{32}$/)
const int8 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const place = fc.record({ page: fc.integer({ min: 0, max: 2 ** 32 - 1 }), row: fc.integer({ min: 0, max: 65_535 }) })

const same = <T>(row: T): T => row

test('arrays arrive as they were sent, whatever is in them', async () => {
  const { db } = await testDatabase()
  const lists = fc.record({
    texts: fc.array(fc.option(text)),
    uuids: fc.array(uuid),
    int8s: fc.array(fc.option(int8)),
    places: fc.array(place),
  })
  await fc.assert(
    fc.asyncProperty(lists, async ({ texts, uuids, int8s, places }) => {
      const [read] = await db.query<Record<string, unknown>>(
        `select $1::text[] as texts, $2::text[] as literals, $3::uuid[]::text[] as uuids, $4::bigint[] as int8s, $5::tid[]::text[] as places`,
        [textColumn(texts, same), textArray(texts), uuidColumn(uuids, same), int8Array(int8s), tidColumn(places, same)],
      )
      expect(read).toEqual({
        texts,
        literals: texts,
        uuids: uuids.map((each) => each.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')),
        int8s,
        places: places.map(({ page, row }) => `(${page},${row})`),
      })
    }),
    { numRuns: 200 },
  )
})

test('a number beyond 64 bits is refused before anything leaves', () => {
  expect(() => int8Array([2n ** 63n])).toThrow(RangeError)
  expect(() => int8Array([-(2n ** 63n) - 1n])).toThrow(RangeError)
})
