import { expect, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import type { Area } from '#server/domains/identity/principal.ts'
import { newUuid } from '#server/kit/id.ts'
import { type Doors, openDoors } from '#test/support/doors.ts'
import { aSession } from '#test/support/sessions.ts'

interface Answered {
  status: number
  replayed: boolean
  body: Record<string, string>
}

type Send = (path: string, body: unknown, key?: string) => Promise<Answered>

/** How whoever presents these headers asks. */
function sender(url: string, headers: Record<string, string>): Send {
  return async (path, body, key) => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    const replayed = response.headers.get('idempotent-replayed') === 'true'
    return { status: response.status, replayed, body: text === '' ? {} : JSON.parse(text) }
  }
}

/** Someone of this role, and how they ask by a session opened in `area` and by a key that may do all that a key may. */
async function aPerson({ shop, url }: Doors, role: string, area?: Area) {
  const user = await createUser(shop.app, { email: `${newUuid()}@example.com`, password: newUuid(), role })
  const token = await aSession(shop.app, user.id, area)
  const { key } = await createApiKey(shop.app, { user_id: user.id, name: 'all' })
  return {
    id: user.id,
    send: sender(url, { authorization: `Bearer ${token}` }),
    by_key: sender(url, { 'x-api-key': key }),
  }
}

async function setup() {
  const doors = await openDoors()
  const [admin, second] = [
    await aPerson(doors, 'administrator', 'admin'),
    await aPerson(doors, 'administrator', 'admin'),
  ]
  const others: [string, Send, number][] = [['nobody', sender(doors.url, {}), 401]]
  for (const role of ['customer', 'merchant', 'trader', 'teamlead', 'support'] as const) {
    const person = await aPerson(doors, role, role === 'customer' ? undefined : role)
    others.push([role, person.send, 401], [`${role}’s key`, person.by_key, 403])
  }
  const { db } = doors.shop.app
  const acts = async (...actions: string[]) =>
    db.query<{ action: string; user_id: bigint; subject_id: string; reason: string | null }>(
      'select action, user_id, subject_id, reason from audit.act where action = any($1) order by id',
      [actions],
    )
  /** Holds whoever works on the user, and lets the caller ask again in the meantime. */
  const whileHeld = async (user_id: bigint, first: () => Promise<Answered>, meanwhile: () => Promise<Answered>) => {
    const held = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    const holding = db.transaction(async (tx) => {
      await tx.query('select 1 from identity.user where id = $1 for update', [user_id])
      held.resolve()
      await released.promise
    })
    await Promise.race([held.promise, holding])
    const answer = first()
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    try {
      await expect.poll(async () => (await db.query(waiting)).length, { timeout: 10_000 }).toBe(1)
      expect(await meanwhile()).toMatchObject({ status: 409, body: { code: 'idempotency_key_in_flight' } })
    } finally {
      released.resolve()
      await holding
    }
    return answer
  }
  return { ...doors, db, admin, second, others, acts, whileHeld }
}

test('a user is invited once under a key; another wish under it is refused, and one that is under way is not begun again', async () => {
  const { db, admin, acts, whileHeld } = await setup()
  const grace = { email: 'grace@example.com', role: 'support', name: 'Grace' }
  const invite = (body: unknown, key?: string) => admin.send('/api/admin/users', body, key)
  const first = await whileHeld(
    admin.id,
    () => invite(grace, 'i1'),
    () => invite(grace, 'i1'),
  )
  expect(first).toMatchObject({ status: 201, replayed: false, body: { email: 'grace@example.com', role: 'support' } })
  const again = await invite(grace, 'i1')
  expect(again).toEqual({ ...first, replayed: true })
  for (const other of [
    { ...grace, role: 'administrator' },
    { ...grace, email: 'ada@example.com' },
  ]) {
    expect(await invite(other, 'i1')).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  }
  expect(await invite(grace)).toMatchObject({ status: 409, body: { code: 'email_taken' } })
  // A refusal is kept too.
  expect(await invite({ ...grace, role: 'none' }, 'i2')).toMatchObject({ status: 422, replayed: false })
  expect(await invite({ ...grace, role: 'none' }, 'i2')).toMatchObject({ status: 422, replayed: true })
  const users = await db.query(`select role from identity.user where email in ('grace@example.com', 'ada@example.com')`)
  expect(users).toEqual([{ role: 'support' }])
  expect(await acts('users.invited')).toMatchObject([{ user_id: admin.id, subject_id: first.body.id }])
})

