import { portOf, runAsMain } from '../door/main-of.ts'
import { startTelegram } from './start-telegram.ts'

const USAGE = `Usage: node sandbox/telegram/main.ts --token <token> [--port <n>]

Telegram's Bot API with one bot whose token this is. Prints one line of JSON, {"url"}, when it listens; the url is the base of the
API and the page of a chat with the bot. Port 0 or absent: a free one.
`

await runAsMain(['token', 'port'], USAGE, async (options) => {
  if (!options.token) throw new Error('--token: needed')
  const telegram = await startTelegram({ token: options.token, port: portOf('port', options.port) })
  return { told: { url: telegram.url }, close: telegram.close }
})
