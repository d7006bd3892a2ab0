import { expect } from 'vitest'
import type { Db, Tx } from '#server/platform/db/database.ts'

/**
 * Takes locks by `hold`, starts all of `work`, and lets go when each of them waits for a lock: so they race from the same line. Every one of them must come to
 * need a lock that `hold` has; where one comes to need several at once, `waiting` says how many statements wait in all.
 */
export async function atBarrier<T>(
  db: Db,
  hold: (tx: Tx) => Promise<unknown>,
  work: (() => Promise<T>)[],
  waiting = work.length,
): Promise<T[]> {
  const shut = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  const barrier = db.transaction(async (tx) => {
    await hold(tx)
    shut.resolve()
    await open.promise
  })
  // A barrier that cannot be shut fails the test, and not its time-out.
  await Promise.race([shut.promise, barrier])
  const racing = Promise.all(work.map((each) => each()))
  try {
    await Promise.race([expect.poll(() => countWaiting(db), { timeout: 10_000, interval: 5 }).toBe(waiting), racing])
  } finally {
    open.resolve()
    await barrier
  }
  return racing
}

/** What `work` answers while another transaction has the locks that `hold` takes: it fails where it needs one of them. */
export async function whileHeld<T>(db: Db, hold: (tx: Tx) => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  const [shut, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holder = db.transaction(async (tx) => {
    await hold(tx)
    shut.resolve()
    await open.promise
  })
  await Promise.race([shut.promise, holder])
  let done = false
  const working = work().finally(() => {
    done = true
  })
  try {
    while (!done) if ((await countWaiting(db)) > 0) throw new Error('it waits for a lock')
  } finally {
    open.resolve()
    await holder
  }
  return working
}

async function countWaiting(db: Db): Promise<number> {
  const rows = await db.query(`
    select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
  return rows.length
}
