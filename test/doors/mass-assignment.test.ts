import { expect, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import type { Db } from '#server/platform/db/database.ts'
import { openDoors } from '#test/support/doors.ts'
import { routesOf } from '#test/support/routes.ts'
import { sendRaw } from '#test/support/send-raw.ts'
import { aSession } from '#test/support/sessions.ts'

/** What nobody may say of themselves, of their money, or of the house. No more at once than a refusal lists. */
const FIELDS: Readonly<Record<string, unknown>> = {
  permissions: ['*'],
  granted: ['*'],
  is_admin: true,
  staff: true,
  area: 'admin',
  balance: '1000000',
  posted: '1000000',
  charge: '0',
  user_id: '1',
  customer_id: '1',
  actor: { kind: 'system' },
  id: '1',
  created_at: '2020-01-01T00:00:00Z',
  email_confirmed_at: '2020-01-01T00:00:00Z',
  password_hash: '$argon2id$x',
  decided_by: '1',
}

/** Forms that take unknown fields and leave them lying, each with its reason. */
const LENIENT: Readonly<Record<string, string>> = {
  'POST /api/v2': 'panels send whatever their authors thought of; the fields that are read are named in parse-body.ts',
}

/** The address of something; a language is one of three. */
const somewhere = (path: string) => path.replace('{locale}', 'en').replaceAll(/\{\w+\}/g, '1')

/** Whatever a request might change; what only counts or remembers requests is left out. */
async function everythingIn(db: Db): Promise<Record<string, string>> {
  const tables = await db.query<{ name: string }>(`
    select schemaname || '.' || quote_ident(tablename) as name from pg_tables
    where schemaname in ('identity', 'ledger', 'payments', 'orders', 'catalog', 'providers', 'notifications', 'audit')
      and schemaname || '.' || tablename not in ('identity.sign_in_failure', 'identity.session')
    order by 1`)
  const found: Record<string, string> = {}
  for (const { name } of tables) {
    const sql = `select coalesce(md5(string_agg(row::text, ',' order by row::text)), '') as digest from ${name} as row`
    found[name] = (await db.query<{ digest: string }>(sql))[0]?.digest ?? ''
  }
  return found
}

test('no route takes a field that it does not know: what is privileged is refused by name, and nothing changes', async () => {
  const { url, shop } = await openDoors()
  const { app } = shop
  const user = await createUser(app, { email: 'a@example.com', password: 'long enough for all', role: 'administrator' })
  // Whoever may do everything is stopped by the form of the body alone.
  const authorization = `Bearer ${await aSession(app, user.id, 'admin')}`
  const routes = (await routesOf(url)).filter(({ body, name }) => body !== undefined && !LENIENT[name])
  expect(routes.length).toBeGreaterThan(40)
  const before = await everythingIn(app.db)
  const wrong: string[] = []
  for (const { name, method, path, body, fields: known } of routes) {
    const fields = Object.entries(FIELDS).filter(([field]) => !known.includes(field))
    expect([name, fields.length >= 13]).toEqual([name, true])
    const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': name }
    const sent = JSON.stringify({ ...(body as object), ...Object.fromEntries(fields) })
    const answer = await sendRaw(url + somewhere(path), { method, headers, body: sent })
    const { errors = [] } = answer.status === 400 ? (JSON.parse(answer.text) as { errors?: { field: string }[] }) : {}
    const named = new Set(errors.map(({ field }) => field))
    const taken = fields.map(([field]) => field).filter((field) => !named.has(field))
    if (taken.length > 0) wrong.push(`${name} answers ${answer.status} to ${taken.join(', ')}: ${answer.text}`)
  }
  expect(wrong).toEqual([])
  expect(await everythingIn(app.db)).toEqual(before)
})

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

/** Where within a body's schema an object with named fields takes others too. */
function openObjects(schema: Schema, at: string): string[] {
  const open = schema.properties && schema.additionalProperties !== false ? [at] : []
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, each]) => openObjects(each, `${at}.${name}`))
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  const others = typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []
  const inner = [...choices, ...others].flatMap((each) => openObjects(each, at))
  return [...open, ...fields, ...inner, ...(schema.items ? openObjects(schema.items, `${at}[]`) : [])]
}

test('no body has an object within, however deep, that takes unknown fields', async () => {
  const { url } = await openDoors()
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>
  }
  const open = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) => {
      const name = `${method.toUpperCase()} ${path}`
      const schemas = Object.values(requestBody?.content ?? {}).map(({ schema }) => schema)
      return LENIENT[name] ? [] : schemas.flatMap((schema) => openObjects(schema, name))
    }),
  )
  expect(open).toEqual([])
})

test('the panels’ form leaves lying what it does not know: an order costs what it costs, and is its key’s own', async () => {
  const { url, shop, customer } = await openDoors()
  const [own, other] = [await customer('50'), await customer('50')]
  const service = shop.service('Package')
  const order = { key: own.key, action: 'add', service: String(service.id), link: 'https://example.com/a' }
  const more = { ...FIELDS, user_id: String(other.id), customer_id: String(other.id), charge: '0', state: 'completed' }
  const headers = { 'content-type': 'application/json' }
  const answer = await sendRaw(`${url}/api/v2`, { headers, body: JSON.stringify({ ...more, ...order }) })
  const placed = (JSON.parse(answer.text) as { order: number }).order
  const [row] = await shop.app.db.query<{ customer_id: bigint; charge: bigint; state: string }>(
    'select customer_id, charge, state from orders.orders where id = $1',
    [placed],
  )
  expect(row).toMatchObject({ customer_id: own.id, state: 'queued' })
  expect(row?.charge).toBeGreaterThan(0n)
  expect(await shop.wallet(own.id)).toEqual({ posted: 50_000_000n, held: row?.charge })
  expect(await shop.wallet(other.id)).toEqual({ posted: 50_000_000n, held: 0n })
})
