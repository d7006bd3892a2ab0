import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import type { App } from '#server/platform/app.ts'
import { countingStatements } from '#test/support/counting.ts'
import { openWebhookHouse, type WebhookHouse } from '#test/support/webhooks.ts'
import { deleteWebhook } from '../delete-webhook.ts'
import { switchWebhook } from '../switch-webhook.ts'
import { type ClaimLimits, claimDeliveries } from './claim-deliveries.ts'
import { recordAttempts } from './record-attempts.ts'
import { requeueLostDeliveries } from './requeue-deliveries.ts'

function claim(app: App, limits: Partial<ClaimLimits> = {}) {
  return claimDeliveries(app, {
    room: 1_000,
    failing: false,
    allowance: () => 1_000,
    lease_ms: 60_000,
    after_webhook: 0n,
    ...limits,
  })
}

/** A webhook with `n` events on their way. */
async function waiting(house: WebhookHouse, n: number, name = 'shop') {
  const webhook = await house.webhook(name)
  for (let i = 0; i < n; i++) await house.tell(webhook.user_id)
  return webhook
}

const countsOf = (claimed: readonly { webhook_id: bigint }[]) =>
  [...Map.groupBy(claimed, (each) => each.webhook_id).values()].map((each) => each.length).sort()

test('webhooks take turns: each gets the same share, and the next claim goes on behind the last', async () => {
  const house = await openWebhookHouse()
  const [many, ...few] = [await waiting(house, 30), await waiting(house, 4), await waiting(house, 4)]
  const first = await claim(house.app, { room: 9 })
  expect(countsOf(first.claimed)).toEqual([3, 3, 3])
  const turns = []
  let after_webhook = many.id
  for (let i = 0; i < 4; i++) {
    const narrow = await claim(house.app, { room: 1, after_webhook })
    turns.push(...narrow.claimed.map((each) => each.webhook_id))
    after_webhook = narrow.last_webhook
  }
  expect(turns).toEqual([few[0]?.id, few[1]?.id, many.id, many.id])
})

test('no webhook has more requests than its concurrency, whoever claims and however often', async () => {
  const house = await openWebhookHouse()
  await house.set({ concurrency_max: 3 })
  await waiting(house, 8)
  expect((await claim(house.app)).claimed).toHaveLength(3)
  expect((await claim(house.app)).claimed).toHaveLength(0)
})

test('two who claim at the same moment never take the same delivery, nor more together than one may', async () => {
  const house = await openWebhookHouse()
  await house.set({ concurrency_max: 4 })
  for (let i = 0; i < 5; i++) await waiting(house, 8, `shop-${i}`)
  for (let round = 0; round < 5; round++) {
    const claims = await Promise.all(Array.from({ length: 4 }, () => claim(house.app)))
    const claimed = claims.flatMap((each) => each.claimed)
    const keys = claimed.map(({ event_id, webhook_id }) => `${event_id}/${webhook_id}`)
    expect(new Set(keys).size).toBe(keys.length)
    const sending = await house.app.db.query<{ n: number }>(
      `select count(*)::int as n from notifications.webhook_delivery where state = 'sending' group by webhook_id`,
    )
    expect(Math.max(...sending.map((each) => each.n))).toBeLessThanOrEqual(4)
  }
})

test('a webhook that failed last is claimed apart, one request at a time, and not while it rests', async () => {
  const house = await openWebhookHouse()
  const failing = await waiting(house, 5)
  const well = await waiting(house, 2, 'other')
  const failed_since = (paused: string) =>
    house.app.db.query(
      `update notifications.webhook_health set failing_since = now(), failures = 1, paused_until = ${paused} where webhook_id = $1`,
      [failing.id],
    )
  await failed_since(`now() + interval '1 minute'`)
  expect(countsOf((await claim(house.app, { failing: true })).claimed)).toEqual([])
  await failed_since('null')
  expect((await claim(house.app)).claimed.map((each) => each.webhook_id)).toEqual([well.id, well.id])
  expect((await claim(house.app, { failing: true })).claimed.map((each) => each.webhook_id)).toEqual([failing.id])
  expect((await claim(house.app, { failing: true })).claimed).toEqual([])
})

test('webhooks that failed last take turns too, and whoever has nothing due has none', async () => {
  const house = await openWebhookHouse()
  const failing = [await waiting(house, 2), await waiting(house, 0, 'idle'), await waiting(house, 2, 'other')]
  await house.app.db.query('update notifications.webhook_health set failing_since = now(), failures = 1')
  const turns = []
  let after_webhook = 0n
  for (let i = 0; i < 3; i++) {
    const { claimed, last_webhook } = await claim(house.app, { failing: true, room: 1, after_webhook })
    turns.push(...claimed.map((each) => each.webhook_id))
    after_webhook = last_webhook
  }
  expect(turns).toEqual([failing[0]?.id, failing[2]?.id])
})

test('what the caller would not take is left for others', async () => {
  const house = await openWebhookHouse()
  const busy = await waiting(house, 3)
  const free = await waiting(house, 3, 'other')
  const { claimed } = await claim(house.app, { allowance: (id) => (id === busy.id ? 0 : 2) })
  expect(claimed.map((each) => each.webhook_id)).toEqual([free.id, free.id])
})

