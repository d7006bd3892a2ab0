import { importServices } from '#server/domains/catalog/import-services.ts'
import { type MarkupRule, PERCENT_BP_MAX, RATE_STEP } from '#server/domains/catalog/markup.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { accountIds, prepaidAt } from '#server/domains/orders/accounts.ts'
import { recordTopup } from '#server/domains/orders/finance/record-topup.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import { checkBalance } from '#server/domains/providers/check-balance.ts'
import { IDEMPOTENCIES } from '#server/domains/providers/provider-row.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { findProvider, listProviders } from '#server/domains/providers/queries.ts'
import { refuseOutsideOfSandbox } from '#server/domains/providers/sandbox-address.ts'
import { newUuid } from '#server/kit/id.ts'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
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

/** `saldo add-provider` */
export const addProviderCommand: Command = {
  arguments:
    '<name> <https://…/api/v2> --key … [--currency USD] [--concurrency 8] [--rate-per-second 20] [--timeout-ms 15000] [--idempotency request_id|natural_window] [--idempotency-window-s 120] [--lists-orders yes|no]',
  summary: 'Add a provider; its key is stored encrypted',
  run: (args, config) => {
    const names = ['key', 'currency', 'concurrency', 'rate-per-second', 'timeout-ms', ...REPETITION_OPTIONS]
    const { options, positionals } = readArguments(args, names, { min: 2, max: 2 })
    const [name, url] = positionals as [string, string]
    if (!options.key) throw new UsageError("--key is missing: the provider's API key.")
    refuseOutsideOfSandbox(config, url)
    const input = {
      name,
      url,
      key: options.key,
      currency: options.currency ?? 'USD',
      ...wholeOption(options.concurrency, 'concurrency'),
      ...wholeOption(options['rate-per-second'], 'rate_per_second'),
      ...wholeOption(options['timeout-ms'], 'timeout_ms'),
      ...readRepetition(options),
    }
    return withSaldo(config, async ({ app, secrets }) => {
      const by = commandActor('add-provider')
      const row = await app.db.transaction((tx) => addProvider(tx, secrets, input, by))
      print(`Provider ${row.id}: ${row.name}`)
      return 0
    })
  },
}

/** `saldo import-services` */
export const importServicesCommand: Command = {
  arguments: '<provider id> [--markup 30] [--margin 0.01] [--accept-shrunken yes]',
  summary: "Take all that a provider offers into the catalogue; --markup and --margin become the provider's rule",
  details: [
    '--markup is in percent, --margin the least in USD per 1000. Without them the standing mark-up rules decide.',
    'A list that looks as if half of it were missing is refused, unless with --accept-shrunken yes.',
  ],
  run: (args, config) => {
    const names = ['markup', 'margin', 'accept-shrunken']
    const { options, positionals } = readArguments(args, names, { min: 1, max: 1 })
    const provider_id = readId(positionals[0], 'The provider')
    const markup = readMarkup(options.markup, options.margin)
    const accept_shrunken = readYesNo(options, 'accept-shrunken') ?? false
    return withSaldo(config, async ({ app, providers }) => {
      const provider = await providers.providerById(provider_id)
      const asked_at = app.clock.now()
      const offer = await provider.services()
      const by = commandActor('import-services')
      const input = { provider_id, offer, asked_at, accept_shrunken, by, ...(markup && { markup }) }
      const report = await importServices(app, input)
      print(
        Object.entries(report)
          .map(([what, n]) => `${what} ${String(n)}`)
          .join(', '),
      )
      return 0
    })
  },
}

function readMarkup(percent: string | undefined, margin: string | undefined): MarkupRule | undefined {
  if (percent === undefined && margin === undefined) return undefined
  const percent_bp = parseAmount(percent ?? '30', 2)
  const minimum_margin = parseAmount(margin ?? '0', 6)
  if (percent_bp === undefined || percent_bp < 0n || percent_bp > PERCENT_BP_MAX) {
    throw new UsageError('--markup is a percentage such as 30 or 12.5, up to 10000.')
  }
  if (minimum_margin === undefined || minimum_margin < 0n) throw new UsageError('--margin is an amount such as 0.01.')
  return { percent_bp, fixed: 0n, minimum_margin, step: RATE_STEP }
}

