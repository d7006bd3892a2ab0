import { expect, test } from 'vitest'
import { openMessageDoors, type Person } from '#test/support/message-doors.ts'
import { sampleData } from '../texts/kinds.ts'

interface Preferences {
  time_zone: string
  quiet_hours: { from: string; to: string } | null
  telegram: boolean
  choices: { topic: string; channel: string; frequency: string; possible: string[] }[]
}

async function preferences(person: Person): Promise<Preferences> {
  return (await person.ask('GET', '/api/v1/message-preferences')).body
}

const choice = (topic: string, channel: string, frequency: string) => ({ choices: [{ topic, channel, frequency }] })

test('a user sees the defaults and what can be chosen, and chooses', async () => {
  const { person } = await openMessageDoors()
  const ada = await person()
  const before = await preferences(ada)
  expect(before).toMatchObject({ time_zone: 'UTC', quiet_hours: null, telegram: false })
  const find = (of: Preferences, topic: string, channel: string) =>
    of.choices.find((each) => each.topic === topic && each.channel === channel)
  expect(find(before, 'orders_completed', 'email')).toMatchObject({
    frequency: 'daily',
    possible: ['never', 'instantly', 'hourly', 'daily'],
  })
  expect(find(before, 'security', 'email')).toMatchObject({ frequency: 'instantly', possible: ['instantly'] })
  // Alerts are for staff.
  expect(find(before, 'alerts', 'email')).toBeUndefined()
  expect(find(await preferences(await person('administrator')), 'alerts', 'email')).toBeDefined()
  const change = { ...choice('orders_completed', 'email', 'hourly'), quiet_hours: { from: '22:00', to: '07:30' } }
  const changed = (await ada.ask('PUT', '/api/v1/message-preferences', change)).body as Preferences
  expect(changed.quiet_hours).toEqual({ from: '22:00', to: '07:30' })
  expect(find(changed, 'orders_completed', 'email')?.frequency).toBe('hourly')
  expect(
    ((await ada.ask('PUT', '/api/v1/message-preferences', { quiet_hours: null })).body as Preferences).quiet_hours,
  ).toBeNull()
})

test('security mails cannot be switched off, and what makes no sense is refused by name', async () => {
  const { person } = await openMessageDoors()
  const ada = await person()
  const put = async (body: object) => (await ada.ask('PUT', '/api/v1/message-preferences', body)).body
  expect(await put(choice('security', 'email', 'never'))).toMatchObject({
    code: 'bad_preference',
    errors: [{ field: 'choices.0.frequency' }],
  })
  expect(await put(choice('security', 'telegram', 'never'))).toMatchObject({ telegram: false })
  expect(await put(choice('balance', 'email', 'daily'))).toMatchObject({ code: 'bad_preference' })
  expect(await put(choice('nonsense', 'email', 'daily'))).toMatchObject({ errors: [{ field: 'choices.0.topic' }] })
  expect(await put({ quiet_hours: { from: '25:00', to: '07:00' } })).toMatchObject({
    errors: [{ field: 'quiet_hours.from' }],
  })
  expect(await put({ quiet_hours: { from: '07:00', to: '07:00' } })).toMatchObject({
    errors: [{ field: 'quiet_hours.to' }],
  })
  expect(await put({ user_id: '1' })).toMatchObject({ code: 'invalid_request' })
})

test('one click in a mail stops its kind and no other; looking at the page stops nothing', async () => {
  const { house, person, url } = await openMessageDoors()
  const ada = await person()
  house.startWork()
  await house.tell(ada.id, 'balance_adjusted', sampleData('balance_adjusted'))
  const mail = await house.mail.waitFor({ to: ada.email })
  expect(mail.headers['list-unsubscribe-post']).toBe('List-Unsubscribe=One-Click')
  const told = /^<https:\/\/saldo\.example(\/.+)>$/.exec(mail.headers['list-unsubscribe'] ?? '')?.[1] ?? ''
  expect(mail.text).toContain(told)
  const frequency = async (topic: string) =>
    (await preferences(ada)).choices.find((each) => each.topic === topic && each.channel === 'email')?.frequency
  const page = await (await fetch(`${url}${told}`)).text()
  expect(page).toContain('<form method="post">')
  expect(await frequency('balance')).toBe('instantly')
  const oneClick = (path: string) =>
    fetch(`${url}${path}`, { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) })
  expect((await oneClick(told)).status).toBe(200)
  expect((await oneClick(told)).status).toBe(200)
  expect([await frequency('balance'), await frequency('orders_returned')]).toEqual(['never', 'instantly'])
  // A token changed by one sign, or made for what cannot be stopped, is none.
  for (const forged of [
    told.replace('balance', 'webhooks'),
    told.replace('balance', 'security'),
    told.replace(/\/\d/, '/9'),
  ]) {
    const answer = await oneClick(forged)
    expect([answer.status, (await answer.text()).includes('not valid')]).toEqual([404, true])
  }
  await house.tell(ada.id, 'balance_adjusted', sampleData('balance_adjusted'))
  expect(await house.messages()).toHaveLength(1)
})

test('what was gathered is told by the new choice: at once, or never', async () => {
  const { house, person } = await openMessageDoors()
  const ada = await person()
  const gathered = () =>
    house.app.db.query<{ channel: string; due: boolean }>(
      'select channel, due_at is not null as due from notifications.gathering order by channel',
    )
  await house.app.db.query(
    `insert into notifications.gathering (user_id, kind, channel, tallies, due_at)
     select $1, 'orders_completed', channel, '{"count":3,"first":["1","2","3"]}', now() + interval '20 hours'
     from unnest(array['email', 'inbox']) as channel`,
    [ada.id],
  )
  await ada.ask('PUT', '/api/v1/message-preferences', choice('orders_completed', 'email', 'never'))
  expect(await gathered()).toEqual([
    { channel: 'email', due: false },
    { channel: 'inbox', due: true },
  ])
  await ada.ask('PUT', '/api/v1/message-preferences', choice('orders_completed', 'inbox', 'hourly'))
  house.startWork()
  await expect
    .poll(async () => (await house.app.db.query('select title from notifications.inbox'))[0], { timeout: 10_000 })
    .toEqual({ title: '3 orders completed' })
})
