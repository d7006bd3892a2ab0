import { portOf, runAsMain } from '../door/main-of.ts'
import { startMailCatcher } from './start-mail-catcher.ts'

const USAGE = `Usage: node sandbox/mail/main.ts [--smtp-port <n>] [--port <n>]

A mail server that keeps every mail and sends none on. Prints one line of JSON, {"smtp_url","url"}, when it listens; the url
is the page to read mails on. Ports 0 or absent: free ones.
`

await runAsMain(['smtp-port', 'port'], USAGE, async (options) => {
  const catcher = await startMailCatcher({
    smtp_port: portOf('smtp-port', options['smtp-port']),
    port: portOf('port', options.port),
  })
  return { told: { smtp_url: catcher.smtp_url, url: catcher.url }, close: catcher.close }
})