/** `saldo providers` */
export const providersCommand: Command = {
  arguments: '',
  summary: 'List providers: their balance as they say and as we count it',
  run: (args, config) => {
    readArguments(args, [], { min: 0, max: 0 })
    return withSaldo(config, async (saldo) => {
      for (const { id } of await listProviders(saldo.app.db)) print(await providerLine(saldo, id))
      return 0
    })
  },
}

/** `saldo record-topup` */
export const recordTopupCommand: Command = {
  arguments: '<provider id> <amount> [--key …]',
  summary: 'Book what was paid to a provider (or, below zero, what came back); the same --key books it once',
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['key'], { min: 2, max: 2 })
    const provider_id = readId(positionals[0], 'The provider')
    return withSaldo(config, async ({ app }) => {
      const row = await findProvider(app.db, provider_id)
      if (!row) throw new UsageError(`There is no provider ${provider_id}.`)
      const amount = parseAmount(positionals[1] as string, row.scale)
      if (amount === undefined || amount === 0n) throw new UsageError('The amount must be a figure such as 250.00.')
      const topup = { provider_id, amount, key: options.key ?? newUuid(), by: commandActor('record-topup') }
      const outcome = await app.db.transaction((tx) => recordTopup(app, tx, topup))
      print(outcome.ok ? `${outcome.replayed ? 'Already booked.' : 'Booked.'}` : `Nothing moved: ${outcome.refusal}`)
      return outcome.ok ? 0 : 1
    })
  },
}

async function providerLine({ app, providers }: Saldo, id: bigint): Promise<string> {
  const row = await findProvider(app.db, id)
  if (!row) throw new UsageError(`There is no provider ${id}.`)
  const [account] = await accountIds(app.db, [prepaidAt(id, row.currency)])
  const ours = account === undefined ? undefined : (await balancesOf(app.db, [account])).get(account)
  const answer = await checkBalance(providers, id, { fresh: true })
  const show = (amount: bigint) => `${formatAmount(amount, row.scale, 2)} ${row.currency}`
  const theirs = answer.status === 'ok' ? show(answer.balance) : `not known (${answer.reason}: ${answer.message})`
  const state = row.enabled ? '' : ', switched off'
  return `${id}  ${row.name}${state}  theirs ${theirs}  ours ${show(ours?.posted ?? 0n)}`
}

/** A whole number among the options, under the name that settings have. Throws UsageError. */
export function wholeOption<K extends string>(text: string | undefined, name: K): { [P in K]?: number } {
  if (text === undefined) return {}
  if (!/^\d{1,7}$/.test(text)) throw new UsageError(`--${name.replaceAll('_', '-')} is a whole number.`)
  return { [name]: Number(text) } as { [P in K]?: number }
}

/** The options that say what a provider does with repeated orders, and whether it lists orders. */
export const REPETITION_OPTIONS = ['idempotency', 'idempotency-window-s', 'lists-orders']

/** What REPETITION_OPTIONS say, under the names that settings have. Throws UsageError. */
export function readRepetition(options: Options): NewProviderRepetition {
  const idempotency = IDEMPOTENCIES.find((known) => known === options.idempotency)
  if (options.idempotency !== undefined && idempotency === undefined) {
    throw new UsageError(`--idempotency is one of ${IDEMPOTENCIES.join(', ')}.`)
  }
  const lists_orders = readYesNo(options, 'lists-orders')
  return {
    ...(idempotency !== undefined && { idempotency }),
    ...wholeOption(options['idempotency-window-s'], 'idempotency_window_s'),
    ...(lists_orders !== undefined && { lists_orders }),
  }
}

type NewProviderRepetition = Pick<NewProvider, 'idempotency' | 'idempotency_window_s' | 'lists_orders'>
