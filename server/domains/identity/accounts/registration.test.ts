import { describe, expect, test } from 'vitest'
import { atBarrier } from '#test/support/barrier.ts'
import { countingStatements } from '#test/support/counting.ts'
import {
  actsOf,
  anAuthentication,
  answerRequests,
  aUser,
  identityApp,
  PASSWORD,
  signedIn,
  tokenOf,
} from '#test/support/identity.ts'
import { putSetting } from '#test/support/settings.ts'
import { LINK_TTL_MS } from '../links/ask-links.ts'
import { userByEmail } from '../queries.ts'
import { confirmationRequired, registrationOpen } from './account-settings.ts'
import { MAILS_PER_HOUR_MAX } from './answer-registrations.ts'
import { confirmEmail } from './confirm-email.ts'
import { deleteStaleRequests } from './delete-stale-requests.ts'
import { type Register, register } from './register.ts'
import { resendConfirmation } from './resend-confirmation.ts'

const BY = { kind: 'user', ip: '192.0.2.1' } as const
const refusal = (error: { code: string }) => error.code

async function setup() {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const ask = (input: Partial<Register> = {}) =>
    register(app, { email: 'ada@example.com', password: PASSWORD, name: 'Ada', locale: 'ru', ...input })
  const answer = () => answerRequests(app, authentication)
  const confirm = (token: string) => confirmEmail(app, authentication.secrets, { token, by: BY })
  const signIn = (email: string, password = PASSWORD) =>
    signedIn(app, authentication, { email, password }).catch(refusal)
  return { app, authentication, ask, answer, confirm, signIn }
}

test('a registration becomes a customer when its link has been opened, and not before', async () => {
  const { app, ask, answer, confirm, signIn } = await setup()
  await ask({ email: ' Ada@Example.com', name: ' Ada ' })
  const { links } = await answer()
  expect(links).toMatchObject([{ email: 'ada@example.com', locale: 'ru', purpose: 'confirm_email' }])
  expect(await userByEmail(app, 'ada@example.com')).toBeUndefined()
  expect(await signIn('ada@example.com')).toBe('sign_in_refused')
  expect(await confirm(tokenOf(links[0]))).toEqual({ email: 'ada@example.com' })
  expect(await signIn('ada@example.com')).toMatchObject({
    user: { email: 'ada@example.com', name: 'Ada', role: 'customer', locale: 'ru', state: 'active' },
  })
  expect(await actsOf(app)).toEqual(['sessions.refused', 'users.registered', 'sessions.started'])
  const [row] = await app.db.query(
    'select self_registered, email_confirmed_at is not null as confirmed from identity.user',
  )
  expect(row).toEqual({ self_registered: true, confirmed: true })
})

test('an address with an account: the same answer and work, and its owner gets a notice in place of a link', async () => {
  const { app, ask, answer } = await setup()
  const owner = await aUser(app)
  const { app: counted, count } = countingStatements(app)
  const work = async (email: string) => {
    const before = count()
    const { handle } = await register(counted, { email, password: PASSWORD, name: '', locale: 'en' })
    return { statements: count() - before, handle: handle.replace(/^rg_[\w-]{43}$/, 'rg') }
  }
  const known = await work(owner.email)
  expect(known).toEqual(await work('nobody@example.com'))
  expect(known).toEqual({ statements: 2, handle: 'rg' })
  expect(await answer()).toMatchObject({
    links: [{ email: 'nobody@example.com' }],
    notices: [{ user_id: owner.id, kind: 'address_already_registered' }],
  })
  // Once a day is enough to know.
  await ask({ email: owner.email })
  await ask({ email: owner.email.toUpperCase() })
  expect(await answer()).toEqual({ links: [], notices: [] })
})

test('nobody can occupy an address: each registration has its own link and its own password', async () => {
  const { ask, answer, confirm, signIn } = await setup()
  await ask({ password: 'what the attacker chose' })
  await ask({ password: 'what the owner chose' })
  const { links } = await answer()
  expect(links).toHaveLength(2)
  await confirm(tokenOf(links[1]))
  expect(await signIn('ada@example.com', 'what the attacker chose')).toBe('sign_in_refused')
  expect(await signIn('ada@example.com', 'what the owner chose')).toMatchObject({ token: expect.any(String) })
  // The attacker's mail, opened later by mistake, changes nothing.
  expect(await confirm(tokenOf(links[0])).catch(refusal)).toBe('email_taken')
})

test('two links of one address opened at once make one account', async () => {
  const { app, ask, answer, confirm } = await setup()
  await ask()
  await ask()
  const { links } = await answer()
  const outcomes = await atBarrier(
    app.db,
    (tx) => tx.query('select 1 from identity.one_time_link for update'),
    links.map((link) => () => confirm(tokenOf(link)).catch(refusal)),
  )
  expect(outcomes.toSorted()).toEqual([{ email: 'ada@example.com' }, 'email_taken'].toSorted())
  expect(await app.db.query('select 1 from identity.user')).toHaveLength(1)
})

