import { expect, test } from 'vitest'
import { openWebhookHouse } from '#test/support/webhooks.ts'

const WEBHOOKS = 1_000
const HANGING = 100
const USERS = 10
/** A webhook in ten hangs; all are told of so many events. */
const EVENTS = 3

test(`of ${WEBHOOKS} webhooks ${HANGING} hang, and none of the others waits for them`, {
  timeout: 120_000,
}, async () => {
  const house = await openWebhookHouse()
  // Longer than the test may take: whoever waited for one that hangs would not be done before.
  await house.set({ timeout_ms: 30_000, per_user_max: 100 })
  await house.receiver.setFaults({ hang: { to: 'hanging' } })
  const user_ids = await Promise.all(Array.from({ length: USERS }, house.user))
  const make = async (user_id: bigint, nth: number) => {
    for (let i = 0; i < WEBHOOKS / USERS; i++) {
      await house.webhook(`${i % (WEBHOOKS / HANGING) === 0 ? 'hanging' : 'well'}-${nth}-${i}`, { user_id })
    }
  }
  await Promise.all(user_ids.map(make))
  const work = house.work()
  for (let i = 0; i < EVENTS; i++) for (const user_id of user_ids) await house.tell(user_id)
  work.wake()
  const well = (WEBHOOKS - HANGING) * EVENTS
  await expect
    .poll(async () => (await house.receiver.summary()).events_taken, { timeout: 25_000, interval: 50 })
    .toBe(well)
  const summary = await house.receiver.summary()
  expect(summary).toMatchObject({ taken: well, repeated: 0, wrong_signatures: 0 })
  const states = await house.app.db.query<{ state: string; n: number }>(
    `select d.state, count(*)::int as n from notifications.webhook_delivery d join notifications.webhook w on w.id = d.webhook_id
    where w.url like '%hanging%' group by d.state`,
  )
  const counts = new Map(states.map(({ state, n }) => [state, n]))
  // Each that hangs holds the few requests by which that was found out.
  expect(counts.get('delivered')).toBeUndefined()
  expect(counts.get('sending')).toBeLessThanOrEqual(2 * HANGING)
  // The worker waits for those at its end.
  await house.receiver.setFaults({})
  await house.receiver.cut()
})
