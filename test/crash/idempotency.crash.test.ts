import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { createTestDatabase, dropTestDatabase } from '#test/support/database.ts'
import { cheapest, expectSound } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'

const ROUNDS = 10
const CALLERS = 12
const ORDERS = 3
/** An API lives at least so long after it began to answer, and at most twice that. */
const LIFE_MS = 250
/** After an error a caller repeats its request under the same key; so soon that the next API is busy at once. */
const RETRY_MS = 20

interface Api {
  process: ChildProcess
  url: string
}

test(`an API killed ${ROUNDS} times while it places batches: each was placed once, and every answer to one key is the same`, {
  timeout: 240_000,
}, async () => {
  const url = await createTestDatabase()
  onTestFinished(() => dropTestDatabase(url))
  const shop = await openShop({ url })
  const { id } = await shop.customer('100000')
  const { key } = await createApiKey(shop.app, { user_id: id, name: 'crash' })
  let api = await startApi(shop, url)
  let next = startApi(shop, url)
  let calling = true
  const current = () => api.url
  const callers = Array.from({ length: CALLERS }, (_, n) => call(shop, key, n, current, () => calling))
  for (let round = 0; round < ROUNDS; round++) {
    await delay(LIFE_MS + Math.random() * LIFE_MS)
    const killed = api
    api = await next
    killed.process.kill('SIGKILL')
    next = startApi(shop, url)
  }
  calling = false
  const told = (await Promise.all(callers)).flat()
  await next
  // Some were told of it only after they had asked again: the killed API had placed their orders.
  expect(told.filter((each) => each.replayed).length).toBeGreaterThan(0)
  const rows = await shop.app.db.query<{ link: string; ids: string }>(
    `select link, string_agg(id::text, ',' order by id) as ids from orders.orders group by link order by link`,
  )
  const placed = told.map(({ link, ids }) => ({ link, ids: ids.join() }))
  expect(rows).toEqual(placed.sort((a, b) => (a.link < b.link ? -1 : 1)))
  expect(told.every(({ ids }) => ids.length === ORDERS)).toBe(true)
  await expectSound(shop.app)
})

async function startApi(shop: Shop, url: string): Promise<Api> {
  const child = fork(join(import.meta.dirname, 'api-worker.ts'), [url, shop.app.config.home])
  onTestFinished(() => void child.kill('SIGKILL'))
  const [told] = (await once(child, 'message')) as [string]
  return { process: child, url: told }
}

interface Told {
  link: string
  ids: string[]
  replayed: boolean
}

/** Places batch after batch, each under a key of its own, until told to stop; repeats each until it is answered. */
async function call(shop: Shop, key: string, caller: number, url: () => string, goOn: () => boolean): Promise<Told[]> {
  const { id, min } = cheapest(shop)
  const told: Told[] = []
  for (let i = 0; goOn(); i++) {
    const link = `https://example.com/${caller}-${i}`
    const order = { service: String(id), link, quantity: String(min) }
    const body = JSON.stringify({ orders: Array.from({ length: ORDERS }, () => order) })
    const headers = { 'x-api-key': key, 'content-type': 'application/json', 'idempotency-key': `${caller}:${i}` }
    const first = await answerTo(url, { method: 'POST', headers, body })
    told.push({ link, ids: first.ids, replayed: first.replayed })
    if (i % 3 === 0) expect((await answerTo(url, { method: 'POST', headers, body })).ids).toEqual(first.ids)
  }
  return told
}

async function answerTo(url: () => string, request: RequestInit): Promise<{ ids: string[]; replayed: boolean }> {
  for (;;) {
    try {
      const response = await fetch(`${url()}/api/v1/orders`, request)
      const text = await response.text()
      if (response.status === 200) {
        const { data } = JSON.parse(text) as { data: { order: { id: string } }[] }
        return {
          ids: data.map((each) => each.order.id),
          replayed: response.headers.get('idempotent-replayed') === 'true',
        }
      }
      // Its twin's connection may still be there when the API is not.
      expect([response.status, text]).toEqual([409, expect.stringContaining('idempotency_key_in_flight')])
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      // Killed, or not yet there: not known what was done, so asked again.
    }
    await delay(RETRY_MS)
  }
}
