import { expect, test } from 'vitest'
import { testDatabase } from '#test/support/database.ts'
import { claimMode, WrongModeError } from './claim-mode.ts'

test('a database keeps the mode of its first start', async () => {
  const { db } = await testDatabase()
  await claimMode(db, 'sandbox')
  await claimMode(db, 'sandbox')
  await expect(claimMode(db, 'production')).rejects.toThrow(WrongModeError)
})

test('of two first starts in different modes one is refused', async () => {
  const { db } = await testDatabase()
  const outcomes = await Promise.allSettled([claimMode(db, 'sandbox'), claimMode(db, 'production')])
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
})
