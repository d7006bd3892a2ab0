import { expect, test } from 'vitest'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { actsOf, anEditor, editorFor, TERMINAL } from '#test/support/editors.ts'
import { aUser, identityApp } from '#test/support/identity.ts'
import { MAILS_PER_HOUR_MAX } from '../accounts/answer-registrations.ts'
import { deleteStaleRequests } from '../accounts/delete-stale-requests.ts'
import { resetPassword } from '../accounts/reset-password.ts'
import { oneTimeLink } from '../links/one-time-links.ts'
import type { Editor } from '../rights/editor.ts'
import { blockUser } from './block-user.ts'
import { findUser } from './find-user.ts'
import { inviteUser } from './invite-user.ts'
import { resendInvitation } from './resend-invitation.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

async function setup() {
  const app = await identityApp({ public_url: 'https://saldo.example' })
  const secrets = await openSecrets(app.config)
  const { id: user_id } = await inviteUser(app, TERMINAL, { email: 'new@example.com', role: 'support', locale: 'ru' })
  const links = async () =>
    (await app.db.query<{ id: bigint }>('select id from identity.one_time_link order by id')).map(({ id }) => id)
  const tokenOf = async (id: bigint | undefined) =>
    (await oneTimeLink(app, secrets, id ?? 0n))?.url.split('#')[1] ?? 'none'
  const tokens = async () => Promise.all((await links()).map(tokenOf))
  /** What becomes of the invitation when it is taken up, or sent again. */
  const accept = (token: string) => {
    const input = { token, password: 'four words not together', revoke_api_keys: false, by: { kind: 'user' } } as const
    return coded(resetPassword(app, secrets, input), 'accepted')
  }
  const resend = (editor: Editor = TERMINAL, id = user_id) => coded(resendInvitation(app, editor, id), 'sent')
  return { app, user_id, tokens, accept, resend }
}

function coded(work: Promise<unknown>, done: string): Promise<string> {
  return work.then(
    () => done,
    (error: { code: string }) => error.code,
  )
}

test('an invitation is sent again: its old link is dead, the new one works for as long as any, and both sendings are written down', async () => {
  const { app, user_id, tokens, accept, resend } = await setup()
  const admin = await editorFor(app, (await aUser(app, 'administrator')).id)
  const expires_at = async () => (await findUser(app, admin.principal, user_id)).invitation_expires_at?.getTime() ?? 0
  const [first] = await tokens()
  const until = await expires_at()
  app.clock.ahead_ms = DAY_MS
  expect(await resend(admin)).toBe('sent')
  expect((await expires_at()) - until).toBeGreaterThanOrEqual(DAY_MS)
  const [dead, fresh] = await tokens()
  expect(dead).toBe('none')
  expect(await accept(first ?? '')).toBe('link_not_valid')
  expect(await accept(fresh ?? '')).toBe('accepted')
  expect(await expires_at()).toBe(0)
  const mails = await app.db.query(`
    select payload ->> 'email' as email, payload ->> 'purpose' as purpose, payload ->> 'locale' as locale
    from platform.outbox where type = 'identity.link_asked'`)
  const mail = { email: 'new@example.com', purpose: 'accept_invitation', locale: 'ru' }
  expect(mails).toEqual([mail, mail])
  expect((await actsOf(app)).filter(({ action }) => action.startsWith('users.'))).toMatchObject([
    { action: 'users.invited', user_id: null, subject_id: String(user_id) },
    {
      action: 'users.invited_again',
      user_id: admin.principal.user_id,
      subject_id: String(user_id),
      after: { email: mail.email },
    },
  ])
})

