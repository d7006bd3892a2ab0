import { expect, test } from 'vitest'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { aUser, identityApp } from '#test/support/identity.ts'
import type { LinkPurpose } from '../events.ts'
import { askLinks, LINK_TTL_MS } from './ask-links.ts'
import { oneTimeLink } from './one-time-links.ts'
import { useLink } from './use-link.ts'

const secretsOf = (byte: number) =>
  openSecrets({ mode: 'production', home: '', secret_key: Buffer.alloc(32, byte).toString('base64') })

async function setup() {
  const identity = await identityApp()
  const { db, clock } = identity
  const app = { db, clock, config: { public_url: 'https://saldo.example/', port: 3000 } }
  const user = await aUser(identity)
  const secrets = await secretsOf(9)
  /** Asks for a link and answers its number. */
  const ask = async (purpose: keyof typeof LINK_TTL_MS = 'reset_password') => {
    const asked = { purpose, email: user.email, locale: 'bn', user_id: user.id } as const
    await db.transaction((tx) => askLinks(tx, clock.now(), [asked]))
    const [row] = await db.query<{ id: bigint }>('select max(id) as id from identity.one_time_link')
    return row?.id ?? 0n
  }
  const tokenOf = async (id: bigint) => (await oneTimeLink(app, secrets, id))?.url.split('#')[1] ?? ''
  const use = (token: string, purposes: LinkPurpose[] = ['reset_password'], by = secrets) =>
    db.transaction((tx) => useLink(tx, by, { token, purposes, now: clock.now() }))
  return { app, db, clock, user, secrets, ask, tokenOf, use }
}

const notValid = expect.objectContaining({ code: 'link_not_valid', status: 410 })

test('a link is computed anew for the mail, the same each time, with its token behind the #', async () => {
  const { app, user, secrets, ask } = await setup()
  const id = await ask()
  const link = await oneTimeLink(app, secrets, id)
  expect(link).toMatchObject({ email: user.email, locale: 'bn', purpose: 'reset_password' })
  expect(link?.url).toMatch(new RegExp(`^https://saldo\\.example/account/reset\\?lang=bn#ol_${id}\\.[\\w-]{43}$`))
  expect(await oneTimeLink(app, secrets, id)).toEqual(link)
  expect(await oneTimeLink(app, secrets, id + 1n)).toBeUndefined()
})

test('the token stands in no table and no event', async () => {
  const { db, ask, tokenOf } = await setup()
  const token = await tokenOf(await ask())
  const rows = await db.query<{ text: string }>(`
    select link::text as text from identity.one_time_link link union all select event::text from platform.outbox event`)
  expect(rows.length).toBeGreaterThanOrEqual(2)
  for (const { text } of rows) expect(text).not.toContain(token.slice(-43))
})

test('the event tells to whom a mail goes and what for', async () => {
  const { db, user, ask } = await setup()
  const link_id = await ask('confirm_email')
  const events = await db.query<{ payload: object }>(
    `select payload from platform.outbox where type = 'identity.link_asked'`,
  )
  const tagged = (value: bigint) => ({ $bigint: value.toString() })
  expect(events).toEqual([
    {
      payload: {
        link_id: tagged(link_id),
        user_id: tagged(user.id),
        purpose: 'confirm_email',
        email: user.email,
        locale: 'bn',
      },
    },
  ])
})

test('a link works once, also when it is opened twice at the same moment', async () => {
  const { app, db, secrets, ask, tokenOf, use } = await setup()
  const id = await ask()
  const token = await tokenOf(id)
  const opened = await atBarrier(
    db,
    (tx) => tx.query('select 1 from identity.one_time_link where id = $1 for update', [id]),
    [1, 2, 3].map(() => () => use(token).catch((error: { code: string }) => error.code)),
  )
  expect(opened.filter((each) => each === 'link_not_valid')).toHaveLength(2)
  await expect(use(token)).rejects.toEqual(notValid)
  expect(await oneTimeLink(app, secrets, id)).toBeUndefined()
})

test('a link that was used voids the others of its purpose, and no others', async () => {
  const { ask, tokenOf, use } = await setup()
  const [first, second, other] = [await ask(), await ask(), await ask('confirm_email')] as const
  const tokens = [await tokenOf(first), await tokenOf(second), await tokenOf(other)] as const
  await use(tokens[1])
  await expect(use(tokens[0])).rejects.toEqual(notValid)
  expect(await use(tokens[2], ['confirm_email'])).toMatchObject({ id: other })
})

test('an expired link, one of another purpose, house or number, and what is no token are refused alike', async () => {
  const { app, clock, secrets, ask, tokenOf, use } = await setup()
  const id = await ask()
  const token = await tokenOf(id)
  await expect(use(token, ['confirm_email'])).rejects.toEqual(notValid)
  await expect(use(token, ['reset_password'], await secretsOf(8))).rejects.toEqual(notValid)
  const next = await ask()
  await expect(use(token.replace(`ol_${id}.`, `ol_${next}.`))).rejects.toEqual(notValid)
  const flipped = token.slice(0, -2) + (token.at(-2) === 'A' ? 'B' : 'A') + token.slice(-1)
  for (const bad of [
    flipped,
    '',
    'x',
    token.slice(0, -1),
    `${token}A`,
    'ol_0.',
    `ol_${'9'.repeat(18)}.${'A'.repeat(43)}`,
  ]) {
    await expect(use(bad)).rejects.toEqual(notValid)
  }
  clock.ahead_ms = LINK_TTL_MS.reset_password + 1_000
  expect(await oneTimeLink(app, secrets, id)).toBeUndefined()
  await expect(use(token)).rejects.toEqual(notValid)
})

test('a transaction that fails leaves the link as it was', async () => {
  const { db, clock, secrets, ask, tokenOf, use } = await setup()
  const token = await tokenOf(await ask())
  const failed = db.transaction(async (tx) => {
    await useLink(tx, secrets, { token, purposes: ['reset_password'], now: clock.now() })
    throw new Error('the rest failed')
  })
  await expect(failed).rejects.toThrow('the rest failed')
  expect(await use(token)).toMatchObject({ purpose: 'reset_password' })
})
