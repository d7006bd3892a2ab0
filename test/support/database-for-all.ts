import { afterAll, beforeAll } from 'vitest'
import { type Db, openDatabase } from '#server/platform/db/database.ts'
import { createTestDatabase, dropTestDatabase } from './database.ts'

/** One migrated database for all tests of the calling `describe` or file, for tests that do not disturb one another. Call the answer inside a test. */
export function databaseForAll(): () => Db {
  let db: Db | undefined
  let url: string | undefined
  let closed = false
  beforeAll(async () => {
    url = await createTestDatabase()
    const onError = (error: Error) => {
      if (!closed) throw error
    }
    db = openDatabase({ url, connections: 4, application_name: 'saldo test', onError })
  })
  afterAll(async () => {
    await db?.close()
    closed = true
    if (url) await dropTestDatabase(url)
  })
  return () => {
    if (!db) throw new Error('databaseForAll: asked for before the first test')
    return db
  }
}
