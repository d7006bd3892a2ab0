import { portOf, runAsMain } from '../door/main-of.ts'
import { startWebhookReceiver } from './start-webhook-receiver.ts'

const USAGE = `Usage: node sandbox/webhook-receiver/main.ts [--port <n>]

Takes webhooks at /hooks/<any name>, checks their signatures and shows them on a page. Prints one line of JSON, {"url"}, when it
listens. Port 0 or absent: a free one.
`

await runAsMain(['port'], USAGE, async (options) => {
  const receiver = await startWebhookReceiver({ port: portOf('port', options.port) })
  return { told: { url: receiver.url }, close: receiver.close }
})
