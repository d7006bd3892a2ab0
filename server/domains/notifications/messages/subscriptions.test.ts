import { expect, test } from 'vitest'
import { apiKeySuspension, linkAsked, securityNotice } from '#server/domains/identity/events.ts'
import {
  type OrderStepTold,
  orderRefunded,
  ordersSettled,
  type RefillTold,
  refillsChanged,
  type ShownOrder,
  type SubscriptionStopped,
  subscriptionsStopped,
} from '#server/domains/orders/events.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import type { EventDefinition } from '#server/platform/outbox/event.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { type MessageHouse, openMessageHouse } from '#test/support/messages.ts'
import { webhookDisabled } from '../webhooks/events.ts'
import { deviceOf } from './device.ts'
import { gatherOccasions } from './gather-occasions.ts'
import { messageSubscriptions } from './subscriptions.ts'
import { tellGathered } from './tell-gathered.ts'

async function publish<P>(house: MessageHouse, event: EventDefinition<P>, payloads: readonly P[]) {
  await house.app.db.transaction(async (tx) => emit(tx, event, payloads))
  while (await publishFresh(house.app, messageSubscriptions));
}

let orders = 0n

function settled(customer_id: bigint, status: ShownOrder['status'] | undefined): OrderStepTold {
  orders += 1n
  const shown = {
    status: status ?? 'Pending',
    charge: '1.00',
    currency: 'USD',
    start_count: null,
    remains: '0',
    service: '1',
    quantity: '10',
    request_id: null,
    drip_feed: null,
    run: null,
    subscription: null,
    post: null,
  } as const
  return {
    order_id: orders,
    customer_id,
    provider_id: 1n,
    state: 'completed',
    version: 3n,
    ...(status && { shown }),
  }
}

const AT = '2026-01-31T12:00:00.000Z'

test('a burst of five hundred completed orders is one message a channel', async () => {
  const house = await openMessageHouse()
  const { id, email } = await house.user()
  await house.linkChat(id, 42)
  const burst = Array.from({ length: 500 }, () => settled(id, 'Completed'))
  const events = Array.from({ length: 5 }, (_, i) => ({ orders: burst.slice(i * 100, i * 100 + 100) }))
  await publish(house, ordersSettled, events)
  house.startWork()
  house.pass(6_000)
  expect((await house.telegram.waitFor({ chat: 42, text: 'orders' })).text).toContain('500 orders completed')
  expect(await house.telegram.messages()).toHaveLength(1)
  const inbox = await house.app.db.query('select title, body from notifications.inbox')
  expect(inbox).toEqual([{ title: '500 orders completed', body: expect.stringMatching(/orders .*, and 490 more\.$/) }])
  // Mails of completed orders come once a day.
  expect(await house.mail.mails()).toEqual([])
  house.pass(86_400_000)
  expect((await house.mail.waitFor({ to: email })).subject).toBe('500 orders completed')
})

test('many messages in a row come further and further apart, and promptly again after a calm hour', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  const waits: number[] = []
  for (let i = 0; i < 4; i++) {
    await publish(house, ordersSettled, [{ orders: [settled(id, 'Completed')] }])
    await gatherOccasions(house.app)
    const [row] = await house.app.db.query<{ due_at: Date }>(
      `select due_at from notifications.gathering where channel = 'inbox'`,
    )
    waits.push(Math.round(((row?.due_at.getTime() ?? 0) - house.app.clock.now().getTime()) / 1_000))
    house.pass(i === 2 ? 4 * 3_600_000 : 60_000)
    await tellGathered(house.app)
  }
  expect(waits[0]).toBe(5)
  expect(waits[1]).toBe(10)
  expect(waits[2]).toBe(20)
  // The last message was told four hours ago by then.
  expect(waits[3]).toBeLessThanOrEqual(40)
})

