import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import type { Area } from '#server/domains/identity/principal.ts'
import { createWebhook } from '#server/domains/notifications/webhooks/create-webhook.ts'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import { refillOrders } from '#server/domains/orders/refilling/refill-orders.ts'
import { askDeposit } from '#server/domains/payments/deposits/ask-deposit.ts'
import { newUuid } from '#server/kit/id.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { type Doors, openDoors } from '#test/support/doors.ts'
import { editorFor } from '#test/support/editors.ts'
import { anOrder, dripFed } from '#test/support/order-book.ts'
import { type Route, routesOf } from '#test/support/routes.ts'
import { aSession } from '#test/support/sessions.ts'
import { aSubscription } from '#test/support/subscriptions.ts'
import { ABOUT, AT_HOME, HOLDERS, NEVER_BY_KEY, ROLES, type Role } from './access-table.ts'

const AREA_OF: Partial<Record<Role, Area>> = {
  merchant: 'merchant',
  trader: 'trader',
  teamlead: 'teamlead',
  support: 'support',
  administrator: 'admin',
}

/** Who calls, and by which credentials. Made anew for each call: some routes end sessions. */
interface Caller {
  name: string
  role: Role | undefined
  by_key: boolean
  headers(): Promise<Record<string, string>>
}

let made = 0

async function aUserOf({ shop }: Doors, role: Role): Promise<bigint> {
  made += 1
  const input = { email: `${role}-${made}@example.com`, password: 'long enough for all', role }
  return (await createUser(shop.app, input)).id
}

