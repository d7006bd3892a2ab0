import { parseArgs } from 'node:util'
import { startProviderPanel } from './start-provider-panel.ts'

const USAGE = `Usage: node sandbox/provider/main.ts --key <key> [options]

  --port <n>             0 or absent: a free port
  --key <key>            the API key customers must send
  --control-token <t>    the control door wants it as "Authorization: Bearer <t>"
  --balance <decimal>    opening balance (25000.00)
  --currency <code>      USD
  --state-file <path>    keep orders and balance here
  --delay-ms <n>         hold back each answer of the API
  --complete-ms-min <n>  an order takes at least this long (20000)
  --complete-ms-max <n>  and at most this long (60000)
  --post-every-ms <n>    a subscription gets a post this often, 0 for never (20000)
  --seed <n>             same seed, same choices (1)

Prints one line of JSON, {"url","control_url"}, when it listens. Ends on SIGTERM, SIGINT, or when the process that forked it is gone.
`

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      port: text,
      key: text,
      'control-token': text,
      balance: text,
      currency: text,
      'state-file': text,
      'delay-ms': text,
      'complete-ms-min': text,
      'complete-ms-max': text,
      'post-every-ms': text,
      seed: text,
    },
  })
  if (values.help || values.key === undefined) {
    process.stdout.write(USAGE)
    process.exitCode = values.help ? 0 : 1
    return
  }
  const panel = await startProviderPanel({
    key: values.key,
    port: wholeNumber('port', values.port, 0),
    control_token: values['control-token'],
    balance: values.balance,
    currency: values.currency,
    state_file: values['state-file'],
    delay_ms: wholeNumber('delay-ms', values['delay-ms'], 0),
    pace: {
      complete_ms_min: wholeNumber('complete-ms-min', values['complete-ms-min'], 20_000),
      complete_ms_max: wholeNumber('complete-ms-max', values['complete-ms-max'], 60_000),
      post_every_ms: wholeNumber('post-every-ms', values['post-every-ms'], 20_000),
    },
    seed: wholeNumber('seed', values.seed, 1),
  })
  process.stdout.write(`${JSON.stringify({ url: panel.url, control_url: panel.control_url })}\n`)
  const stop = () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.removeListener(signal, stop)
    void panel.close().then(() => process.connected && process.disconnect())
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, stop)
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name}: expected a whole number, got ${JSON.stringify(text)}`)
  return Number(text)
}