test('nothing goes to a webhook that is disabled or deleted, or whose user is blocked; each says so', async () => {
  const house = await openWebhookHouse()
  const [disabled, deleted, blocked] = [
    await waiting(house, 1, 'a'),
    await waiting(house, 1, 'b'),
    await waiting(house, 1, 'c'),
  ]
  const of = (webhook: { id: bigint }) => ({ webhook_id: webhook.id, user_id: undefined })
  await switchWebhook(house.app, of(disabled), { on: false, by: 'owner' }, SYSTEM)
  await deleteWebhook(house.app, of(deleted), SYSTEM)
  await house.app.db.query(`update identity.user set state = 'blocked' where id = $1`, [blocked.user_id])
  expect((await claim(house.app)).claimed).toEqual([])
  const reasons = []
  for (const webhook of [disabled, deleted, blocked]) {
    const [delivery] = await house.deliveries(webhook.id)
    reasons.push([delivery?.state, delivery?.reason])
  }
  expect(reasons).toEqual([
    ['failed', 'webhook_disabled'],
    ['failed', 'webhook_deleted'],
    ['failed', 'user_blocked'],
  ])
})

test('what a person asked for comes behind what happened just now', async () => {
  const house = await openWebhookHouse()
  const webhook = await waiting(house, 3)
  await house.app.db.query('update notifications.webhook_delivery set manual = true')
  await house.tell(webhook.user_id)
  const [newest] = await house.deliveries(webhook.id)
  const { claimed } = await claim(house.app, { room: 1 })
  expect(claimed.map((each) => each.event_id)).toEqual([newest?.event_id])
})

test('claiming takes as many statements for a hundred webhooks as for one', async () => {
  const house = await openWebhookHouse()
  const counted = async () => {
    const { app, count } = countingStatements(house.app)
    const { claimed } = await claim(app)
    return [claimed.length, count()]
  }
  await waiting(house, 1)
  const [, statements] = await counted()
  for (let i = 0; i < 100; i++) await waiting(house, 1, `shop-${i}`)
  expect(await counted()).toEqual([100, statements])
  const { app, count } = countingStatements(house.app)
  expect((await claim(app)).claimed).toEqual([])
  expect(count()).toBeLessThan(statements as number)
})

test('a claim that ran out is sent again under the same id, and its log says that it was interrupted', async () => {
  const house = await openWebhookHouse()
  const webhook = await waiting(house, 2)
  const { claimed } = await claim(house.app, { lease_ms: 1_000 })
  expect(await requeueLostDeliveries(house.app)).toMatchObject({ requeued: 0 })
  house.app.clock.ahead_ms = 2_000
  expect(await requeueLostDeliveries(house.app)).toEqual({ requeued: 2, more: false })
  const again = await claim(house.app)
  expect(again.claimed.map((each) => each.event_id).sort()).toEqual(claimed.map((each) => each.event_id).sort())
  const [delivery] = await house.deliveries(webhook.id)
  if (!delivery) throw new Error('no delivery')
  expect(await house.attempts(delivery)).toMatchObject([{ number: 1, failure: 'interrupted', manual: false }])
  const [row] = await house.app.db.query<{ tries: number; attempts: number }>(
    'select tries, attempts from notifications.webhook_delivery limit 1',
  )
  // The receiver did nothing wrong: the schedule is as long as before.
  expect(row).toEqual({ tries: 0, attempts: 1 })
})

const attemptAt = (delivery: { event_id: string; webhook_id: bigint; claims: number }, outcome: object) => ({
  ...{ event_id: delivery.event_id, webhook_id: delivery.webhook_id, claims: delivery.claims },
  at: new Date(),
  url: 'http://127.0.0.1/',
  request_headers: {},
  duration_ms: 1,
  outcome: outcome as { failure: string },
})

test('who was given up for dead may still tell of a success, and of nothing else', async () => {
  const house = await openWebhookHouse()
  const webhook = await waiting(house, 2)
  const lost = (await claim(house.app, { lease_ms: 1_000 })).claimed
  house.app.clock.ahead_ms = 2_000
  await requeueLostDeliveries(house.app)
  const [first, second] = lost as [(typeof lost)[number], (typeof lost)[number]]
  await recordAttempts(house.app, [
    attemptAt(first, { status: 200, retry_after_ms: undefined }),
    attemptAt(second, { status: 500, retry_after_ms: undefined }),
  ])
  const stateOf = async (event_id: string) =>
    (await house.deliveries(webhook.id)).find((each) => each.event_id === event_id)?.state
  expect([await stateOf(first.event_id), await stateOf(second.event_id)]).toEqual(['delivered', 'due'])
  // The new claim's failure on what has arrived changes nothing.
  const again = (await claim(house.app, { failing: true })).claimed
  expect(again.map((each) => each.event_id)).toEqual([second.event_id])
  await recordAttempts(house.app, [attemptAt({ ...first, claims: first.claims + 1 }, { failure: 'timeout' })])
  expect(await stateOf(first.event_id)).toBe('delivered')
  await recordAttempts(
    house.app,
    again.map((each) => attemptAt(each, { failure: 'timeout' })),
  )
  expect(await stateOf(second.event_id)).toBe('waiting')
})

test('attempts are written by as many statements for many as for one, and twice the same in a batch is two attempts', async () => {
  const house = await openWebhookHouse()
  for (let i = 0; i < 20; i++) await waiting(house, 2, `shop-${i}`)
  const { claimed } = await claim(house.app)
  const counted = async (batch: typeof claimed) => {
    const { app, count } = countingStatements(house.app)
    await recordAttempts(
      app,
      batch.map((each) => attemptAt(each, { status: 200, retry_after_ms: undefined })),
    )
    return count()
  }
  const one = await counted(claimed.slice(0, 1))
  expect(await counted(claimed.slice(1, 30))).toBe(one)
  const [twice] = claimed.slice(30) as [(typeof claimed)[number]]
  await counted([twice, twice])
  expect((await house.attempts(twice)).map((each) => each.number)).toEqual([2, 1])
  await recordAttempts(house.app, [])
})
