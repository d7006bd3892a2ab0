import { expect, test } from 'vitest'
import { openMessageHouse } from '#test/support/messages.ts'
import { putSetting } from '#test/support/settings.ts'
import { sampleData } from '../texts/kinds.ts'
import { claimMessages, sweepMessages } from './claim-messages.ts'
import { measureMessages } from './measure-messages.ts'
import { recordSends } from './record-sends.ts'
import { messageAttempts, messageRetryBase, messageRetryFactor, messageRetryMax } from './settings.ts'
import { tellUsers } from './tell-users.ts'

const NOTICE = sampleData('password_changed')

test('a notice goes to the inbox at once, and by mail and Telegram in the user’s language', async () => {
  const house = await openMessageHouse()
  const { id, email } = await house.user('ru')
  await house.linkChat(id, 42)
  house.startWork()
  await house.tell(id, 'password_changed', NOTICE)
  const inbox = await house.app.db.query('select title, topic, read_at from notifications.inbox where user_id = $1', [
    id,
  ])
  expect(inbox).toEqual([{ title: 'Пароль изменён', topic: 'security', read_at: null }])
  const mail = await house.mail.waitFor({ to: email })
  expect(mail.subject).toBe('Пароль изменён')
  expect(mail.text).toContain('Firefox, Linux, 192.0.2.7')
  expect((await house.telegram.waitFor({ chat: 42, text: 'Пароль' })).text).toContain('<b>Пароль изменён</b>')
  await house.waitForState('sent', 2)
})

test('an occasion that is told of twice makes one message a channel, also by two at once', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  const tell = () => house.tell(id, 'password_changed', NOTICE, { key: 'once' })
  await tell()
  await Promise.all([tell(), tell(), tell()])
  expect(await house.messages()).toHaveLength(1)
  expect(await house.app.db.query('select from notifications.inbox')).toHaveLength(1)
})

test('a mail that is refused for the moment is sent again later; one refused for good is dead, with the reply', async () => {
  const house = await openMessageHouse()
  const { id: grey, email: grey_email } = await house.user()
  const { id: gone, email: gone_email } = await house.user()
  await house.mail.setFaults({ refuse_rcpt: { to: grey_email, code: 450, limit: 1 } })
  house.startWork()
  await house.tell(grey, 'password_changed', NOTICE)
  const [waiting] = await waitForReason(house, 'refused:450')
  expect(waiting).toMatchObject({ state: 'waiting', attempts: 1 })
  await house.mail.setFaults({ refuse_rcpt: { to: gone_email } })
  await house.tell(gone, 'password_changed', NOTICE)
  const [dead] = await house.waitForState('dead')
  expect(dead).toMatchObject({ reason: 'refused:550', reply: expect.stringContaining('No such mailbox'), attempts: 1 })
  house.pass(60_000)
  await house.mail.waitFor({ to: grey_email })
  expect(await house.mail.mails({ to: gone_email })).toEqual([])
})

test('how long and how often a message is tried follows the settings, from one failure to the next', async () => {
  const house = await openMessageHouse()
  const { app } = house
  const { id } = await house.user()
  await house.tell(id, 'password_changed', NOTICE)
  const set = async (setting: Parameters<typeof putSetting>[1], value: number) => {
    await putSetting(app.db, setting, value)
    await app.settings.refresh()
  }
  await set(messageRetryBase, 60_000)
  await set(messageRetryFactor, 10)
  await set(messageRetryMax, 1_200_000)
  await set(messageAttempts, 4)
  const waits: number[] = []
  for (let i = 0; i < 4; i++) {
    const [message] = await claimMessages(app, 'email', 1)
    if (!message) throw new Error('nothing was claimed')
    const now = app.clock.now()
    const end = { outcome: 'rejected', lasting: false, house: false, reason: 'refused:450', reply: 'later' } as const
    await recordSends(app, [{ message, end }])
    const [row] = await app.db.query<{ next_at: Date | null; state: string }>(
      'select next_at, state from notifications.message',
    )
    if (row?.next_at) waits.push((row.next_at.getTime() - now.getTime()) / 1_000)
    else expect(row?.state).toBe('dead')
    house.pass(1_300_000)
  }
  expect(waits).toHaveLength(3)
  for (const [i, longest] of [60, 600, 1_200].entries()) {
    expect(waits[i]).toBeGreaterThanOrEqual(longest / 2)
    expect(waits[i]).toBeLessThanOrEqual(longest + 1)
  }
})