test('money that came back is told apart, and what the customer does not see is told to nobody', async () => {
  const house = await openMessageHouse()
  const { id, email } = await house.user()
  await publish(house, ordersSettled, [
    { orders: [settled(id, 'Partial'), settled(id, 'Canceled'), settled(id, 'Canceled'), settled(id, undefined)] },
    { orders: [settled(999_999n, 'Completed')] },
  ])
  house.startWork()
  house.pass(6_000)
  const mail = await house.mail.waitFor({ to: email })
  expect(mail.subject).toBe('Money back for 3 orders')
  expect(mail.text).toContain('Done in part: 1. Cancelled: 2.')
  expect(await house.app.db.query('select from notifications.gathering')).toHaveLength(2)
})

test('a link goes to the address that it is for, in its language; a link that is void is not sent', async () => {
  const house = await openMessageHouse()
  const [link] = await house.app.db.query<{ id: bigint }>(
    `with r as (
       insert into identity.registration (handle_hash, email, name, password_hash, locale, created_at, expires_at)
       values (sha256('a'), 'new@example.com', '', '$argon2id$x', 'bn', now(), now() + interval '1 day') returning id)
     insert into identity.one_time_link (purpose, registration_id, email, locale, nonce, created_at, expires_at)
     select 'confirm_email', id, 'new@example.com', 'bn', 'abcdefghijklmnopqrstuv', now(), now() + interval '1 hour' from r
     returning id`,
  )
  const asked = {
    link_id: link?.id ?? 0n,
    user_id: null,
    purpose: 'confirm_email',
    email: 'new@example.com',
    locale: 'bn',
  } as const
  await publish(house, linkAsked, [asked, { ...asked, link_id: 999n }])
  house.startWork()
  const mail = await house.mail.waitFor({ to: 'new@example.com' })
  expect(mail.subject).toBe('আপনার ইমেইল ঠিকানা নিশ্চিত করুন')
  expect(mail.link).toMatch(/^https:\/\/saldo\.example\/account\/confirm\?lang=bn#[\w.-]{20,}$/)
  expect(mail.headers['list-unsubscribe']).toBeUndefined()
  expect(await house.waitForState('dropped')).toMatchObject([{ reason: 'no_longer_wanted' }])
  // The secret of the link is in the mail and nowhere else.
  const secret = mail.link?.split('#')[1] ?? ''
  const [found] = await house.app.db.query<{ rows: string }>(
    `select (select json_agg(m) from notifications.message m)::text as rows`,
  )
  expect(secret.length).toBeGreaterThan(20)
  expect(found?.rows).not.toContain(secret)
})

test('a security notice cannot be unsubscribed from, and tells of the device in words of our own', async () => {
  const house = await openMessageHouse()
  const { id, email } = await house.user()
  const user_agent = 'Your account is LOST, call http://evil.example Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0'
  const told = { user_id: id, kind: 'signed_in_from_new_device', at: AT, ip: '192.0.2.7', user_agent } as const
  await publish(house, securityNotice, [told])
  await publish(house, securityNotice, [told])
  house.startWork()
  const mail = await house.mail.waitFor({ to: email })
  expect(mail.headers['list-unsubscribe']).toBeUndefined()
  expect(mail.text).toContain('Firefox, Linux, 192.0.2.7')
  expect(mail.raw).not.toContain('evil')
  expect(await house.messages()).toHaveLength(1)
})

test('the notice of a changed address goes to the address before', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  await publish(house, securityNotice, [{ user_id: id, kind: 'email_changed', at: AT, email: 'old@example.com' }])
  house.startWork()
  expect((await house.mail.waitFor({ to: 'old@example.com' })).text).toContain('a device we do not recognise')
})

test('devices are known by words of our own, whatever a client calls itself', () => {
  expect(deviceOf('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 Safari/604')).toBe(
    'Safari, iOS',
  )
  expect(deviceOf('Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140.0')).toBe('Edge, Windows')
  expect([deviceOf('evil'), deviceOf(undefined), deviceOf('x'.repeat(100_000))]).toEqual(['', '', ''])
})

test('the owner of a webhook that does not work any more gets a mail that names it, and one alone though it is told twice', async () => {
  const house = await openMessageHouse()
  const { id: user_id, email } = await house.user('en')
  const url = 'https://shop.example/hooks'
  const told = { webhook_id: 7n, user_id, url, reason: 'failing' as const, at: '2026-11-20T12:00:00.000Z' }
  await publish(house, webhookDisabled, [told, told])
  house.startWork()
  const mail = await house.mail.waitFor({ to: email })
  expect(mail.text).toContain(url)
  expect((await house.messages()).filter(({ channel }) => channel === 'email')).toHaveLength(1)
})

