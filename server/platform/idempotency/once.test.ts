import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { testApp } from '#test/support/app.ts'
import { atBarrier } from '#test/support/barrier.ts'
import type { App } from '../app.ts'
import { ProblemError } from '../http/problem.ts'
import { testServer } from '../http/test-server.ts'
import { openSecrets } from '../secrets/secrets.ts'
import { keepAnswers, once } from './once.ts'

class RefusedError extends ProblemError {
  override name = 'RefusedError'
  constructor(status: number) {
    super({ code: 'no_such_luck', status, title: 'No', detail: 'Not today.', field: 'name', extra: { left: '3' } })
  }
}

const Thing = z.object({ id: z.string(), name: z.string(), secret: z.string() })

/** Makes a thing as a verb does that knows nothing of keys; some names are trouble. */
async function makeThing({ db }: Pick<App, 'db'>, name: string): Promise<string> {
  return db.transaction(async (tx) => {
    const [row] = await tx.query<{ id: number }>('insert into thing (name) values ($1) returning id', [name])
    if (name.startsWith('refuse ')) throw new RefusedError(Number(name.slice(7)))
    if (name === 'break') throw new Error('broken')
    if (name === 'fail') tx.send('select 1 / 0')
    if (name === 'wait') await tx.query(`select from gate for share`)
    return String(row?.id)
  })
}