test('a link works once and for two days', async () => {
  const { app, ask, answer, confirm } = await setup()
  await ask()
  await ask({ email: 'bob@example.com' })
  const [ada, bob] = (await answer()).links
  await confirm(tokenOf(ada))
  expect(await confirm(tokenOf(ada)).catch(refusal)).toBe('link_not_valid')
  app.clock.ahead_ms = LINK_TTL_MS.confirm_email + 1_000
  expect(await confirm(tokenOf(bob)).catch(refusal)).toBe('link_not_valid')
})

describe('the mail once more', () => {
  test('goes to whoever has the handle, and any of the links works', async () => {
    const { app, ask, answer, confirm } = await setup()
    const { handle } = await ask()
    const [first] = (await answer()).links
    await resendConfirmation(app, handle)
    await resendConfirmation(app, 'rg_unknown')
    const { links } = await answer()
    expect(links).toHaveLength(1)
    expect(tokenOf(links[0])).not.toBe(tokenOf(first))
    await confirm(tokenOf(first))
    await resendConfirmation(app, handle)
    expect(await answer()).toEqual({ links: [], notices: [] })
  })

  test('is bounded by address, whoever asks and however often', async () => {
    const { app, ask, answer } = await setup()
    const { handle } = await ask()
    let mails = (await answer()).links.length
    for (let i = 0; i < MAILS_PER_HOUR_MAX; i++) {
      await resendConfirmation(app, handle)
      mails += (await answer()).links.length
    }
    expect(mails).toBe(MAILS_PER_HOUR_MAX)
    for (let i = 0; i < 3; i++) await ask()
    expect((await answer()).links).toEqual([])
    app.clock.ahead_ms = 3_600_000 + 1_000
    await ask()
    expect((await answer()).links).toHaveLength(1)
  })

  test('costs the same for an address that has an account', async () => {
    const { app, ask } = await setup()
    const owner = await aUser(app)
    const handles = [await ask({ email: owner.email }), await ask()].map((each) => each.handle)
    const { app: counted, count } = countingStatements(app)
    const costs: number[] = []
    for (const handle of handles) {
      const before = count()
      await resendConfirmation(counted, handle)
      costs.push(count() - before)
    }
    expect(costs[0]).toBe(costs[1])
  })
})

test('where registration is closed nobody comes in', async () => {
  const { app, ask } = await setup()
  await putSetting(app.db, registrationOpen, false)
  await app.settings.refresh()
  expect(await ask().catch(refusal)).toBe('registration_closed')
  expect(await app.db.query('select 1 from identity.registration')).toEqual([])
})

test('where no confirmation is required the account exists at once, and the mail still confirms it', async () => {
  const { app, ask, answer, confirm, signIn } = await setup()
  await putSetting(app.db, confirmationRequired, false)
  await app.settings.refresh()
  await ask()
  const { links } = await answer()
  expect(await signIn('ada@example.com')).toMatchObject({ token: expect.any(String) })
  await confirm(tokenOf(links[0]))
  const [row] = await app.db.query('select email_confirmed_at is not null as confirmed from identity.user')
  expect(row).toEqual({ confirmed: true })
})

test.each([
  ['email', { email: 'nobody' }],
  ['password', { password: 'short' }],
  ['password', { password: 'password1' }],
  ['password', { password: 'ada@example.com' }],
  ['name', { name: 'x'.repeat(101) }],
  ['name', { name: 'a\nb' }],
])('a bad %s is refused by name, and nothing is stored: %j', async (field, bad) => {
  const { app, ask } = await setup()
  await expect(ask(bad)).rejects.toMatchObject({ code: 'bad_field', status: 422, field })
  expect(await app.db.query('select 1 from identity.registration')).toEqual([])
})

test('what came to nothing is deleted in time, and what did not stays', async () => {
  const { app, authentication, ask, answer, confirm } = await setup()
  await ask()
  await ask({ email: 'bob@example.com' })
  await confirm(tokenOf((await answer()).links[0]))
  await signedIn(app, authentication, { email: 'ada@example.com' })
  expect(await deleteStaleRequests(app)).toBe(0)
  app.clock.ahead_ms = 40 * 24 * 3_600_000
  expect(await deleteStaleRequests(app)).toBeGreaterThan(0)
  expect(await app.db.query('select 1 from identity.registration')).toEqual([])
  expect(await app.db.query('select 1 from identity.one_time_link')).toEqual([])
  expect(await app.db.query('select email from identity.user')).toEqual([{ email: 'ada@example.com' }])
  expect(await app.db.query('select 1 from identity.known_device')).toHaveLength(1)
  app.clock.ahead_ms = 500 * 24 * 3_600_000
  await deleteStaleRequests(app)
  expect(await app.db.query('select 1 from identity.known_device')).toEqual([])
})
