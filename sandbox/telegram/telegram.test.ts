import { expect, onTestFinished, test } from 'vitest'
import { telegramControlOf } from './client.ts'
import { startTelegram } from './start-telegram.ts'

const TOKEN = '700001:sandbox'

interface Answer {
  ok: boolean
  error_code?: number
  description?: string
  parameters?: { retry_after: number }
  result: { update_id: number; message: { text: string; chat: { id: number } } }[] & { username?: string }
}

async function setup() {
  const telegram = await startTelegram({ token: TOKEN })
  onTestFinished(() => telegram.close())
  const ask = async (method: string, fields: object = {}, token = TOKEN) =>
    (await (
      await fetch(`${telegram.url}/bot${token}/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(fields),
      })
    ).json()) as Answer
  return { url: telegram.url, control: telegramControlOf(telegram.url), ask }
}

test('the bot knows itself, and a wrong token is refused', async () => {
  const { ask } = await setup()
  expect((await ask('getMe')).result.username).toBe('saldo_sandbox_bot')
  expect(await ask('getMe', {}, '1:no')).toMatchObject({ ok: false, error_code: 401 })
  expect(await ask('flyAway')).toMatchObject({ ok: false, error_code: 404 })
})

test('what a person says comes as an update, until it is confirmed', async () => {
  const { ask, control } = await setup()
  const waiting = ask('getUpdates', { timeout: 5 })
  await control.say(42, '/start code')
  const [update] = (await waiting).result
  expect(update?.message).toMatchObject({ text: '/start code', chat: { id: 42 } })
  expect((await ask('getUpdates')).result).toHaveLength(1)
  const offset = (update?.update_id ?? 0) + 1
  expect((await ask('getUpdates', { offset })).result).toEqual([])
  await control.setFaults({ duplicate_update: { limit: 1 } })
  expect((await ask('getUpdates', { offset })).result).toEqual([update])
})

test('a message reaches its chat, and what the Bot API would refuse is refused', async () => {
  const { ask, control } = await setup()
  const send = (fields: object) => ask('sendMessage', { chat_id: 42, parse_mode: 'HTML', ...fields })
  expect(await send({ text: 'a' })).toMatchObject({ error_code: 400, description: 'Bad Request: chat not found' })
  await control.say(42, 'hi')
  const button = { inline_keyboard: [[{ text: 'Open', url: 'https://example.com/' }]] }
  expect(await send({ text: '<b>a</b> &amp; b', reply_markup: button })).toMatchObject({ ok: true })
  expect(await control.messages({ chat: 42 })).toMatchObject([
    { text: '<b>a</b> &amp; b', button_url: 'https://example.com/' },
  ])
  for (const text of ['', 'x'.repeat(4_097), '<b>open', '<script>a</script>', 'a < b', 'a & b']) {
    expect(await send({ text })).toMatchObject({ ok: false, error_code: 400 })
  }
  await control.block(42)
  expect(await send({ text: 'a' })).toMatchObject({ error_code: 403 })
})

test('faults strike as they are set', async () => {
  const { ask, control } = await setup()
  await control.say(42, 'hi')
  const send = () => ask('sendMessage', { chat_id: 42, text: 'a' })
  await control.setFaults({ rate_limit: { limit: 1, ms: 2_500 }, blocked: { limit: 1 }, cut_after: { limit: 1 } })
  expect(await send()).toMatchObject({ error_code: 429, parameters: { retry_after: 3 } })
  expect(await send()).toMatchObject({ error_code: 403 })
  await expect(send()).rejects.toThrow()
  expect(await control.messages()).toHaveLength(1)
  expect(await control.waitFor({ text: 'a' })).toMatchObject({ chat_id: 42 })
})

test('the page of a link to the bot starts it with the code, as text', async () => {
  const { url, ask } = await setup()
  const page = await (await fetch(`${url}/t.me/saldo_sandbox_bot?start=%3Cb%3E`)).text()
  expect(page).toContain('value="/start &lt;b&gt;"')
  await fetch(`${url}/say`, { method: 'POST', body: new URLSearchParams({ text: '/start abc' }) })
  expect((await ask('getUpdates')).result[0]?.message.text).toBe('/start abc')
})
