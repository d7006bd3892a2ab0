import { Webhook as Library } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { openWebhookHouse } from '#test/support/webhooks.ts'
import { shownEventId } from '../event-id.ts'

test('an event reaches its webhook, signed, once, and the log tells the request and the answer', async () => {
  const house = await openWebhookHouse()
  const webhook = await house.webhook('shop')
  const work = house.work()
  await house.tell(webhook.user_id, 'order.completed', { id: '17', status: 'Completed', version: '5' })
  work.wake()
  const received = await house.receiver.waitFor({ hook: 'shop' })
  expect(received).toMatchObject({ signature: 'ok', repeated: false, answer: '200' })
  const body = JSON.parse(received.body)
  expect(body).toEqual({
    type: 'order.completed',
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    api_version: '1',
    data: { id: '17', status: 'Completed', version: '5' },
  })
  expect(received.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Saldo-Webhooks' })
  // The published library agrees.
  expect(new Library(webhook.secret).verify(received.body, received.headers)).toEqual(body)
  await house.until(webhook.id, ['delivered'])
  const [delivery] = await house.deliveries(webhook.id)
  if (!delivery) throw new Error('no delivery')
  expect(shownEventId(delivery.event_id)).toBe(received.id)
  expect(delivery).toMatchObject({ type: 'order.completed', attempts: 1, last_status: 200, reason: null })
  const [attempt, ...others] = await house.attempts(delivery)
  expect(others).toEqual([])
  expect(attempt).toMatchObject({
    number: 1,
    manual: false,
    url: `${house.receiver_url}/hooks/shop`,
    status: 200,
    failure: null,
    response_body: 'ok',
    request_headers: {
      'webhook-id': received.id,
      'webhook-timestamp': received.headers['webhook-timestamp'],
      'webhook-signature': received.headers['webhook-signature'],
    },
  })
  expect(attempt?.response_headers).toMatchObject({ 'content-length': '2' })
})