async function bySession({ shop }: Doors, user_id: bigint, role: Role): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await aSession(shop.app, user_id, AREA_OF[role])}` }
}

async function callersOf(doors: Doors): Promise<Caller[]> {
  const { app } = doors.shop
  const callers: Caller[] = [{ name: 'nobody', role: undefined, by_key: false, headers: async () => ({}) }]
  for (const role of ROLES) {
    const id = await aUserOf(doors, role)
    callers.push({ name: role, role, by_key: false, headers: () => bySession(doors, id, role) })
  }
  for (const role of ['customer', 'administrator'] as const) {
    const { key } = await createApiKey(app, { user_id: await aUserOf(doors, role), name: 'all' })
    callers.push({ name: `${role}’s key`, role, by_key: true, headers: async () => ({ 'x-api-key': key }) })
  }
  const blocked = await aUserOf(doors, 'administrator')
  const { key } = await createApiKey(app, { user_id: blocked, name: 'all' })
  await app.db.query(`update identity.user set state = 'blocked' where id = $1`, [blocked])
  callers.push({
    name: 'blocked',
    role: undefined,
    by_key: false,
    headers: () => bySession(doors, blocked, 'administrator'),
  })
  callers.push({ name: 'blocked’s key', role: undefined, by_key: true, headers: async () => ({ 'x-api-key': key }) })
  return callers
}

type Expected = 'let in' | 401 | 403

/** What the tables say. */
function expectedOf(route: Route, caller: Pick<Caller, 'role' | 'by_key'>): Expected {
  // A list is that of the panels' door, which answers 200 to everyone and tells a wrong key in the body.
  if (route.permission === null || Array.isArray(route.permission)) return 'let in'
  if (caller.role === undefined) return 401
  const area = areaOf(route)
  if (area !== undefined && !AT_HOME[area]?.includes(caller.role)) return caller.by_key ? 403 : 401
  if (!holdersOf(route.permission).includes(caller.role)) return 403
  const never = caller.by_key && NEVER_BY_KEY.some((start) => `${route.permission}`.startsWith(start))
  return never ? 403 : 'let in'
}

function areaOf({ path }: Route): string | undefined {
  const [, area = ''] = /^\/api\/([a-z]+)\//.exec(path) ?? []
  return Object.hasOwn(AT_HOME, area) ? area : undefined
}

function holdersOf(permission: string): readonly Role[] {
  const holders = HOLDERS[permission]
  if (!holders) throw new Error(`test/doors/access-table.ts has no line for ${permission}`)
  return holders
}

async function call(
  url: string,
  route: Pick<Route, 'method' | 'body'> & { path: string },
  headers: Record<string, string>,
): Promise<{ status: number; code: string | undefined }> {
  const has_body = route.body !== undefined
  const response = await fetch(url + route.path, {
    method: route.method,
    headers: { ...headers, ...(has_body && { 'content-type': 'application/json' }) },
    ...(has_body && { body: JSON.stringify(route.body) }),
    redirect: 'manual',
  })
  const text = await response.text()
  const { code } = text.startsWith('{') ? (JSON.parse(text) as { code?: string }) : { code: undefined }
  return { status: response.status, code }
}

/** A number that nothing has, and a name that no role has. */
const somewhere = (path: string) => path.replaceAll('{id}', '999999999').replaceAll(/\{\w+\}/g, 'none')

test('every route lets in those whom the table names, and nobody else', { timeout: 120_000 }, async () => {
  const doors = await openDoors()
  const [routes, callers] = await Promise.all([routesOf(doors.url), callersOf(doors)])
  expect(routes.length).toBeGreaterThan(60)
  const wrong: string[] = []
  for (const route of routes) {
    // What is let in stops at the form of the request: what these routes do is for the tests of each.
    const probe = { ...route, path: somewhere(route.path), body: route.body === undefined ? undefined : [] }
    const asked = callers.map(async (caller) => {
      const expected = expectedOf(route, caller)
      const { status, code } = await call(doors.url, probe, await caller.headers())
      const refused = status === 403 && (code === 'forbidden' || expected !== 'let in')
      const seen: Expected = status === 401 ? 401 : refused ? 403 : 'let in'
      if (seen === expected && status < 500) return
      wrong.push(`${route.name} answers ${caller.name} ${status} ${code}, expected ${expected}`)
    })
    await Promise.all(asked)
  }
  expect(wrong).toEqual([])
})

describe('where a route is about one user, it is', () => {
  const about = (permission: string, role: Role): readonly Role[] =>
    role === 'administrator' ? ROLES : holdersOf(permission).includes(role) ? (ABOUT[permission] ?? []) : []

  test('done to those whom the table names, refused for those who may be seen, and hidden for all others', async () => {
    const doors = await openDoors()
    const routes = (await routesOf(doors.url)).filter(
      ({ permission, path }) =>
        typeof permission === 'string' && permission.startsWith('users:') && /\{id\}/.test(path),
    )
    expect(routes.length).toBeGreaterThan(12)
    const wrong: string[] = []
    for (const route of routes) {
      for (const role of ['support', 'administrator'] as const) {
        if (expectedOf(route, { role, by_key: false }) !== 'let in') continue
        const actor = await aUserOf(doors, role)
        for (const target of ROLES) {
          const path = route.path.replace('{id}', String(await aUserOf(doors, target)))
          const { status, code } = await call(doors.url, { ...route, path }, await bySession(doors, actor, role))
          const done = about(route.permission as string, role).includes(target)
          const seen = about('users:read:{role}:{id}', role).includes(target)
          const expected = done ? 'done' : seen ? 403 : 404
          // None of them has a second factor that could be removed, or was invited: the verb says so, and nobody else does.
          const is_done = status < 300 || code === 'totp_not_enabled' || code === 'no_open_invitation'
          if (done ? !is_done : status !== expected) {
            wrong.push(`${route.name} by ${role} on a ${target} answers ${status} ${code}, expected ${expected}`)
          }
        }
      }
    }
    expect(wrong).toEqual([])
  })
})

async function anOrderOf({ shop }: Doors, user_id: bigint): Promise<bigint> {
  const { id: service_id } = shop.service('Package')
  const [outcome] = await placeOrders(shop.app, [{ customer_id: user_id, service_id, link: 'https://example.com/' }])
  return outcome?.ok ? outcome.order_id : 0n
}

/** Two days ago, so that it may be refilled. */
async function aDeliveredOrderOf(doors: Doors, user_id: bigint): Promise<bigint> {
  const id = await anOrderOf(doors, user_id)
  await doors.shop.app.db.query(`update catalog.service set refill = true`)
  await doors.shop.app.db.query(
    `update orders.orders set state = 'completed', captured = charge, provider_order_id = id::text, waiting_since = null,
      finished_at = now() - interval '2 days' where id = $1`,
    [id],
  )
  return id
}

/** Something of the customer's own behind each address with a number in it; answers the number. */
const OWNED: Readonly<Record<string, (doors: Doors, owner: bigint) => Promise<bigint>>> = {
  '/api/v1/api-keys/{id}': async ({ shop }, user_id) =>
    (await createApiKey(shop.app, { user_id, name: 'mine' })).api_key.id,
  '/api/v1/sessions/{id}': async ({ shop }, user_id) => {
    await aSession(shop.app, user_id)
    const sql = 'select id from identity.session where user_id = $1 order by id desc limit 1'
    const [row] = await shop.app.db.query<{ id: bigint }>(sql, [user_id])
    return row?.id ?? 0n
  },
  '/api/v1/webhooks/{id}': async ({ shop }, user_id) => {
    const input = {
      user_id,
      url: 'https://example.com/hook',
      description: '',
      event_types: ['order.settled'],
      signature: 'standard',
    } as const
    const by = { kind: 'user', user_id } as const
    const made = await createWebhook(shop.app, await openSecrets(shop.app.config), input, by)
    return made.webhook.id
  },
  '/api/v1/inbox/{id}': async ({ shop }, user_id) => {
    const sql = `
      insert into notifications.inbox (user_id, key, kind, topic, title, body, created_at)
      values ($1, gen_random_uuid()::text, 'news', 'news', 'Mine', '', now()) returning id`
    const [row] = await shop.app.db.query<{ id: bigint }>(sql, [user_id])
    return row?.id ?? 0n
  },
  '/api/v1/deposits/{id}': async ({ shop }, user_id) => {
    const input = { user_id, amount: 5_000_000n, method: 'bank_transfer', reference: newUuid() }
    return (await askDeposit(shop.app, await editorFor(shop.app, user_id), input)).id
  },
  '/api/v1/drip-feeds/{id}': async ({ shop }, user_id) => {
    const order = anOrder(shop, user_id, { service_id: dripFed(shop).id, quantity: '100', runs: '2', interval: '5' })
    const [outcome] = await placeOrders(shop.app, [order])
    return outcome?.ok ? outcome.order_id : 0n
  },
  '/api/v1/subscriptions/{id}': async ({ shop }, user_id) => {
    const [outcome] = await placeOrders(shop.app, [aSubscription(shop, user_id)])
    return outcome?.ok ? outcome.order_id : 0n
  },
  '/api/orders/user-status/{id}': anOrderOf,
  '/api/v1/order/{id}': anOrderOf,
  '/api/v1/orders/{id}/cancel': anOrderOf,
  '/api/v1/orders/{id}/refill': aDeliveredOrderOf,
  '/api/v1/refills/{id}': async (doors, user_id) => {
    const by = { customer_id: user_id }
    const [outcome] = await refillOrders(doors.shop.app, [await aDeliveredOrderOf(doors, user_id)], by)
    return outcome?.ok ? outcome.refill.id : 0n
  },
}

test('what is one’s own is there for its owner, and for nobody else', async () => {
  const doors = await openDoors()
  const owner = await doors.shop.customer('1000')
  const other = await doors.shop.customer('1000')
  const routes = (await routesOf(doors.url)).filter(
    ({ permission, path }) => typeof permission === 'string' && permission.endsWith(':own') && path.includes('{'),
  )
  expect(routes.length).toBeGreaterThan(4)
  const wrong: string[] = []
  for (const route of routes) {
    // Its body names one of several choices, of which no example can be made: the tests of webhooks hold it.
    if (route.name === 'POST /api/v1/webhooks/{id}/replay') continue
    const start = Object.keys(OWNED).find((each) => route.path.startsWith(each))
    if (!start) throw new Error(`test/doors/access.test.ts has nothing of a customer's own for ${route.path}`)
    const owned = route.path.replace(/\{\w+\}/, String(await OWNED[start]?.(doors, owner.id)))
    const path = owned.replaceAll(/\{\w+\}/g, 'msg_019a9f3c2b7c7a3e8d1b0c9e5f7a1d2e')
    const as = async (id: bigint) => call(doors.url, { ...route, path }, await bySession(doors, id, 'customer'))
    const [foreign, own] = [await as(other.id), await as(owner.id)]
    if (foreign.status !== 404) wrong.push(`${route.name} answers another owner ${foreign.status} ${foreign.code}`)
    // A second open word names nothing that is there.
    if (own.status >= 300 && !owned.includes('{'))
      wrong.push(`${route.name} answers its owner ${own.status} ${own.code}`)
  }
  expect(wrong).toEqual([])
})