test('an invitation is sent again once under a key, by an administrator and nobody else', async () => {
  const { db, admin, others, acts, whileHeld } = await setup()
  const { body } = await admin.send('/api/admin/users', { email: 'grace@example.com', role: 'customer' }, 'i1')
  const path = `/api/admin/users/${body.id}/invitation`
  const first = await whileHeld(
    admin.id,
    () => admin.send(path, {}, 'i2'),
    () => admin.send(path, {}, 'i2'),
  )
  expect(first).toMatchObject({ status: 201, replayed: false, body: { email: 'grace@example.com' } })
  expect(await admin.send(path, {}, 'i2')).toEqual({ ...first, replayed: true })
  for (const [who, send, status] of [...others, ['administrator’s key', admin.by_key, 403] as const]) {
    expect([who, (await send(path, {}, 'k')).status]).toEqual([who, status])
  }
  expect(await db.query(`select from identity.one_time_link where purpose = 'accept_invitation'`)).toHaveLength(2)
  expect(await acts('users.invited_again')).toMatchObject([{ user_id: admin.id, subject_id: body.id }])
  expect(await admin.send(`/api/admin/users/${admin.id}/invitation`, {}, 'i3')).toMatchObject({ status: 409 })
})

test('nobody but an administrator, and no key, invites a user', async () => {
  const { db, admin, others, acts } = await setup()
  const before = await db.query('select id from identity.user')
  const body = { email: 'grace@example.com', role: 'customer' }
  for (const [who, send, status] of [...others, ['administrator’s key', admin.by_key, 403] as const]) {
    const answer = await send('/api/admin/users', body, 'k')
    expect([who, answer.status]).toEqual([who, status])
  }
  expect(await db.query('select id from identity.user')).toHaveLength(before.length)
  expect(await acts('users.invited')).toEqual([])
})

