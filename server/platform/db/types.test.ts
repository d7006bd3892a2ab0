import fc from 'fast-check'
import { expect, test } from 'vitest'
import { testDatabase } from '#test/support/database.ts'

test('a moment arrives as it stands, to the millisecond, whatever the year and the fraction', async () => {
  const { db } = await testDatabase()
  const moments = fc.array(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }))
  await fc.assert(
    fc.asyncProperty(moments, fc.integer({ min: 0, max: 999 }), async (given, microseconds) => {
      const rows = await db.query<{ at: Date }>(
        `select at + $2 * interval '1 microsecond' as at from unnest($1::timestamptz[]) with ordinality as moment (at, place) order by place`,
        [given, microseconds],
      )
      expect(rows.map(({ at }) => at)).toEqual(given)
    }),
    { numRuns: 100 },
  )
})

test('before our era, without end, and in another time zone it is what the driver makes of it', async () => {
  const { db } = await testDatabase()
  const [row] = await db.transaction(async (tx) => {
    tx.send(`set local timezone = 'Asia/Kolkata'`)
    return tx.query<Record<string, Date>>(
      `select 'infinity'::timestamptz as never, '0044-03-15 BC'::timestamptz as bc, '2026-11-29 10:00:00.5Z'::timestamptz as there`,
    )
  })
  expect(row?.never).toBe(Infinity)
  expect(row?.bc?.getUTCFullYear()).toBe(-43)
  expect(row?.there).toEqual(new Date('2026-11-29T10:00:00.500Z'))
})
