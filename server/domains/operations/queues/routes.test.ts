import { expect, test } from 'vitest'
import { listDeadLetters } from '#server/platform/jobs/dead-letters.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { buried } from '#test/support/dead-letters.ts'
import { openDoors } from '#test/support/doors.ts'
import { claimed, placed } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'

const LETTERS = '/api/admin/queues/dead-letters'
const NEVER = 1_000_000_000n

async function setup() {
  const { shop, url, customer } = await openDoors({ connections: 16 })
  const { app } = shop
  const staff = await staffWith(app, url, ['queues:read', 'queues:manage'])
  const queued = async () =>
    (await app.db.query<{ name: string }>('select task_identifier as name from graphile_worker.jobs order by id')).map(
      (row) => row.name,
    )
  const acts = () =>
    app.db.query<Record<string, unknown>>(
      `select action, user_id, subject_id, after, reason from audit.act where action like 'dead_letters.%' order by id`,
    )
  return { shop, app, db: app.db, url, customer, staff, queued, acts }
}

test('staff see how full each queue is, and how long the oldest has waited', async () => {
  const { shop, db, staff } = await setup()
  const { id: customer } = await shop.customer()
  await claimed(shop, customer)
  await placed(shop, customer, 3)
  await db.query(`update orders.orders set placed_at = now() - interval '90 seconds' where state = 'queued'`)
  await db.query(`select graphile_worker.add_job('test.work', run_at := now() - interval '40 seconds')`)
  await db.query(`select graphile_worker.add_job('test.work', run_at := now() + interval '1 day')`)
  await buried(db, {}, {}, { kind: 'event', name: 'orders.placed' })
  const { status, body } = await staff.ask('GET', '/api/admin/queues')
  expect(status).toBe(200)
  const queue = (name: string, kind: string) =>
    body.data.find((each: { queue: string; kind: string }) => each.queue === name && each.kind === kind)
  expect(queue('orders', 'dispatch')).toMatchObject({ ready: 3, later: 0, running: 1, stuck: 0 })
  expect(queue('orders', 'dispatch').oldest_ready_seconds).toBeGreaterThanOrEqual(89)
  expect(queue('orders', 'follow')).toMatchObject({
    ready: 0,
    later: 0,
    running: 0,
    stuck: 0,
    oldest_ready_seconds: null,
  })
  expect(queue('jobs', 'test.work')).toMatchObject({ ready: 1, later: 1, running: 0, stuck: 2 })
  expect(queue('jobs', 'test.work').oldest_ready_seconds).toBeGreaterThanOrEqual(39)
  expect(queue('events', 'orders.placed')).toMatchObject({ stuck: 1 })
})

test('what was given up is listed newest first, filtered, page by page', async () => {
  const { db, staff } = await setup()
  await buried(db, { name: 'a.one' }, { name: 'b.two', error: 'Error: 100% full' }, { kind: 'event', name: 'c.three' })
  const names = async (query: string) => {
    const seen: string[] = []
    let path: string | undefined = `${LETTERS}?${query}`
    while (path !== undefined) {
      const page = await staff.ask('GET', path)
      expect(page.status).toBe(200)
      seen.push(...page.body.data.map((each: { name: string }) => each.name))
      path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]
    }
    return seen
  }
  expect(await names('')).toEqual(['c.three', 'b.two', 'a.one'])
  expect(await names('limit=1')).toEqual(['c.three', 'b.two', 'a.one'])
  expect(await names('kind=job&limit=1')).toEqual(['b.two', 'a.one'])
  expect(await names('name=a.one')).toEqual(['a.one'])
  expect(await names('error=0%25')).toEqual(['b.two'])
  expect(await names('state=replayed')).toEqual([])
  expect(await names('since=2999-01-01T00:00:00Z')).toEqual([])
  expect(await names('until=2999-01-01T00:00:00%2B05:30')).toHaveLength(3)
  const bad = await staff.ask('GET', `${LETTERS}?kind=letter&limit=0&since=yesterday`)
  expect(bad.status).toBe(400)
  expect(bad.body.errors.map((each: { field: string }) => each.field)).toEqual(['kind', 'since', 'limit'])
  expect((await staff.ask('GET', `${LETTERS}?cursor=x`)).body.code).toBe('invalid_cursor')
})

