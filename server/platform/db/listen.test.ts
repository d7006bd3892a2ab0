import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { testDatabase } from '#test/support/database.ts'
import { waitFor } from '#test/support/identity.ts'
import { openLog } from '../telemetry/log.ts'
import { listen } from './listen.ts'

const CUT = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and query in ('select 1', 'listen "news"')`

async function setup() {
  const { db } = await testDatabase()
  const heard: string[] = []
  const log = openLog({ level: 'silent' })
  const listener = await listen({ db, clock: systemClock, log }, 'news', (payload) => heard.push(payload))
  onTestFinished(() => listener.close())
  return { db, heard, listener }
}

test('what is notified is heard once it is committed, and what is rolled back is not', async () => {
  const { db, heard, listener } = await setup()
  expect(listener.listeningSince()).toBeDefined()
  await db
    .transaction(async (tx) => {
      tx.send(`select pg_notify('news', 'rolled back')`)
      throw new Error('no')
    })
    .catch((error: Error) => expect(error.message).toBe('no'))
  await db.query(`select pg_notify('news', 'committed')`)
  await waitFor(async () => heard.length > 0, 2_000)
  expect(heard).toEqual(['committed'])
})

test('what was committed before the moment confirmed has been heard', async () => {
  const { db, heard, listener } = await setup()
  for (let i = 1; i <= 5; i++) {
    await db.query(`select pg_notify('news', $1)`, [String(i)])
    const committed_at = performance.now()
    await waitFor(async () => listener.confirmedAt() > committed_at, 2_000)
    expect(heard).toHaveLength(i)
  }
})

test('a cut connection is known to be down, comes back, and says since when it hears again', async () => {
  const { db, heard, listener } = await setup()
  const first = listener.listeningSince() as number
  expect(await db.query(CUT)).toHaveLength(1)
  await waitFor(async () => listener.listeningSince() === undefined, 2_000)
  await waitFor(async () => listener.listeningSince() !== undefined, 2_000)
  expect(listener.listeningSince()).toBeGreaterThan(first)
  await db.query(`select pg_notify('news', 'again')`)
  await waitFor(async () => heard.includes('again'), 2_000)
})

test('closing leaves no connection behind, and may be done twice', async () => {
  const { db, listener } = await setup()
  await Promise.all([listener.close(), listener.close()])
  expect(listener.listeningSince()).toBeUndefined()
  await waitFor(async () => {
    const left = await db.query(
      `select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query <> ''`,
    )
    return left.length === 0
  }, 2_000)
})
