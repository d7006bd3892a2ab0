import { setExchangeRate } from '#server/domains/catalog/exchange-rates/set-exchange-rate.ts'
import { EXCHANGE_SCALE } from '#server/domains/catalog/markup.ts'
import { refreshProvider } from '#server/domains/catalog/refresh/refresh-provider.ts'
import { listProviders } from '#server/domains/providers/queries.ts'
import { parseAmount } from '#server/kit/money.ts'
import type { Saldo } from '../open-saldo.ts'
import {
  type Command,
  commandActor,
  print,
  readArguments,
  readId,
  readYesNo,
  UsageError,
  withSaldo,
} from './command.ts'

/** `saldo refresh-prices` */
export const refreshPricesCommand: Command = {
  arguments: '[<provider id>] [--accept-shrunken yes]',
  summary: 'Read prices, limits and availability from one provider or all that are switched on',
  details: [
    'A list that is empty, or that lacks more than half, is not applied, unless with --accept-shrunken yes for one provider.',
  ],
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['accept-shrunken'], { min: 0, max: 1 })
    const named = positionals[0] === undefined ? undefined : readId(positionals[0], 'The provider')
    const accept_shrunken = readYesNo(options, 'accept-shrunken') ?? false
    if (accept_shrunken && named === undefined) throw new UsageError('--accept-shrunken is for one provider.')
    return withSaldo(config, async ({ app, providers }) => {
      const ids = named === undefined ? await enabledIds(app) : [named]
      const by = commandActor('refresh-prices')
      let failed = 0
      for (const provider_id of ids) {
        const outcome = await refreshProvider(app, providers, { provider_id, accept_shrunken, by })
        if (!outcome.applied) failed += 1
        const { updated, unchanged, deactivated } = outcome.applied ? outcome.report : NOTHING
        const told = outcome.applied
          ? `updated ${updated}, unchanged ${unchanged}, no longer sold ${deactivated}`
          : 'not applied'
        print([`${provider_id}  ${told}`, ...(outcome.problem === null ? [] : [outcome.problem])].join('. '))
      }
      return failed === 0 ? 0 : 1
    })
  },
}

async function enabledIds({ db }: Saldo['app']): Promise<bigint[]> {
  return (await listProviders(db)).filter((row) => row.enabled).map((row) => row.id)
}

const NOTHING = { updated: 0, unchanged: 0, deactivated: 0 }

/** `saldo exchange-rate` */
export const exchangeRateCommand: Command = {
  arguments: '<currency> <USD for one unit> --source … [--confirm yes]',
  summary: 'Set what a currency is worth, and price anew what is billed in it',
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['source', 'confirm'], { min: 2, max: 2 })
    const [asset, usd] = positionals as [string, string]
    const usd_per_unit = parseAmount(usd, EXCHANGE_SCALE)
    if (usd_per_unit === undefined || usd_per_unit <= 0n) throw new UsageError('The worth is a decimal such as 1.0874.')
    const { source } = options
    if (!source) throw new UsageError('--source is missing: where the rate was read.')
    const confirm = readYesNo(options, 'confirm') ?? false
    const by = commandActor('exchange-rate')
    return withSaldo(config, async ({ app }) => {
      const input = { asset, usd_per_unit, source, confirm, by }
      print(`Services changed: ${(await setExchangeRate(app, input)).length}`)
      return 0
    })
  },
}