test('a mail whose fate is unknown is sent again under the same identity', async () => {
  const house = await openMessageHouse()
  const { id, email } = await house.user()
  await house.mail.setFaults({ cut_after: { limit: 1 } })
  house.startWork()
  await house.tell(id, 'password_changed', NOTICE)
  const [unknown] = await waitForReason(house, 'connection_lost')
  expect(unknown).toMatchObject({ state: 'waiting', attempts: 1 })
  house.pass(60_000)
  await house.waitForState('sent')
  const ids = (await house.mail.mails({ to: email })).map((mail) => mail.message_id)
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(1)
})

test('while the server itself is away no try is counted, and all leaves when it is back', async () => {
  const house = await openMessageHouse()
  await house.mail.setFaults({ refuse_connection: {} })
  house.startWork()
  for (let i = 0; i < 3; i++) await house.tell((await house.user()).id, 'password_changed', NOTICE)
  await waitForReason(house, 'refused:421')
  expect((await house.messages()).every((message) => message.attempts === 0)).toBe(true)
  // Those under way are none that wait: sooner or later one does.
  const measured = async () => {
    house.pass(1_000)
    await measureMessages(house.app)
    return house.app.metrics.registry.metrics()
  }
  await expect.poll(measured, { timeout: 10_000 }).toMatch(/saldo_messages_waiting\{channel="email"\} [1-3]/)
  await expect
    .poll(measured, { timeout: 10_000 })
    .toMatch(/saldo_messages_oldest_unsent_seconds\{channel="email"\} [1-9]/)
  await house.mail.setFaults({})
  const timer = setInterval(() => house.pass(30_000), 50)
  await house.waitForState('sent', 3)
  clearInterval(timer)
})

test('a thousand messages to one user delay nobody else’s: each has one under way', async () => {
  const house = await openMessageHouse()
  const [busy, other] = [await house.user(), await house.user()]
  await house.app.db.transaction((tx) =>
    tellUsers(
      tx,
      house.app.clock.now(),
      Array.from({ length: 1_000 }, (_, i) => ({
        key: `b${i}`,
        user_id: busy.id,
        kind: 'password_changed',
        data: NOTICE,
      })),
    ),
  )
  await house.tell(other.id, 'password_changed', NOTICE)
  const first = await claimMessages(house.app, 'email', 10)
  expect(first.map((message) => message.user_id).sort()).toEqual([busy.id, other.id].sort())
  // Until it has ended, nothing more goes to either.
  expect(await claimMessages(house.app, 'email', 10)).toEqual([])
  await recordSends(house.app, [{ message: first[0] as never, end: { outcome: 'accepted', reference: '' } }])
  expect(await claimMessages(house.app, 'email', 10)).toHaveLength(1)
})

test('two who claim at once never take the same message', async () => {
  const house = await openMessageHouse()
  for (let i = 0; i < 20; i++) await house.tell((await house.user()).id, 'test_message', sampleData('test_message'))
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimMessages(house.app, 'email', 5)))
  const ids = claims.flat().map((message) => message.id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toHaveLength(20)
})

test('who claims while another is claiming takes the next ones, not nothing', async () => {
  const house = await openMessageHouse()
  for (let i = 0; i < 8; i++) await house.tell((await house.user()).id, 'test_message', sampleData('test_message'))
  const claimed = await house.app.db.transaction(async (tx) => {
    const first = `select id from notifications.message order by next_at, id limit 5 for update`
    const others = await tx.query<{ id: bigint }>(first)
    const mine = await claimMessages(house.app, 'email', 2)
    expect(others.filter(({ id }) => mine.some((message) => message.id === id))).toEqual([])
    return mine
  })
  expect(claimed).toHaveLength(2)
})

test('what a dead worker had taken is given back and sent again; a late outcome changes nothing then', async () => {
  const house = await openMessageHouse()
  const { id, email } = await house.user()
  await house.tell(id, 'password_changed', NOTICE)
  const [taken] = await claimMessages(house.app, 'email', 1)
  await sweepMessages(house.app)
  expect((await house.messages())[0]?.state).toBe('sending')
  house.pass(300_001)
  await sweepMessages(house.app)
  expect((await house.messages())[0]).toMatchObject({ state: 'waiting', reason: 'interrupted', attempts: 1 })
  await recordSends(house.app, [{ message: taken as never, end: { outcome: 'dropped', reason: 'late' } }])
  expect((await house.messages())[0]?.state).toBe('waiting')
  house.startWork()
  await house.mail.waitFor({ to: email })
})

