import { expect, test } from 'vitest'
import { openMessageDoors } from '#test/support/message-doors.ts'
import { openMessageHouse, TELEGRAM_TOKEN } from '#test/support/messages.ts'
import { sampleData } from '../../texts/kinds.ts'
import { makeLinkCode } from './link-chat.ts'
import { readUpdates } from './read-updates.ts'

interface Code {
  code: string
  url: string
}

test('a code said to the bot links the chat, and the user is told of it', async () => {
  const { house, person } = await openMessageDoors()
  const ada = await person()
  house.startWork()
  expect((await ada.ask('GET', '/api/v1/telegram')).body).toEqual({ available: true, chat: null })
  const { code, url } = (await ada.ask('POST', '/api/v1/telegram/code')).body as Code
  expect(url).toMatch(new RegExp(`/t\\.me/saldo_sandbox_bot\\?start=${code}$`))
  await house.telegram.say(42, `/start ${code}`, { first_name: 'Ada \u202Eevil' })
  await house.telegram.waitFor({ chat: 42, text: 'Done.' })
  expect((await ada.ask('GET', '/api/v1/telegram')).body).toMatchObject({ chat: { name: 'Ada evil', off: null } })
  expect((await house.mail.waitFor({ to: ada.email })).subject).toBe('Telegram is linked')
  await house.tell(ada.id, 'balance_adjusted', sampleData('balance_adjusted'))
  await house.telegram.waitFor({ chat: 42, text: 'Your balance was adjusted' })
  expect((await ada.ask('DELETE', '/api/v1/telegram')).status).toBe(204)
  expect((await ada.ask('DELETE', '/api/v1/telegram')).status).toBe(204)
  expect((await ada.ask('GET', '/api/v1/telegram')).body).toMatchObject({ chat: null })
  const acts = await house.app.db.query<{ action: string }>(
    `select action from audit.act where action like 'messages.%'`,
  )
  expect(acts.map((act) => act.action)).toEqual(['messages.telegram_linked', 'messages.telegram_unlinked'])
})

test('a code works once, not after its time, and is voided by the next one', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  const make = () => house.app.db.transaction((tx) => makeLinkCode(tx, id, house.app.clock.now()))
  const bot = { token: TELEGRAM_TOKEN, base_url: house.app.config.telegram_url }
  const say = async (chat: number, text: string) => {
    const after = (await house.telegram.messages()).at(0)?.message_id ?? 0
    await house.telegram.say(chat, text)
    while (!(await house.telegram.messages({ chat, after })).length) await readUpdates(house.app, bot)
    return (await house.telegram.messages({ chat, after }))[0]?.text ?? ''
  }
  const void_code = (await make()).code
  const { code } = await make()
  expect(await say(1, void_code)).toContain('not valid')
  expect(await say(2, 'x'.repeat(4_000))).toContain('not valid')
  expect(await say(3, code.toLowerCase())).toContain('Done.')
  expect(await say(4, code)).toContain('not valid')
  const late = await make()
  house.pass(15 * 60_000 + 1)
  expect(await say(5, late.code)).toContain('not valid')
  const chats = await house.app.db.query('select chat_id, user_id from notifications.telegram_chat')
  expect(chats).toEqual([{ chat_id: 3n, user_id: id }])
  const [stored] = await house.app.db.query<{ all: string }>(
    `select coalesce((select json_agg(c) from notifications.telegram_code c)::text, '') as all`,
  )
  expect(stored?.all).not.toContain(late.code)
})

test('the bot greets in the language of its reader, and /stop switches the chat off and says so', async () => {
  const house = await openMessageHouse()
  const { id, email } = await house.user('ru')
  await house.linkChat(id, 42)
  house.startWork()
  await house.telegram.say(42, '/start')
  await house.telegram.waitFor({ chat: 42, text: 'Hello.' })
  await house.telegram.say(42, '/stop')
  await house.telegram.waitFor({ chat: 42, text: 'No more messages' })
  expect((await house.mail.waitFor({ to: email })).text).toContain('отправлена команда /stop')
})

test('an update that Telegram tells twice is done once', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  const bot = { token: TELEGRAM_TOKEN, base_url: house.app.config.telegram_url }
  const { code } = await house.app.db.transaction((tx) => makeLinkCode(tx, id, house.app.clock.now()))
  await house.telegram.say(42, code)
  await readUpdates(house.app, bot)
  await house.telegram.setFaults({ duplicate_update: {} })
  await readUpdates(house.app, bot)
  await readUpdates(house.app, bot)
  expect(await house.telegram.messages({ chat: 42 })).toHaveLength(1)
})

test('of many workers one asks the bot at a time', async () => {
  const house = await openMessageHouse()
  const bot = { token: TELEGRAM_TOKEN, base_url: house.app.config.telegram_url }
  const asked = await Promise.all([
    readUpdates(house.app, bot),
    readUpdates(house.app, bot),
    readUpdates(house.app, bot),
  ])
  expect(asked.filter(Boolean)).toHaveLength(1)
})

test('hostile text reaches a chat as text', async () => {
  const house = await openMessageHouse()
  const { id } = await house.user()
  await house.linkChat(id, 42)
  house.startWork()
  const reason = '<a href="https://evil.example">win</a> & <script>x</script> {{amount}}'
  const data = { ...sampleData('balance_adjusted'), reason }
  await house.tell(id, 'balance_adjusted', data, { channels: ['telegram'] })
  const { text } = await house.telegram.waitFor({ chat: 42, text: 'balance' })
  expect(text).toContain(
    '&lt;a href=&quot;https://evil.example&quot;&gt;win&lt;/a&gt; &amp; &lt;script&gt;x&lt;/script&gt; {{amount}}',
  )
})