test('one that ran out long ago can still be sent again, though old links are swept', async () => {
  const { app, tokens, accept, resend } = await setup()
  app.clock.ahead_ms = 90 * DAY_MS
  await deleteStaleRequests(app)
  expect(await tokens()).toEqual(['none'])
  expect(await resend()).toBe('sent')
  app.clock.ahead_ms += 60 * DAY_MS
  // The one that was replaced is forgotten, and the one in its place is not.
  await deleteStaleRequests(app)
  expect(await tokens()).toEqual(['none'])
  expect(await resend()).toBe('sent')
  expect(await accept((await tokens()).at(-1) ?? '')).toBe('accepted')
})

test('nothing is sent to who was not invited, has chosen a password, or is blocked, and no more than a few mails an hour', async () => {
  const { app, user_id, tokens, accept, resend } = await setup()
  const other = await aUser(app, 'support')
  expect(await resend(TERMINAL, other.id)).toBe('no_open_invitation')
  expect(await resend(TERMINAL, 999_999n)).toBe('user_not_found')
  for (let sent = 1; sent < MAILS_PER_HOUR_MAX; sent++) expect(await resend()).toBe('sent')
  expect(await resend()).toBe('too_many_mails')
  const last = (await tokens()).at(-1) ?? ''
  app.clock.ahead_ms = HOUR_MS + 1_000
  expect(await resend()).toBe('sent')
  expect(await accept(last)).toBe('link_not_valid')
  expect(await accept((await tokens()).at(-1) ?? '')).toBe('accepted')
  expect(await resend()).toBe('no_open_invitation')
  const blocked = await inviteUser(app, TERMINAL, { email: 'blocked@example.com', role: 'customer' })
  await blockUser(app, TERMINAL, { user_id: blocked.id, reason: 'Left before the first day.' })
  expect(await resend(TERMINAL, blocked.id)).toBe('no_open_invitation')
  expect((await actsOf(app)).filter(({ action }) => action === 'users.invited_again')).toHaveLength(MAILS_PER_HOUR_MAX)
  expect(user_id).not.toBe(blocked.id)
})

test('only who may make users of the role sends it: others learn no more than they may see, and nobody invites whom they could not be', async () => {
  const { app, tokens, resend } = await setup()
  const [before] = await tokens()
  const of = (...granted: string[]) => anEditor(app, granted)
  expect(await resend(await of('users:create:customer'))).toBe('user_not_found')
  expect(await resend(await of('users:read:support:{id}', 'users:edit:*'))).toBe('forbidden')
  expect(await resend(await of('users:create:support'))).toBe('more_rights')
  const blocked = await of('users:*')
  await blockUser(app, TERMINAL, { user_id: blocked.id, reason: 'A moment ago.' })
  expect(await resend(blocked)).toBe('unauthenticated')
  expect(await tokens()).toEqual([before])
  expect((await actsOf(app)).some(({ action }) => action === 'users.invited_again')).toBe(false)
})

test('of several who send it again at once the last one’s link works and no other', async () => {
  const { app, user_id, tokens, resend } = await setup()
  const hold = (tx: { query(sql: string, values: unknown[]): Promise<unknown[]> }) =>
    tx.query('select 1 from identity.user where id = $1 for update', [user_id])
  const outcomes = await atBarrier(
    app.db,
    hold,
    [1, 2, 3].map(() => () => resend()),
  )
  expect(outcomes).toEqual(['sent', 'sent', 'sent'])
  const all = await tokens()
  expect(all).toHaveLength(4)
  expect(all.filter((token) => token !== 'none')).toHaveLength(1)
})

test('sent again and taken up at once, it is one of the two', async () => {
  const { app, user_id, tokens, accept, resend } = await setup()
  const [token = ''] = await tokens()
  const hold = (tx: { query(sql: string, values: unknown[]): Promise<unknown[]> }) =>
    tx.query('select 1 from identity.user where id = $1 for update', [user_id])
  const outcomes = await atBarrier(app.db, hold, [() => accept(token), () => resend()])
  const working = (await tokens()).filter((each) => each !== 'none').length
  expect([
    ['accepted', 'no_open_invitation', 0],
    ['link_not_valid', 'sent', 1],
  ]).toContainEqual([...outcomes, working])
})
