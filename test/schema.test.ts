import { expect, test } from 'vitest'
import type { Db } from '#server/platform/db/database.ts'
import { ensurePartitions } from '#server/platform/db/partitions.ts'
import { testDatabase } from './support/database.ts'
import { dumpSchema } from './support/dump-schema.ts'

test('db/schema.sql is what the migrations come to', async () => {
  const { db } = await testDatabase()
  await expect(await dumpSchema(db)).toMatchFileSnapshot('../db/schema.sql')
})

/** Tables whose rows nobody changes, and the partitions of each. */
async function appendOnly(db: Db) {
  return db.query<{ name: string; parent: string | null }>(
    `select tgrelid::regclass::text as name, inhparent::regclass::text as parent
     from pg_trigger left join pg_inherits on inhrelid = tgrelid where tgname = 'append_only' order by 1`,
  )
}

test('no append-only table is emptied, and none of its partitions, whether the migrations made it or the timetable', async () => {
  const { db } = await testDatabase()
  const tables = await appendOnly(db)
  const parents = [...new Set(tables.flatMap(({ parent }) => parent ?? []))]
  expect(parents).toEqual(['audit.act', 'ledger.release', 'ledger.transfer', 'orders.order_event'])
  // A month that the migrations made is made anew, as the timetable makes each that comes.
  for (const parent of parents) {
    const months = tables.filter((table) => table.parent === parent && /_y\d{4}m\d\d$/.test(table.name))
    await db.query(`drop table ${months.at(-1)?.name}`)
  }
  expect(await ensurePartitions(db, parents)).toBe(parents.length)
  expect(await appendOnly(db)).toEqual(tables)
  for (const { name } of tables) {
    await expect(db.query(`truncate ${name} cascade`), name).rejects.toMatchObject({ code: '23001' })
  }
})