test('a chat that blocked the bot is switched off, and its user told by other ways', async () => {
  const house = await openMessageHouse()
  const { id, email } = await house.user()
  await house.linkChat(id, 42)
  await house.telegram.block(42)
  house.startWork()
  await house.tell(id, 'password_changed', NOTICE, { channels: ['telegram'] })
  const mail = await house.mail.waitFor({ to: email, subject: 'Telegram is off' })
  expect(mail.text).toContain('the bot was blocked')
  expect(await house.waitForState('dead')).toMatchObject([{ channel: 'telegram', reason: 'refused:403' }])
  const chats = await house.app.db.query('select off_reason from notifications.telegram_chat')
  expect(chats).toEqual([{ off_reason: 'blocked' }])
  await house.tell(id, 'password_changed', NOTICE, { channels: ['telegram'] })
  expect((await house.messages()).filter((message) => message.channel === 'telegram')).toHaveLength(1)
})

test('when Telegram asks for patience it gets it, and the message is sent then', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  await house.linkChat(id, 42)
  await house.telegram.setFaults({ rate_limit: { limit: 1, ms: 7_000 } })
  house.startWork()
  const told_ms = house.app.clock.now().getTime()
  await house.tell(id, 'password_changed', NOTICE, { channels: ['telegram'] })
  await waitForReason(house, 'refused:429')
  const [row] = await house.app.db.query<{ next_at: Date }>('select next_at from notifications.message')
  expect((row?.next_at.getTime() ?? 0) - told_ms).toBeGreaterThanOrEqual(7_000)
  house.pass(8_000)
  expect((await house.telegram.waitFor({ chat: 42, text: 'password' })).text).toContain('Your password was changed')
})

test('a slow recipient holds its own place and no other', async () => {
  const house = await openMessageHouse()
  const [slow, quick] = [await house.user(), await house.user()]
  await house.mail.setFaults({ slow: { to: slow.email, ms: 4_000 } })
  house.startWork()
  await house.tell(slow.id, 'password_changed', NOTICE)
  for (let i = 0; i < 3; i++) await house.tell(quick.id, 'test_message', sampleData('test_message'))
  await house.waitForState('sent', 3)
  expect((await house.messages()).find((message) => message.kind === 'password_changed')?.state).toBe('sending')
})

test('in quiet hours Telegram waits for the morning, but urgent notices come without a sound', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  await house.linkChat(id, 42)
  const now = house.app.clock.now()
  const minute = now.getUTCHours() * 60 + now.getUTCMinutes()
  await house.app.db.query(`insert into notifications.quiet_hours (user_id, begins, ends) values ($1, $2, $3)`, [
    id,
    minute,
    (minute + 120) % 1_440,
  ])
  house.startWork()
  await house.tell(id, 'balance_adjusted', sampleData('balance_adjusted'), { channels: ['telegram'] })
  await house.tell(id, 'password_changed', NOTICE, { channels: ['telegram'] })
  await house.telegram.waitFor({ chat: 42, text: 'password' })
  const waits = async () =>
    (
      await house.app.db.query<{ wait: number }>(
        `select extract(epoch from next_at - created_at)::int as wait from notifications.message where state = 'waiting'`,
      )
    )[0]?.wait ?? 0
  await expect.poll(waits).toBeGreaterThan(7_000)
  house.pass(2 * 3_600_000)
  await house.telegram.waitFor({ chat: 42, text: 'balance' })
})

test('what is not wanted any more when its turn comes is dropped, and says why', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  await house.tell(id, 'balance_adjusted', sampleData('balance_adjusted'))
  await house.app.db.query(
    `insert into notifications.preference (user_id, topic, channel, frequency) values ($1, 'balance', 'email', 'never')`,
    [id],
  )
  await house.tell(id, 'balance_adjusted', sampleData('balance_adjusted'))
  house.startWork()
  expect(await house.waitForState('dropped')).toMatchObject([{ reason: 'unsubscribed' }])
  expect(await house.messages()).toHaveLength(1)
})

async function waitForReason(house: Awaited<ReturnType<typeof openMessageHouse>>, reason: string) {
  for (;;) {
    const found = (await house.messages()).filter((message) => message.reason === reason)
    if (found.length > 0) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
