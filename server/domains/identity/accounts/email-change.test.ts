import { expect, test } from 'vitest'
import { atBarrier } from '#test/support/barrier.ts'
import { countingStatements } from '#test/support/counting.ts'
import {
  aClient,
  actsOf,
  anAuthentication,
  answerRequests,
  aUser,
  type IdentityApp,
  identityApp,
  PASSWORD,
  signedIn,
  tokenOf,
} from '#test/support/identity.ts'
import type { LinkPurpose } from '../events.ts'
import { LINK_TTL_MS } from '../links/ask-links.ts'
import type { OneTimeLink } from '../links/one-time-links.ts'
import { userById } from '../queries.ts'
import type { User } from '../user.ts'
import { askEmailChange } from './ask-email-change.ts'
import { confirmEmailChange } from './confirm-email-change.ts'
import { profileOf } from './profile.ts'

const refusal = (error: { code: string }) => error.code

async function setup() {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const user = await aUser(app)
  const ask = (new_email: string, of: User = user, on: IdentityApp = app, password = PASSWORD) =>
    askEmailChange(on, authentication.attempts, {
      user_id: of.id,
      new_email,
      password,
      client: aClient(),
      by: { kind: 'user', user_id: of.id },
    })
  const answer = () => answerRequests(app, authentication)
  const open = (link: OneTimeLink | undefined) =>
    confirmEmailChange(app, authentication.secrets, { token: tokenOf(link), by: { kind: 'user' } })
  const emailOf = async (of: User = user) => (await userById(app, of.id))?.email
  return { app, authentication, user, ask, answer, open, emailOf }
}

const of = (links: OneTimeLink[], purpose: LinkPurpose) => links.find((each) => each.purpose === purpose)

test.each([
  ['the old one first', ['confirm_old_email', 'confirm_new_email']],
  ['the new one first', ['confirm_new_email', 'confirm_old_email']],
] as const)('an address changes when both have agreed, %s', async (_, [first, second]) => {
  const { app, authentication, user, ask, answer, open, emailOf } = await setup()
  await ask('New@Example.org')
  const { links } = await answer()
  expect(links.map((each) => [each.purpose, each.email]).toSorted()).toEqual([
    ['confirm_new_email', 'new@example.org'],
    ['confirm_old_email', user.email],
  ])
  expect((await profileOf(app, user.id)).new_email).toBe('new@example.org')
  expect(await open(of(links, first))).toEqual({ state: 'waiting_for_the_other' })
  expect(await emailOf()).toBe(user.email)
  expect(await open(of(links, second))).toEqual({ state: 'changed' })
  expect(await emailOf()).toBe('new@example.org')
  const profile = await profileOf(app, user.id)
  expect(profile).toMatchObject({ new_email: null, email_confirmed_at: expect.any(Date) })
  expect((await answer()).notices).toMatchObject([{ kind: 'email_changed', user_id: user.id, email: user.email }])
  expect(await signedIn(app, authentication, { email: 'new@example.org' })).toMatchObject({ user: { id: user.id } })
  expect(await actsOf(app)).toEqual(['users.email_change_asked', 'users.email_changed', 'sessions.started'])
})

test('both links opened at once make the change once', async () => {
  const { app, user, ask, answer, open, emailOf } = await setup()
  await ask('new@example.org')
  const { links } = await answer()
  const outcomes = await atBarrier(
    app.db,
    (tx) => tx.query('select 1 from identity.email_change for update'),
    links.map((link) => () => open(link)),
  )
  expect(outcomes.map((each) => each.state).toSorted()).toEqual(['changed', 'waiting_for_the_other'])
  expect(await emailOf()).toBe('new@example.org')
  expect((await answer()).notices).toMatchObject([{ kind: 'email_changed', email: user.email }])
})

test('an address that has an account: the same work, its owner gets a notice, and nothing can be changed', async () => {
  const { app, ask, answer, open, emailOf, user } = await setup()
  const owner = await aUser(app)
  const { app: counted, count } = countingStatements(app)
  const costs: number[] = []
  for (const new_email of [owner.email, 'free@example.org']) {
    const before = count()
    await ask(new_email, user, counted as IdentityApp)
    costs.push(count() - before)
  }
  expect(costs[0]).toBe(costs[1])
  await ask(owner.email)
  const { links, notices } = await answer()
  expect(notices).toMatchObject([{ user_id: owner.id, kind: 'address_already_registered' }])
  expect(links.map((each) => each.purpose)).toEqual(['confirm_old_email'])
  expect(await open(links[0])).toEqual({ state: 'waiting_for_the_other' })
  expect(await emailOf()).toBe(user.email)
})

test('an address that got an account in the meantime is refused, also when two take it at once', async () => {
  const { app, user, ask, answer, open, emailOf } = await setup()
  const rival = await aUser(app)
  await ask('new@example.org')
  await ask('new@example.org', rival)
  const { links } = await answer()
  for (const link of links.filter((each) => each.purpose === 'confirm_old_email')) await open(link)
  const outcomes = await atBarrier(
    app.db,
    (tx) => tx.query('select 1 from identity.email_change for update'),
    links
      .filter((each) => each.purpose === 'confirm_new_email')
      .map((link) => () => open(link).then((each) => each.state, refusal)),
  )
  expect(outcomes.toSorted()).toEqual(['changed', 'email_taken'])
  expect([await emailOf(), await emailOf(rival)].toSorted()).toEqual(
    ['new@example.org', outcomes[0] === 'changed' ? rival.email : user.email].toSorted(),
  )
})

test('a later wish takes the place of an earlier one', async () => {
  const { ask, answer, open, emailOf } = await setup()
  await ask('first@example.org')
  const first = (await answer()).links
  await ask('second@example.org')
  const second = (await answer()).links
  for (const link of first) expect(await open(link).catch(refusal)).toBe('link_not_valid')
  for (const link of second) await open(link)
  expect(await emailOf()).toBe('second@example.org')
})

test('the two links of different wishes do not add up, an expired one does not count, and one cannot stand for both', async () => {
  const { app, user, ask, answer, open, emailOf } = await setup()
  await ask('new@example.org')
  const { links } = await answer()
  const link = of(links, 'confirm_new_email')
  await open(link)
  expect(await open(link).catch(refusal)).toBe('link_not_valid')
  app.clock.ahead_ms = LINK_TTL_MS.confirm_old_email + 1_000
  expect(await open(of(links, 'confirm_old_email')).catch(refusal)).toBe('link_not_valid')
  expect(await emailOf()).toBe(user.email)
})

test('it needs the password, another address, and is bounded by the day', async () => {
  const { app, user, ask } = await setup()
  expect(await ask('new@example.org', user, app, 'wrong password').catch(refusal)).toBe('wrong_password')
  expect(await ask(user.email).catch(refusal)).toBe('bad_field')
  expect(await ask('nonsense').catch(refusal)).toBe('bad_field')
  for (let i = 0; i < 5; i++) await ask(`new-${i}@example.org`)
  expect(await ask('new-6@example.org').catch(refusal)).toBe('too_many_mails')
})
