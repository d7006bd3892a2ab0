import { portOf, runAsMain } from '../door/main-of.ts'
import { startCaptcha } from './start-captcha.ts'

const USAGE = `Usage: node sandbox/captcha/main.ts --secret <secret> [--port <n>]

The check of Cloudflare Turnstile for one site whose secret this is. Prints one line of JSON, {"url","verify_url"}, when it listens; a token is
had by POST /control/tokens, as if a visitor had solved the widget. Port 0 or absent: a free one.
`

await runAsMain(['secret', 'port'], USAGE, async (options) => {
  if (!options.secret) throw new Error('--secret: needed')
  const captcha = await startCaptcha({ secret: options.secret, port: portOf('port', options.port) })
  return { told: { url: captcha.url, verify_url: captcha.verify_url }, close: captcha.close }
})