test('docs/access.md tells it', async () => {
  const doors = await openDoors()
  await expect(documentOf(await routesOf(doors.url))).toMatchFileSnapshot(
    join(import.meta.dirname, '../../docs/access.md'),
  )
})

const COLUMNS = ['nobody', ...ROLES] as const

function documentOf(routes: Route[]): string {
  const tags = [...new Set(routes.map(({ tag }) => tag))].sort()
  const lines = [
    '# Who may call which route',
    '',
    'Written by `test/doors/access.test.ts`, which calls every route as everyone named here; `npm test -- test/doors/access.test.ts -u` writes it anew. A blocked user, and whoever',
    'presents a credential that does not hold, is nobody. Roles and permissions can be changed in the running house: this is how it comes.',
    '',
    'yes: may call it. own: for what is their own, and nothing of others is there. A list: for users of these roles. Empty: 401 for nobody and in the areas of others, else 403.',
    'No key, whatever its scopes, may do what is marked *.',
    '',
  ]
  for (const tag of tags) {
    const rows = routes.filter((each) => each.tag === tag).map(rowOf)
    lines.push(`## ${tag}`, '', ...tableOf([['route', 'permission', ...COLUMNS], ...rows]), '')
  }
  return lines.join('\n')
}

/** Aligned, as the formatter wants tables. */
function tableOf([head = [], ...rows]: string[][]): string[] {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i]?.length ?? 0)))
  const lineOf = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [lineOf(head), lineOf(widths.map((width) => '-'.repeat(width))), ...rows.map(lineOf)]
}

function rowOf(route: Route): string[] {
  const { permission } = route
  const shown = Array.isArray(permission) ? 'by action, see /docs' : (permission ?? '')
  const never = NEVER_BY_KEY.some((start) => shown.startsWith(start))
  return [route.name, `${shown}${never ? ' *' : ''}`, ...COLUMNS.map((column) => cellOf(route, column))]
}

function cellOf(route: Route, column: (typeof COLUMNS)[number]): string {
  const { permission } = route
  if (permission === null) return 'yes'
  if (Array.isArray(permission)) {
    return column !== 'nobody' && permission.some((each) => holdersOf(each).includes(column)) ? 'own' : ''
  }
  const role = column === 'nobody' ? undefined : column
  if (expectedOf(route, { role, by_key: false }) !== 'let in') return ''
  if (permission.endsWith(':own')) return 'own'
  const roles = column === 'administrator' ? undefined : ABOUT[permission]
  return roles ? roles.map((each) => `${each}s`).join(', ') : 'yes'
}