test('an opened letter shows what is in it, without its secrets', async () => {
  const { db, staff } = await setup()
  const secret = `sk_${'a'.repeat(43)}`
  const payload = JSON.stringify({
    order_id: { $bigint: '9007199254740993' },
    password: secret,
    list: [`use ${secret}`],
  })
  const [id] = await buried(db, { payload, error: `Error: 401 for {"token":"${secret}"} with ${secret}` })
  const { status, body } = await staff.ask('GET', `${LETTERS}/${id}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    id: String(id),
    kind: 'job',
    name: 'test.work',
    payload: { order_id: '9007199254740993', password: '***', list: ['use ***'] },
    error: 'Error: 401 for {"token":"***"} with ***',
    attempts: 5,
    correlation: { request_id: 'req_1' },
    state: 'waiting',
    settled_at: null,
  })
  const list = await staff.ask('GET', LETTERS)
  expect(JSON.stringify([body, list.body])).not.toContain(secret)
  const missing = await staff.ask('GET', `${LETTERS}/${NEVER}`)
  expect([missing.status, missing.body.code]).toEqual([404, 'dead_letter_not_found'])
  expect((await staff.ask('GET', `${LETTERS}/0`)).status).toBe(400)
})

test('a letter is replayed once however many press at once, and that is in the audit', async () => {
  const { db, staff, queued, acts } = await setup()
  const [id] = await buried(db, { name: 'test.once' })
  const hold = (tx: { query: typeof db.query }) =>
    tx.query('select from platform.dead_letter where id = $1 for update', [id])
  const press = () => staff.ask('POST', `${LETTERS}/${id}/replay`)
  const answers = await atBarrier(db, hold, [press, press, press, press])
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409])
  for (const { status, body } of answers) {
    if (status === 200) expect(body).toMatchObject({ state: 'replayed', settled_by: `user:${staff.user_id}` })
    else expect(body).toMatchObject({ code: 'dead_letter_settled', state: 'replayed' })
  }
  expect(await queued()).toEqual(['test.once'])
  expect(await acts()).toEqual([
    {
      action: 'dead_letters.replayed',
      user_id: staff.user_id,
      subject_id: String(id),
      after: { kind: 'job', name: 'test.once' },
      reason: null,
    },
  ])
  const late = await staff.ask('POST', `${LETTERS}/${id}/drop`, { reason: 'too late' })
  expect([late.status, late.body.code]).toEqual([409, 'dead_letter_settled'])
})

test('a letter is dropped with a reason and not without', async () => {
  const { db, staff, queued, acts } = await setup()
  const [id] = await buried(db, {})
  const without = await staff.ask('POST', `${LETTERS}/${id}/drop`, {})
  expect([without.status, without.body.errors]).toEqual([400, [{ field: 'reason', reason: 'is required' }]])
  const secret = `sk_${'a'.repeat(43)}`
  const dropped = await staff.ask('POST', `${LETTERS}/${id}/drop`, { reason: `Obsolete; my key is ${secret}` })
  expect(dropped.body).toMatchObject({ state: 'dropped', settled_reason: 'Obsolete; my key is ***' })
  expect(await queued()).toEqual([])
  expect(await acts()).toMatchObject([{ action: 'dead_letters.dropped', reason: 'Obsolete; my key is ***' }])
  const missing = await staff.ask('POST', `${LETTERS}/${NEVER}/drop`, { reason: 'x' })
  expect([missing.status, missing.body.code]).toEqual([404, 'dead_letter_not_found'])
})

test('many are replayed or dropped by what they have in common, oldest first, and no more than asked for', async () => {
  const { db, staff, queued, acts } = await setup()
  const ids = await buried(db, {}, {}, {}, { name: 'other.work' }, { kind: 'event', name: 'orders.placed' })
  const first = await staff.ask('POST', `${LETTERS}/replay`, { which: { name: 'test.work', limit: 2 } })
  expect(first.status).toBe(200)
  expect(first.body.data.map((each: { id: string }) => each.id).toSorted()).toEqual(
    ids.slice(0, 2).map(String).toSorted(),
  )
  expect(first.body.has_more).toBe(true)
  const rest = await staff.ask('POST', `${LETTERS}/replay`, { which: { name: 'test.work' }, reason: 'mended' })
  expect(rest.body).toEqual({ data: [{ id: String(ids[2]), kind: 'job', name: 'test.work' }], has_more: false })
  const events = await staff.ask('POST', `${LETTERS}/drop`, { which: { kind: 'event' }, reason: 'obsolete' })
  expect(events.body.data).toHaveLength(1)
  expect(await queued()).toEqual(Array(3).fill('test.work'))
  expect((await listDeadLetters(db, { state: 'waiting' })).map((each) => each.name)).toEqual(['other.work'])
  expect(await acts()).toHaveLength(4)
  for (const which of [{}, { limit: 5 }]) {
    const { status, body } = await staff.ask('POST', `${LETTERS}/drop`, { which, reason: 'all of it' })
    expect([status, body.errors]).toEqual([
      400,
      [{ field: 'which', reason: 'must name at least one of kind, name, error, since, until' }],
    ])
  }
  expect((await staff.ask('POST', `${LETTERS}/drop`, { which: { kind: 'job' } })).status).toBe(400)
})

test('two who replay the same many at once replay each once', async () => {
  const { db, staff, queued, acts } = await setup()
  const ids = await buried(db, ...Array.from({ length: 20 }, () => ({})))
  const hold = (tx: { query: typeof db.query }) =>
    tx.query('select from platform.dead_letter where id = $1 for update', [ids[0]])
  const press = () => staff.ask('POST', `${LETTERS}/replay`, { which: { name: 'test.work' } })
  const answers = await atBarrier(db, hold, [press, press, press])
  const replayed = answers.flatMap(({ body }) => body.data.map((each: { id: string }) => each.id))
  expect(replayed.toSorted()).toEqual(ids.map(String).toSorted())
  expect(await queued()).toHaveLength(20)
  expect(await acts()).toHaveLength(20)
})

test('who may look may not settle, who may settle may not look, and a customer may neither', async () => {
  const { app, db, url, customer, acts } = await setup()
  const [id] = await buried(db, {})
  const reader = await staffWith(app, url, ['queues:read'])
  const manager = await staffWith(app, url, ['queues:manage'])
  const { key } = await customer()
  const reading = ['/api/admin/queues', LETTERS, `${LETTERS}/${id}`]
  const settling = [`${LETTERS}/${id}/replay`, `${LETTERS}/${id}/drop`, `${LETTERS}/replay`, `${LETTERS}/drop`]
  const body = { reason: 'x', which: { kind: 'job' } }
  for (const path of reading) {
    expect([path, (await reader.ask('GET', path)).status]).toEqual([path, 200])
    expect([path, (await manager.ask('GET', path)).status]).toEqual([path, 403])
    expect([path, (await fetch(url + path, { headers: { 'x-api-key': key } })).status]).toEqual([path, 403])
  }
  for (const path of settling) {
    expect([path, (await reader.ask('POST', path, body)).status]).toEqual([path, 403])
    const customers = await fetch(url + path, { method: 'POST', headers: { 'x-api-key': key } })
    expect([path, customers.status]).toEqual([path, 403])
  }
  expect(await acts()).toEqual([])
})
