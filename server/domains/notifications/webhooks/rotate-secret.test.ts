import { Webhook as Library } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { openWebhookHouse } from '#test/support/webhooks.ts'
import { rotateSecret } from './rotate-secret.ts'
import { sendTestEvent } from './send-test-event.ts'

const HOUR_MS = 3_600_000

/** A webhook whose secret was changed, and what its receiver gets. */
async function setup(overlap_hours?: number) {
  const house = await openWebhookHouse()
  const webhook = await house.webhook('shop')
  const of = { webhook_id: webhook.id, user_id: webhook.user_id }
  const changed = await rotateSecret(house.app, house.secrets, { ...of, overlap_hours }, SYSTEM)
  const work = house.work()
  let after = 0
  /** Whether the next request holds for the secret before, and for the new one. */
  const next = async () => {
    await house.tell(webhook.user_id)
    work.wake()
    const request = await house.receiver.waitFor({ hook: 'shop', after })
    after = request.number
    // As received: the library knows no clock but the system's, so both are held against the signature alone.
    const holds = (secret: string) => {
      const at = new Date(Number(request.headers['webhook-timestamp']) * 1_000)
      const expected = new Library(secret).sign(request.id, at, request.body)
      return (request.headers['webhook-signature'] ?? '').split(' ').includes(expected)
    }
    return [holds(webhook.secret), holds(changed.secret)]
  }
  return { house, of, work, next, webhook }
}

test('while a secret is being changed either holds, and after that the new one alone', async () => {
  const { house, next } = await setup(2)
  expect(await next()).toEqual([true, true])
  house.app.clock.ahead_ms = 2 * HOUR_MS - 60_000
  expect(await next()).toEqual([true, true])
  house.app.clock.ahead_ms = 2 * HOUR_MS + 1_000
  expect(await next()).toEqual([false, true])
})

test('a secret that others may have seen ends at once', async () => {
  const { next } = await setup(0)
  expect(await next()).toEqual([false, true])
})

test('a test event goes to its webhook alone, whatever types it wants, and a failure schedules nothing', async () => {
  const { house, of, work, webhook } = await setup()
  await house.app.db.query(`update notifications.webhook set event_types = '{order.canceled}'`)
  await house.webhook('other', { user_id: webhook.user_id })
  await house.receiver.setFaults({ http: { limit: 1 } })
  await sendTestEvent(house.app, of, SYSTEM)
  work.wake()
  await house.until(webhook.id, ['failed'])
  await sendTestEvent(house.app, of, SYSTEM)
  work.wake()
  await house.until(webhook.id, ['delivered', 'failed'])
  const received = await house.receiver.received()
  expect(received.map((each) => [each.hook, JSON.parse(each.body).type])).toEqual([
    ['shop', 'webhook.test'],
    ['shop', 'webhook.test'],
  ])
})
