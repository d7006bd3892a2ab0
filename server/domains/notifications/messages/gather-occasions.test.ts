import { expect, test } from 'vitest'
import type { App } from '#server/platform/app.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { openMessageHouse } from '#test/support/messages.ts'
import { gatherOccasions } from './gather-occasions.ts'
import type { Occasion, Tallies } from './gathering.ts'
import { noteOccasions } from './note-occasions.ts'

const WORKERS = 4
/** More than one transaction takes. */
const OCCASIONS = 5_000

function completed(user_id: bigint, order: number): Occasion {
  return { user_id, kind: 'orders_completed', tallies: { count: 1, partial: 0, cancelled: 0, first: [String(order)] } }
}

function note({ db, clock }: App, occasions: readonly Occasion[]): Promise<void> {
  return db.transaction(async (tx) => noteOccasions(tx, clock.now(), occasions))
}

test('who notes an occasion does not wait for whoever holds what its user has gathered', async () => {
  const { app, user } = await openMessageHouse()
  const { id } = await user()
  await note(app, [completed(id, 1)])
  await gatherOccasions(app)
  const holder = await app.db.pool.connect()
  await holder.query('begin')
  const held = await holder.query('select from notifications.gathering for update')
  expect(held.rowCount).toBe(2)
  // The holder lets go only after it.
  await note(app, [completed(id, 2)])
  await holder.query('rollback')
  holder.release()
})

test(`${WORKERS} workers that gather at once count each of ${OCCASIONS} occasions once`, async () => {
  const { app, user } = await openMessageHouse()
  const ids = [(await user()).id, (await user()).id]
  await app.db.query(
    `insert into notifications.occasion (user_id, kind, tallies, at)
    select ($1::bigint[])[1 + n % 2], 'orders_completed', '{"count":1,"partial":0,"cancelled":0,"first":[]}', now()
    from generate_series(1, $2::int) n`,
    [ids, OCCASIONS],
  )
  const worker = async () => {
    while (await gatherOccasions(app));
  }
  const shut = (tx: Tx) => tx.query('lock table notifications.occasion in access exclusive mode')
  await atBarrier(
    app.db,
    shut,
    Array.from({ length: WORKERS }, () => worker),
  )
  // What a worker found locked by one that was not done yet.
  await worker()
  const gathered = await app.db.query(`select tallies -> 'count' as count from notifications.gathering`)
  expect(gathered).toEqual(Array.from({ length: 4 }, () => ({ count: OCCASIONS / 2 })))
  expect(await app.db.query('select from notifications.occasion')).toEqual([])
})

test('what is gathered is due by the time of its first occasion, however late it is gathered', async () => {
  const { app, user, pass } = await openMessageHouse()
  const { id } = await user()
  const first = app.clock.now()
  await note(app, [completed(id, 1)])
  pass(60_000)
  await note(app, [completed(id, 2)])
  await gatherOccasions(app)
  const [row] = await app.db.query<{ due_at: Date; tallies: Tallies }>(
    `select due_at, tallies from notifications.gathering where channel = 'inbox'`,
  )
  expect(row?.tallies).toMatchObject({ count: 2, first: ['1', '2'] })
  expect((row?.due_at.getTime() ?? 0) - first.getTime()).toBeLessThan(60_000)
})

test('what cannot be gathered is kept, and gathered later', async () => {
  const { app, user } = await openMessageHouse()
  const { id } = await user()
  await note(app, [completed(id, 1)])
  await app.db.query("alter table notifications.gathering add constraint closed check (tallies::text = '{}')")
  await expect(gatherOccasions(app)).rejects.toThrow('closed')
  await app.db.query('alter table notifications.gathering drop constraint closed')
  await gatherOccasions(app)
  expect(await app.db.query(`select tallies -> 'count' as count from notifications.gathering`)).toEqual([
    { count: 1 },
    { count: 1 },
  ])
})