test('how a refill ended is told once, in the reader’s language; that it goes on is no news', async () => {
  const house = await openMessageHouse()
  const [ada, boris] = [await house.user(), await house.user('ru')]
  const refill = (refill_id: bigint, customer_id: bigint, status: RefillTold['status']): RefillTold => {
    return { refill_id, order_id: refill_id + 100n, customer_id, status, version: 1n }
  }
  const told = [refill(1n, ada.id, 'Pending'), refill(1n, ada.id, 'In progress'), refill(1n, ada.id, 'Completed')]
  await publish(house, refillsChanged, [{ refills: [...told, refill(2n, boris.id, 'Rejected')] }, { refills: told }])
  const inbox = await house.app.db.query('select user_id, kind, title from notifications.inbox order by id')
  expect(inbox).toEqual([
    { user_id: ada.id, kind: 'refill_completed', title: 'Order 101 was refilled' },
    { user_id: boris.id, kind: 'refill_rejected', title: 'Заказ 102 не удалось восполнить' },
  ])
})

test('that a subscription was stopped is told once, and otherwise where the balance did not hold its next post', async () => {
  const house = await openMessageHouse()
  const [ada, boris] = [await house.user(), await house.user('ru')]
  const stopped = (order_id: bigint, customer_id: bigint, why: SubscriptionStopped['why']) => {
    return { order_id, customer_id, why, posts: 3 }
  }
  const told = {
    subscriptions: [
      stopped(17n, ada.id, 'no_funds'),
      stopped(18n, ada.id, 'no_posts'),
      stopped(19n, boris.id, 'posts_reached'),
    ],
  }
  await publish(house, subscriptionsStopped, [told, told])
  const inbox = await house.app.db.query<{ title: string; body: string }>(
    'select title, body from notifications.inbox order by id',
  )
  expect(inbox.map(({ title }) => title)).toEqual([
    'Subscription 17 was stopped: not enough on your balance',
    'Subscription 18 has ended',
    'Подписка 19 завершена',
  ])
  expect(inbox[0]?.body).toContain('Posts so far: 3.')
})

test('a refund is told with its amount, its order and why, once', async () => {
  const house = await openMessageHouse()
  const { id: customer_id } = await house.user()
  const { shown } = settled(customer_id, 'Completed')
  const about = { refund_id: 3n, order_id: 17n, customer_id, version: 6n, shown: shown as ShownOrder }
  const told = { ...about, amount: 400_000n, asset: 'USD', scale: 6, reason: 'It came late.' }
  await publish(house, orderRefunded, [told, told])
  const inbox = await house.app.db.query<{ title: string; body: string }>('select title, body from notifications.inbox')
  expect(inbox.map(({ title }) => title)).toEqual(['A refund is on your balance: $0.40'])
  expect(inbox[0]?.body).toContain('for your order 17.\n\nReason: It came late.')
})

test('a suspended key is told of once by mail and inbox, in the reader’s language and with the reason; that it is no longer is not told twice', async () => {
  const house = await openMessageHouse()
  const { id: user_id, email } = await house.user('ru')
  const key = { key_id: 12n, user_id, name: 'my shop', prefix: 'sk_AbCdEf', at: AT }
  const suspended = { by: 'rule', reason: 'orders: 6001, at the most 6000' } as const
  await publish(house, apiKeySuspension, [
    { ...key, suspended },
    { ...key, suspended },
    { ...key, suspended: null },
  ])
  house.startWork()
  const mail = await house.mail.waitFor({ to: email })
  expect(mail.subject).toBe('Ключ API my shop (sk_AbCdEf…) приостановлен')
  expect(mail.text).toContain('orders: 6001, at the most 6000')
  expect(await house.mail.mails()).toHaveLength(1)
  const inbox = await house.app.db.query('select kind, topic from notifications.inbox')
  expect(inbox).toEqual([{ kind: 'api_key_suspended', topic: 'security' }])
})
