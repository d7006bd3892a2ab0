import { expect, test } from 'vitest'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { actsOf, TERMINAL } from '#test/support/editors.ts'
import { aClient, anAuthentication, identityApp, signedIn } from '#test/support/identity.ts'
import { putSetting } from '#test/support/settings.ts'
import { invitationDays } from '../accounts/account-settings.ts'
import { resetPassword } from '../accounts/reset-password.ts'
import { askLinks } from '../links/ask-links.ts'
import { oneTimeLink } from '../links/one-time-links.ts'
import { inviteUser } from './invite-user.ts'

const DAY_MS = 86_400_000
const PASSWORD = 'four words not together'

async function setup() {
  const app = await identityApp({ public_url: 'https://saldo.example' })
  const secrets = await openSecrets(app.config)
  const invite = async (email: string) => {
    const user = await inviteUser(app, TERMINAL, { email, role: 'support', locale: 'bn' })
    const [row] = await app.db.query<{ id: bigint }>('select max(id) as id from identity.one_time_link')
    return { user, link_id: row?.id ?? 0n }
  }
  const linkOf = (id: bigint) => oneTimeLink(app, secrets, id)
  const choose = async (id: bigint, password = PASSWORD) => {
    const token = (await linkOf(id))?.url.split('#')[1] ?? 'none'
    return resetPassword(app, secrets, { token, password, revoke_api_keys: false, by: { kind: 'user' } }).then(
      ({ email }) => email,
      (error: { code: string }) => error.code,
    )
  }
  return { app, invite, linkOf, choose }
}

test('who is invited gets a link of its own, for days, by which they choose a password once and sign in', async () => {
  const { app, invite, linkOf, choose } = await setup()
  const { user, link_id } = await invite('new@example.com')
  const link = await linkOf(link_id)
  expect(link).toMatchObject({ purpose: 'accept_invitation', locale: 'bn', email: 'new@example.com' })
  expect(link?.url).toMatch(/^https:\/\/saldo\.example\/account\/invitation\?lang=bn#ol_/)
  app.clock.ahead_ms = 6 * DAY_MS
  expect(await choose(link_id, 'password')).toBe('bad_field')
  expect(await choose(link_id)).toBe('new@example.com')
  expect(await choose(link_id)).toBe('link_not_valid')
  const input = { email: 'new@example.com', password: PASSWORD, client: aClient() }
  expect((await signedIn(app, await anAuthentication(app), input)).user.id).toBe(user.id)
  expect((await actsOf(app)).map((act) => act.action)).toContain('passwords.changed')
})

test('it works no longer than the setting said when it was made, and a password set otherwise voids it', async () => {
  const { app, invite, linkOf, choose } = await setup()
  await putSetting(app.db, invitationDays, 2)
  await app.settings.refresh()
  const late = await invite('late@example.com')
  const { user, link_id } = await invite('other@example.com')
  const { id: user_id, email, locale } = user
  await app.db.transaction((tx) =>
    askLinks(tx, app.clock.now(), [{ purpose: 'reset_password', user_id, email, locale }]),
  )
  expect(await choose(link_id + 1n)).toBe('other@example.com')
  expect(await linkOf(link_id)).toBeUndefined()
  expect(await linkOf(late.link_id)).toBeDefined()
  app.clock.ahead_ms = 2 * DAY_MS + 1_000
  expect(await linkOf(late.link_id)).toBeUndefined()
})
