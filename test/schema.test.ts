import { expect, test } from 'vitest'
import { testDatabase } from './support/database.ts'
import { dumpSchema } from './support/dump-schema.ts'

test('db/schema.sql is what the migrations come to', async () => {
  const { db } = await testDatabase()
  await expect(await dumpSchema(db)).toMatchFileSnapshot('../db/schema.sql')
})