test('a second factor is removed once, with the reason and the sessions of its owner ended, by an administrator alone', async () => {
  const { db, url, shop, admin, others, acts } = await setup()
  const owner = await createUser(shop.app, { email: 'o@example.com', password: newUuid(), role: 'customer' })
  const token = await aSession(shop.app, owner.id)
  const insert = `
    insert into identity.totp (user_id, secret_ciphertext, key_id, created_at, confirmed_at)
    values ($1, decode(repeat('00', 40), 'hex'), repeat('0', 16), now(), now())`
  await db.query(insert, [owner.id])
  const path = `/api/admin/users/${owner.id}/reset-2fa`
  const because = { reason: 'Lost telephone.' }
  const me = async () => (await fetch(`${url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status
  for (const [who, send, status] of [...others, ['administrator’s key', admin.by_key, 403] as const]) {
    const answer = await send(path, because)
    expect([who, answer.status]).toEqual([who, status])
  }
  for (const bad of [{}, { reason: ' ' }, { reason: 'x'.repeat(501) }, { reason: 7 }]) {
    expect(await admin.send(path, bad)).toMatchObject({ status: 400, body: { errors: [{ field: 'reason' }] } })
  }
  expect([await me(), await db.query('select 1 from identity.totp')]).toEqual([200, [expect.anything()]])

  expect(await admin.send(path, because)).toMatchObject({ status: 204 })
  await expect.poll(me, { timeout: 5_000 }).toBe(401)
  expect(await admin.send(path, because)).toMatchObject({ status: 409, body: { code: 'totp_not_enabled' } })
  expect(await admin.send('/api/admin/users/999999/reset-2fa', because)).toMatchObject({ status: 404 })
  expect(await db.query('select 1 from identity.totp')).toEqual([])
  expect(await acts('totp.disabled')).toMatchObject([
    { user_id: admin.id, subject_id: String(owner.id), reason: 'Lost telephone.' },
  ])
  const told = await db.query(
    `select payload->>'kind' as kind from platform.outbox where payload->'user_id'->>'$bigint' = $1`,
    [String(owner.id)],
  )
  expect(told).toEqual([{ kind: 'totp_disabled' }])
})

test('a balance is adjusted once under a key, and above the limit by a second person alone', async () => {
  const { shop, admin, second, acts, whileHeld } = await setup()
  const { id } = await shop.customer('50')
  const path = `/api/admin/users/${id}/balance-adjustments`
  const little = { amount: '20.00', reason: 'Goodwill.' }
  const first = await whileHeld(
    admin.id,
    () => admin.send(path, little, 'a1'),
    () => admin.send(path, little, 'a1'),
  )
  expect(first).toMatchObject({ status: 201, replayed: false, body: { state: 'posted', amount: '20.00' } })
  expect(await admin.send(path, little, 'a1')).toEqual({ ...first, replayed: true })
  expect(await admin.send(path, { ...little, amount: '20.01' }, 'a1')).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused' },
  })
  // The key is the caller's own: another's is another. A sign may be written out.
  expect(await second.send(path, { ...little, amount: '+1' }, 'a1')).toMatchObject({
    status: 201,
    replayed: false,
    body: { amount: '1.00' },
  })
  for (const amount of ['', '+', '+-1', '1e3', '1,50', '０1']) {
    expect(await second.send(path, { ...little, amount })).toMatchObject({
      status: 422,
      body: { code: 'amount_refused' },
    })
  }
  expect(await shop.wallet(id)).toEqual({ posted: 71_000_000n, held: 0n })

  const much = { amount: '500.00', reason: 'The order was lost.' }
  const asked = await admin.send(path, much, 'a2')
  expect(asked).toMatchObject({ status: 201, body: { state: 'asked', asked_by: String(admin.id), decided_by: null } })
  expect(await admin.send(path, much, 'a2')).toEqual({ ...asked, replayed: true })
  expect(await shop.wallet(id)).toEqual({ posted: 71_000_000n, held: 0n })
  const approve = `/api/admin/balance-adjustments/${asked.body.id}/approve`
  expect(await admin.send(approve, {})).toMatchObject({ status: 409, body: { code: 'same_person' } })
  const approved = await second.send(approve, { reason: 'Seen.' })
  expect(approved).toMatchObject({ status: 200, body: { state: 'posted', decided_by: String(second.id) } })
  // The same verdict again answers as before, and moves nothing.
  expect(await second.send(approve, { reason: 'Seen.' })).toEqual(approved)
  const refuse = await second.send(approve.replace('approve', 'refuse'), {})
  expect(refuse).toMatchObject({ status: 409, body: { code: 'adjustment_settled' } })
  expect(await shop.wallet(id)).toEqual({ posted: 571_000_000n, held: 0n })
  expect(await acts('balances.adjusted', 'balances.adjustment_asked', 'balances.adjustment_approved')).toMatchObject([
    { action: 'balances.adjusted', user_id: admin.id, reason: 'Goodwill.' },
    { action: 'balances.adjusted', user_id: second.id },
    { action: 'balances.adjustment_asked', user_id: admin.id, subject_id: String(id) },
    { action: 'balances.adjustment_approved', user_id: second.id, reason: 'Seen.' },
  ])
})

test('nobody but an administrator adjusts a balance or approves that, and nobody their own', async () => {
  const { shop, admin, second, others, acts } = await setup()
  const { id } = await shop.customer('50')
  const path = `/api/admin/users/${id}/balance-adjustments`
  const asked = await admin.send(path, { amount: '500', reason: 'x' })
  const before = await acts('balances.adjusted', 'balances.adjustment_approved')
  for (const [who, send, status] of others) {
    const tried = await send(path, { amount: '5', reason: 'x' }, 'k')
    const approved = await send(`/api/admin/balance-adjustments/${asked.body.id}/approve`, {})
    const refused = await send(`/api/admin/balance-adjustments/${asked.body.id}/refuse`, {})
    expect([who, tried.status, approved.status, refused.status]).toEqual([who, status, status, status])
  }
  const own = await admin.send(`/api/admin/users/${admin.id}/balance-adjustments`, { amount: '5', reason: 'x' })
  expect(own).toMatchObject({ status: expect.any(Number), body: { code: 'own_account' } })
  for (const amount of ['0', '', 'x', '1e3', '0.0000001', '9'.repeat(30)]) {
    const answer = await admin.send(path, { amount, reason: 'x' })
    expect([amount, [400, 422].includes(answer.status), answer.body.code]).toEqual([amount, true, expect.any(String)])
  }
  const more = await admin.send(path, { amount: '-50.01', reason: 'x' })
  expect(more).toMatchObject({ status: 409, body: { code: 'insufficient_funds' } })
  expect(await shop.wallet(id)).toEqual({ posted: 50_000_000n, held: 0n })
  expect(await acts('balances.adjusted', 'balances.adjustment_approved')).toEqual(before)
  const kept = await second.send(`/api/admin/balance-adjustments/${asked.body.id}/refuse`, { reason: 'No.' })
  expect(kept).toMatchObject({ status: 200, body: { state: 'refused' } })
})
