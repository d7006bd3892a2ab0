import { imposeQuarantine } from '#server/domains/catalog/sources/impose-quarantine.ts'
import { readSources, type SourceSeen } from '#server/domains/catalog/sources/read-sources.ts'
import { releaseQuarantine } from '#server/domains/catalog/sources/release-quarantine.ts'
import { removeSource } from '#server/domains/catalog/sources/remove-source.ts'
import { setSource } from '#server/domains/catalog/sources/set-source.ts'
import { setStrategy } from '#server/domains/catalog/sources/set-strategy.ts'
import { PRIORITY_MAX, QUARANTINE_HOURS_MAX, STRATEGIES, WEIGHT_MAX } from '#server/domains/catalog/sources/source.ts'
import { formatAmount } from '#server/kit/money.ts'
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

/** `saldo sources` */
export const sourcesCommand: Command = {
  arguments: `<service id> [--strategy ${STRATEGIES.join('|')}] [--reason …]`,
  summary: 'List where a service is bought, and set how one of several sources is chosen',
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['strategy', 'reason'], { min: 1, max: 1 })
    const service_id = readId(positionals[0], 'The service')
    const strategy = STRATEGIES.find((each) => each === options.strategy)
    if (options.strategy !== undefined && !strategy) {
      throw new UsageError(`--strategy is one of ${STRATEGIES.join(', ')}.`)
    }
    return withSaldo(config, async ({ app }) => {
      const by = commandActor('sources')
      if (strategy) await setStrategy(app, { service_id, strategy, by, reason: options.reason })
      const seen = await readSources(app, service_id)
      print(`${seen.strategy}, sold for ${formatAmount(seen.rate, 6, 2)} USD`)
      for (const source of seen.sources) print(lineOf(source))
      return 0
    })
  },
}

function lineOf(source: SourceSeen): string {
  const { source_id, priority, weight, provider_name, provider_service_id, cost_asset, cost_scale, health } = source
  const cost = `${formatAmount(source.cost, cost_scale, Math.min(2, cost_scale))} ${cost_asset}`
  const place = `${source_id}  priority ${priority}, weight ${weight}  ${provider_name}/${provider_service_id}  ${cost}`
  const { accepted, rejected, unknown } = health
  return [
    place,
    ...(source.enabled ? [] : ['switched off']),
    ...(source.provider_enabled ? [] : ['its provider is switched off']),
    ...(source.offer_gap === null ? [] : [source.offer_gap]),
    ...(source.until === null ? [] : [`in quarantine until ${source.until.toISOString()}: ${source.reason}`]),
    ...(source.measured_at === null ? [] : [`accepted ${accepted}, rejected ${rejected}, unknown ${unknown}`]),
  ].join('  ')
}

/** `saldo set-source` */
export const setSourceCommand: Command = {
  arguments: '<service id> <source id> [--priority 1] [--weight 1] [--enabled yes|no] [--remove yes] [--reason …]',
  summary: 'Buy a service at another row of the catalogue too, change one of its sources, or take one away',
  run: (args, config) => {
    const names = ['priority', 'weight', 'enabled', 'remove', 'reason']
    const { options, positionals } = readArguments(args, names, { min: 2, max: 2 })
    const service_id = readId(positionals[0], 'The service')
    const source_id = readId(positionals[1], 'The source')
    const by = commandActor('set-source')
    const { reason } = options
    const named = {
      priority: wholeOf(options, 'priority', 0, PRIORITY_MAX),
      weight: wholeOf(options, 'weight', 1, WEIGHT_MAX),
      enabled: readYesNo(options, 'enabled'),
    }
    const remove = readYesNo(options, 'remove') ?? false
    return withSaldo(config, async ({ app }) => {
      if (remove) await removeSource(app, { service_id, source_id, by, reason })
      else await setSource(app, { service_id, source_id, ...named, by, reason })
      print(
        remove ? `${source_id} is no source of ${service_id} any more.` : `${source_id} is a source of ${service_id}.`,
      )
      return 0
    })
  },
}

/** `saldo quarantine` */
export const quarantineCommand: Command = {
  arguments: '<service id> [--hours 2] [--release yes] --reason …',
  summary: 'Give a source no orders for some hours, or give it orders again',
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['hours', 'release', 'reason'], { min: 1, max: 1 })
    const service_id = readId(positionals[0], 'The service')
    const hours = wholeOf(options, 'hours', 1, QUARANTINE_HOURS_MAX)
    const release = readYesNo(options, 'release') ?? false
    const { reason } = options
    if (!reason) throw new UsageError('--reason is missing: why.')
    const by = commandActor('quarantine')
    return withSaldo(config, async ({ app }) => {
      const changed = release
        ? await releaseQuarantine(app, { service_id, by, reason })
        : await imposeQuarantine(app, { service_id, by, reason, hours })
      const told = release ? 'gets orders again' : 'gets no orders for now'
      print(changed ? `${service_id} ${told}.` : 'It stands so already, or for longer.')
      return 0
    })
  },
}

function wholeOf(options: Options, name: string, min: number, max: number): number | undefined {
  const text = options[name]
  if (text === undefined) return undefined
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw new UsageError(`--${name} is a whole number from ${min} to ${max}.`)
  return value
}