async function setup() {
  const app = await testApp()
  await app.db.query('create table thing (id int generated always as identity, name text)')
  await app.db.query('create table gate (open bool)')
  await app.db.query('insert into gate values (true)')
  const secrets = await openSecrets(app.config)
  const server = await testServer((root) =>
    root.register(async (http) => {
      keepAnswers(http, { app, secrets, callerOf: (request) => String(request.headers['x-caller'] ?? 'nobody') })
      const route = {
        config: { idempotent: true as const },
        schema: { body: z.object({ name: z.string(), n: z.int().optional() }), response: { 201: Thing } },
      }
      for (const path of ['/things', '/others']) {
        http.post(path, route, (request, reply) =>
          once(request, reply, 201, async (within) => {
            const { name } = request.body as { name: string }
            const id = await makeThing(within, name)
            reply.header('location', `/things/${id}`)
            return { id, name, secret: 'shown once' }
          }),
        )
      }
      http.post('/forgetful', { config: { idempotent: true } }, () => ({ made: true }))
    }),
  )
  const post = async (body: unknown, key?: string, more: { path?: string; caller?: string } = {}) => {
    const response = await fetch(`${server.url}${more.path ?? '/things'}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(more.caller && { 'x-caller': more.caller }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    const replayed = response.headers.get('idempotent-replayed') === 'true'
    const { code, request_id: _, ...rest } = JSON.parse(text) as Record<string, unknown>
    return { status: response.status, replayed, text, code, rest, location: response.headers.get('location') }
  }
  const names = async () =>
    (await app.db.query<{ name: string }>('select name from thing order by id')).map((row) => row.name)
  return { app, post, names, lines: server.lines }
}

test('repeated under its key a request is carried out once and answered the same again', async () => {
  const { post, names } = await setup()
  const first = await post({ name: 'a', n: 1 }, 'k')
  expect(first).toMatchObject({ status: 201, replayed: false, rest: { name: 'a', secret: 'shown once' } })
  expect(first.location).toBe(`/things/${first.rest.id}`)
  const again = [await post({ name: 'a', n: 1 }, 'k'), await post('{ "n":1,\n"name":"a" }', '"k"')]
  for (const each of again) expect(each).toEqual({ ...first, replayed: true })
  expect(await names()).toEqual(['a'])
})

test('without a key each request is carried out', async () => {
  const { post, names } = await setup()
  for (let i = 0; i < 2; i++) expect(await post({ name: 'a' })).toMatchObject({ status: 201, replayed: false })
  expect((await post({ name: 'refuse 402' })).code).toBe('no_such_luck')
  expect(await names()).toEqual(['a', 'a'])
})

test('another request under the key is refused, and one of another caller or route is another request', async () => {
  const { post, names } = await setup()
  await post({ name: 'a' }, 'k')
  for (const [body, path] of [
    [{ name: 'b' }, '/things'],
    [{ name: 'a', n: 1 }, '/things'],
    [{ name: 'a' }, '/things?x=1'],
  ] as const) {
    expect(await post(body, 'k', { path })).toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
      replayed: false,
    })
  }
  expect(await post({ name: 'c' }, 'k', { caller: 'user:8' })).toMatchObject({ status: 201, replayed: false })
  expect(await post({ name: 'd' }, 'k', { path: '/others' })).toMatchObject({ status: 201, replayed: false })
  expect(await names()).toEqual(['a', 'c', 'd'])
})

test('a header that is no key is refused before anything is done, and so is a body that does not fit', async () => {
  const { post, names } = await setup()
  for (const key of ['', 'k'.repeat(256), '""']) {
    expect(await post({ name: 'a' }, key)).toMatchObject({ status: 400, code: 'idempotency_key_invalid' })
  }
  expect(await post({ name: 1 }, 'k')).toMatchObject({ status: 400, code: 'invalid_request' })
  expect(await post({ name: 'a' }, 'k')).toMatchObject({ status: 201, replayed: false })
  expect(await names()).toEqual(['a'])
})

test('a refusal is remembered under its key, and leaves nothing of what was written before it', async () => {
  const { post, names } = await setup()
  for (const status of [402, 403, 404, 409, 422]) {
    const first = await post({ name: `refuse ${status}` }, `k${status}`)
    expect(first).toMatchObject({ status, code: 'no_such_luck', replayed: false })
    const again = await post({ name: `refuse ${status}` }, `k${status}`)
    expect({ ...again, text: '' }).toEqual({ ...first, text: '', replayed: true })
    expect(again.rest).toMatchObject({ detail: 'Not today.', left: '3', errors: [{ field: 'name' }] })
  }
  expect(await names()).toEqual([])
})

test('a failure of ours, and a refusal of the moment, leave the key free', async () => {
  const { app, post, names } = await setup()
  for (const [name, status] of [
    ['break', 500],
    ['fail', 500],
    ['refuse 503', 503],
    ['refuse 429', 429],
  ] as const) {
    for (let i = 0; i < 2; i++) expect(await post({ name }, 'k')).toMatchObject({ status, replayed: false })
  }
  expect(await app.db.query('select 1 from platform.idempotent_request')).toEqual([])
  expect(await post({ name: 'a' }, 'k')).toMatchObject({ status: 201, replayed: false })
  expect(await names()).toEqual(['a'])
})

const shut = (table: string) => (tx: { query: (sql: string) => Promise<unknown> }) =>
  tx.query(`lock table ${table} in exclusive mode`)

test('of many at once under one key one is carried out, and all are answered by it', async () => {
  const { app, post, names } = await setup()
  const all = await atBarrier(
    app.db,
    shut('platform.idempotent_request'),
    Array.from({ length: 4 }, () => () => post({ name: 'a' }, 'k')),
  )
  expect(new Set(all.map((each) => `${each.status} ${each.text}`)).size).toBe(1)
  expect(all.filter((each) => !each.replayed)).toHaveLength(1)
  expect(await names()).toEqual(['a'])
})

test('of two at once that ask for different things under one key, one is carried out and the other refused', async () => {
  const { app, post, names } = await setup()
  const all = await atBarrier(app.db, shut('platform.idempotent_request'), [
    () => post({ name: 'a' }, 'k'),
    () => post({ name: 'b' }, 'k'),
  ])
  expect(all.map((each) => each.status).sort()).toEqual([201, 422])
  expect(await names()).toEqual([all.find((each) => each.status === 201)?.rest.name])
})

test('while the first is under way a second is told so, and afterwards gets its answer', async () => {
  const { app, post, names } = await setup()
  const released = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const holding = app.db.transaction(async (tx) => {
    await tx.query('select from gate for update')
    held.resolve()
    await released.promise
  })
  await held.promise
  const first = post({ name: 'wait' }, 'k')
  const claimed = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await expect.poll(async () => (await app.db.query(claimed)).length, { timeout: 10_000 }).toBe(1)
  expect(await post({ name: 'wait' }, 'k')).toMatchObject({ status: 409, code: 'idempotency_key_in_flight' })
  released.resolve()
  await holding
  expect(await first).toMatchObject({ status: 201, replayed: false })
  expect(await post({ name: 'wait' }, 'k')).toMatchObject({ status: 201, replayed: true })
  expect(await names()).toEqual(['wait'])
})

test('neither what was asked nor what was answered is stored in plain text, and no other key of the house opens it', async () => {
  const { app, post } = await setup()
  await post({ name: 'a body’s secret' }, 'k')
  const [row] = await app.db.query<{ text: string; raw: string }>(
    `select r::text as text, encode(answer, 'escape') as raw from platform.idempotent_request r`,
  )
  for (const secret of ['secret', 'shown once']) expect(`${row?.text}${row?.raw}`).not.toContain(secret)
  expect(row?.text).toContain('POST /things')
})

test('an answer whose master key is gone is not made up: the caller is told that it was carried out', async () => {
  const { app, post, names } = await setup()
  await post({ name: 'a' }, 'k')
  await app.db.query(`update platform.idempotent_request set answer_key_id = 'gone'`)
  expect(await post({ name: 'a' }, 'k')).toMatchObject({ status: 409, code: 'idempotency_answer_lost' })
  expect(await names()).toEqual(['a'])
})

test('a route that promises it and does not answer through once is found out at the first key', async () => {
  const { post } = await setup()
  expect((await post({}, undefined, { path: '/forgetful' })).status).toBe(200)
  expect((await post({}, 'k', { path: '/forgetful' })).status).toBe(500)
})

test('within a key the cache is left alone until the commit', async () => {
  const app = await testApp()
  const secrets = await openSecrets(app.config)
  await app.cache.getOrLoad('v', 60_000, async () => 'old')
  let fail = true
  const server = await testServer((root) =>
    root.register(async (http) => {
      keepAnswers(http, { app, secrets, callerOf: () => 'x' })
      http.post('/edit', { config: { idempotent: true } }, (request, reply) =>
        once(request, reply, 200, async ({ cache }) => {
          await cache.forget('v')
          const seen = await cache.getOrLoad('v', 60_000, async () => 'within')
          if (fail) throw new Error('broken')
          return { seen }
        }),
      )
    }),
  )
  onTestFinished(() => server.http.stop())
  const cached = () => app.cache.getOrLoad('v', 60_000, async () => 'new')
  const edit = () => server.post('/edit', {}, { 'content-type': 'application/json', 'idempotency-key': 'k' })
  expect((await edit()).status).toBe(500)
  expect(await cached()).toBe('old')
  fail = false
  expect((await edit()).body).toEqual({ seen: 'within' })
  expect(await cached()).toBe('new')
})
