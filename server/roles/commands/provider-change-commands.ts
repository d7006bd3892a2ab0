import { changeProvider } from '#server/domains/providers/change-provider.ts'
import { pauseProvider } from '#server/domains/providers/pause-provider.ts'
import { resumeProvider } from '#server/domains/providers/resume-provider.ts'
import { refuseOutsideOfSandbox } from '#server/domains/providers/sandbox-address.ts'
import type { Config } from '#server/platform/config/config.ts'
import type { Tx } from '#server/platform/db/database.ts'
import type { Saldo } from '../open-saldo.ts'
import {
  type Command,
  commandActor,
  type Options,
  print,
  readArguments,
  readId,
  readYesNo,
  UsageError,
  withSaldo,
} from './command.ts'
import { REPETITION_OPTIONS, readRepetition, wholeOption } from './provider-commands.ts'

/** A month; who wants to do without a provider for longer switches it off. */
const PAUSE_MINUTES_MAX = 43_200

const CHANGEABLE = [
  'name',
  'url',
  'key',
  'enabled',
  'concurrency',
  'rate-per-second',
  'timeout-ms',
  'reason',
  ...REPETITION_OPTIONS,
]

/** `saldo change-provider` */
export const changeProviderCommand: Command = {
  arguments:
    '<provider id> [--name …] [--url …] [--key …] [--enabled yes|no] [--concurrency 8] [--rate-per-second 20] [--timeout-ms 15000] [--idempotency none|request_id|natural_window] [--idempotency-window-s 120] [--lists-orders yes|no] [--reason …]',
  summary: 'Change settings of a provider; every process works by them from its next call on',
  run: (args, config) => {
    const { options, positionals } = readArguments(args, CHANGEABLE, { min: 1, max: 1 })
    const id = readId(positionals[0], 'The provider')
    const settings = readSettings(options, config)
    const change = { provider_id: id, settings, by: commandActor('change-provider'), ...reasonOf(options) }
    return changed(config, async ({ secrets }, tx) => {
      await changeProvider(tx, secrets, change)
      return `Provider ${id} is changed.`
    })
  },
}

function readSettings(options: Options, config: Config) {
  const { name, url, key, ...numbers } = options
  const enabled = readYesNo(options, 'enabled')
  refuseOutsideOfSandbox(config, url)
  const settings = {
    ...(name !== undefined && { name }),
    ...(url !== undefined && { url }),
    ...(key !== undefined && { key }),
    ...(enabled !== undefined && { enabled }),
    ...wholeOption(numbers.concurrency, 'concurrency'),
    ...wholeOption(numbers['rate-per-second'], 'rate_per_second'),
    ...wholeOption(numbers['timeout-ms'], 'timeout_ms'),
    ...readRepetition(options),
  }
  if (Object.keys(settings).length === 0) throw new UsageError('Nothing is to be changed; see below.')
  return settings
}

/** `saldo pause-provider` */
export const pauseProviderCommand: Command = {
  arguments: '<provider id> --minutes 30 --reason "their panel is down"',
  summary: 'Send no orders to a provider for a while; those under way are followed',
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['minutes', 'reason'], { min: 1, max: 1 })
    const id = readId(positionals[0], 'The provider')
    const minutes = readId(options.minutes, '--minutes')
    if (minutes > PAUSE_MINUTES_MAX) throw new UsageError(`--minutes is at most ${PAUSE_MINUTES_MAX}.`)
    const { reason } = reasonOf(options)
    if (reason === undefined) throw new UsageError('--reason is missing.')
    return changed(config, async ({ app }, tx) => {
      const until = new Date(app.clock.now().getTime() + Number(minutes) * 60_000)
      const pause = { provider_id: id, until, reason, by: commandActor('pause-provider') }
      if (!(await pauseProvider(tx, pause))) return 'It is paused for longer already.'
      return `Provider ${id} is paused until ${until.toISOString()}.`
    })
  },
}

/** `saldo resume-provider` */
export const resumeProviderCommand: Command = {
  arguments: '<provider id> [--reason …]',
  summary: "End a provider's pause",
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['reason'], { min: 1, max: 1 })
    const id = readId(positionals[0], 'The provider')
    return changed(config, async (_, tx) => {
      const was_paused = await resumeProvider(tx, id, { by: commandActor('resume-provider'), ...reasonOf(options) })
      return was_paused ? `Provider ${id} is sent orders again.` : `Provider ${id} is not paused.`
    })
  },
}

/** Changes a provider in one transaction, and prints what `change` says of it. */
function changed(config: Config, change: (saldo: Saldo, tx: Tx) => Promise<string>): Promise<number> {
  return withSaldo(config, async (saldo) => {
    print(await saldo.app.db.transaction((tx) => change(saldo, tx)))
    return 0
  })
}

const REASON_MAX = 200

function reasonOf({ reason }: Options): { reason?: string } {
  if (reason !== undefined && (reason === '' || reason.length > REASON_MAX)) {
    throw new UsageError(`--reason has up to ${REASON_MAX} characters.`)
  }
  return reason === undefined ? {} : { reason }
}
