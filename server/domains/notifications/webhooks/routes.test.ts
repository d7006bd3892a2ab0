import { expect, test } from 'vitest'
import { type Doors, openDoors } from '#test/support/doors.ts'

async function openCustomers() {
  const doors = await openDoors()
  const asking =
    ({ key }: Awaited<ReturnType<Doors['customer']>>) =>
    async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${doors.url}/api/v1/webhooks${path}`, {
        method,
        headers: {
          'x-api-key': key,
          ...(method === 'POST' && { 'idempotency-key': crypto.randomUUID() }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    }
  const [mine, other] = [asking(await doors.customer('1')), asking(await doors.customer('1'))]
  const made = await mine('POST', '', { url: 'http://127.0.0.1:9/hooks/mine', event_types: ['*'] })
  expect([made.status, made.body.secret]).toEqual([201, expect.stringMatching(/^whsec_/)])
  return { mine, other, id: made.body.id as string }
}

const EVENT = 'msg_019a9f3c2b7c7a3e8d1b0c9e5f7a1d2e'
const SINCE = { since: '2026-01-01T00:00:00Z' }

test('another customer’s webhook is none, at every door, and stays as it was', async () => {
  const { mine, other, id } = await openCustomers()
  const doors: [method: string, path: string, body?: unknown][] = [
    ['GET', `/${id}`],
    ['PATCH', `/${id}`, { description: 'theirs' }],
    ['DELETE', `/${id}`],
    ['POST', `/${id}/enable`],
    ['POST', `/${id}/disable`],
    ['POST', `/${id}/rotate-secret`, {}],
    ['POST', `/${id}/test`],
    ['POST', `/${id}/replay`, SINCE],
    ['POST', `/${id}/deliveries/${EVENT}/replay`],
    ['GET', `/${id}/deliveries/${EVENT}`],
    ['GET', `/deliveries?webhook=${id}`],
  ]
  for (const [method, path, body] of doors) {
    const { status } = await other(method, path, body)
    expect([method, path, status]).toEqual([method, path, 404])
  }
  expect((await other('GET', '')).body.data).toEqual([])
  expect((await other('GET', '/deliveries')).body.data).toEqual([])
  expect((await mine('GET', `/${id}`)).body).toMatchObject({
    state: 'enabled',
    description: '',
    version: '1',
    previous_secret_until: null,
  })
})

test('bad input is refused, names its field, and changes nothing', async () => {
  const { mine, id } = await openCustomers()
  const url = 'http://127.0.0.1:9/hooks/mine'
  const cases: [method: string, path: string, body: unknown, field: string][] = [
    ['POST', '', { event_types: ['*'] }, 'url'],
    ['POST', '', { url: 'ftp://127.0.0.1/', event_types: ['*'] }, 'url'],
    ['POST', '', { url: 'http://a:b@127.0.0.1/', event_types: ['*'] }, 'url'],
    ['POST', '', { url, event_types: [] }, 'event_types'],
    ['POST', '', { url, event_types: ['order.lost'] }, 'event_types'],
    ['POST', '', { url, event_types: ['*'], signature: 'md5' }, 'signature'],
    ['POST', '', { url, event_types: ['*'], description: 'x'.repeat(201) }, 'description'],
    ['POST', '', { url, event_types: ['*'], user_id: '1' }, 'user_id'],
    ['PATCH', `/${id}`, { version: 'one' }, 'version'],
    ['PATCH', `/${id}`, { state: 'disabled' }, 'state'],
    ['POST', `/${id}/rotate-secret`, { overlap_hours: 1_000 }, 'overlap_hours'],
    ['POST', `/${id}/replay`, {}, 'since'],
    ['POST', `/${id}/replay`, { ...SINCE, which: 'some' }, 'which'],
    ['POST', `/${id}/replay`, { ...SINCE, after: 'msg_1' }, 'after'],
    ['GET', '/deliveries?limit=0', undefined, 'limit'],
    ['GET', '/deliveries?state=lost', undefined, 'state'],
    ['GET', '/deliveries?webhook=x', undefined, 'webhook'],
  ]
  for (const [method, path, body, field] of cases) {
    const answer = await mine(method, path, body)
    expect([400, 422]).toContain(answer.status)
    const fields: string[] = (answer.body.errors ?? []).map((each: { field: string }) => each.field)
    expect([method, path, body, fields.some((each) => each.startsWith(field))]).toEqual([method, path, body, true])
  }
  expect((await mine('GET', '')).body.data).toMatchObject([{ id, version: '1' }])
})
