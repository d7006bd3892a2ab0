import {
  replayDeliveries,
  replayDelivery,
} from '#server/domains/notifications/webhooks/deliveries/replay-deliveries.ts'
import { parseEventId, shownEventId } from '#server/domains/notifications/webhooks/event-id.ts'
import {
  DELIVERY_STATES,
  type DeliveryRow,
  listDeliveries,
  listWebhooks,
  shownState,
  WEBHOOKS_PAGE_MAX,
} from '#server/domains/notifications/webhooks/queries.ts'
import { type Webhook, withoutQuery } from '#server/domains/notifications/webhooks/webhook.ts'
import type { Config } from '#server/platform/config/config.ts'
import type { Saldo } from '../open-saldo.ts'
import { type Command, commandActor, print, readArguments, readId, UsageError, withSaldo } from './command.ts'

const LISTED_MAX = 100
const actor = () => commandActor('webhooks')

/** `saldo webhooks …` */
export const webhooksCommand: Command = {
  arguments: `list [--user <id>] [--state enabled|disabled] [--before <id>] | deliveries <webhook> [--state ${DELIVERY_STATES.join('|')}] [--before <event>] | replay <webhook> <event>… | replay <webhook> --since <time> [--until <time>] [--which failed|all]`,
  summary: 'Webhooks of customers: how they fare, what went to them, send it again',
  run: (args, config) => {
    const [verb = 'list', ...rest] = args
    if (verb === 'list') return list(rest, config)
    if (verb === 'deliveries') return deliveries(rest, config)
    if (verb === 'replay') return replay(rest, config)
    throw new UsageError(`webhooks: expected list, deliveries or replay, not "${verb}".`)
  },
}

function list(args: string[], config: Config): Promise<number> {
  const { options } = readArguments(args, ['user', 'state', 'before'], { min: 0, max: 0 })
  const state = (['enabled', 'disabled'] as const).find((each) => each === options.state)
  if (options.state !== undefined && !state) throw new UsageError('--state is enabled or disabled.')
  const user_id = options.user === undefined ? undefined : readId(options.user, '--user')
  const before = options.before === undefined ? undefined : readId(options.before, '--before')
  return withSaldo(config, async ({ app }) => {
    const webhooks = await listWebhooks(app.db, { user_id, state, before, limit: WEBHOOKS_PAGE_MAX })
    for (const webhook of webhooks) print(webhookLine(webhook))
    if (webhooks.length === WEBHOOKS_PAGE_MAX) print(`More: --before ${webhooks.at(-1)?.id}`)
    if (webhooks.length === 0) print('There are no such webhooks.')
    return 0
  })
}

function webhookLine({ id, user_id, url, state, disabled_reason, failing_since, failures }: Webhook): string {
  const how = state === 'disabled' ? `disabled: ${disabled_reason}` : 'enabled'
  const failing = failing_since ? `${failures} failures since ${failing_since.toISOString()}` : ''
  return `${id}  user ${user_id}  ${how}  ${withoutQuery(url)}  ${failing}`.trimEnd()
}

function deliveries(args: string[], config: Config): Promise<number> {
  const { options, positionals } = readArguments(args, ['state', 'before'], { min: 1, max: 1 })
  const webhook_id = readId(positionals[0], 'The webhook')
  const state = DELIVERY_STATES.find((each) => each === options.state)
  if (options.state !== undefined && !state) throw new UsageError(`--state is one of ${DELIVERY_STATES.join(', ')}.`)
  const before = options.before === undefined ? undefined : { event_id: readEvent(options.before), webhook_id: 0n }
  return withSaldo(config, async ({ app }) => {
    const found = await listDeliveries(app.db, { webhook_ids: [webhook_id], state, before, limit: LISTED_MAX })
    for (const delivery of found) print(deliveryLine(delivery))
    const last = found.at(-1)
    if (last && found.length === LISTED_MAX) print(`More: --before ${shownEventId(last.event_id)}`)
    if (!last) print('There are no such deliveries.')
    return 0
  })
}

function deliveryLine(row: DeliveryRow): string {
  const how = row.last_status ?? row.last_failure ?? row.reason ?? ''
  return `${shownEventId(row.event_id)}  ${row.at.toISOString()}  ${row.type}  ${shownState(row)}  ${row.attempts} attempts  ${how}`.trimEnd()
}

function replay(args: string[], config: Config): Promise<number> {
  const { options, positionals } = readArguments(args, ['since', 'until', 'which'], { min: 1, max: LISTED_MAX })
  const of = { webhook_id: readId(positionals[0], 'The webhook'), user_id: undefined }
  const events = positionals.slice(1).map(readEvent)
  if ((events.length === 0) === (options.since === undefined)) throw new UsageError('replay: name events, or --since.')
  if (events.length > 0) return doing(config, (saldo) => replayEvents(saldo, of, events))
  const which = (['failed', 'all'] as const).find((each) => each === (options.which ?? 'failed'))
  if (!which) throw new UsageError('--which is failed or all.')
  const since = readTime(options.since, '--since')
  const until = options.until === undefined ? undefined : readTime(options.until, '--until')
  return doing(config, async ({ app }) => {
    let after: string | undefined
    for (;;) {
      const { replayed, last, more } = await replayDeliveries(app, of, { since, until, which, after }, actor())
      print(`Sent again: ${replayed}`)
      if (!more) return
      after = last
    }
  })
}

type Of = Parameters<typeof replayDelivery>[1]

async function replayEvents({ app }: Saldo, of: Of, events: readonly string[]): Promise<void> {
  for (const event of events) {
    const replayed = await replayDelivery(app, of, event, actor())
    print(`${shownEventId(event)}  ${replayed ? 'sent again' : 'on its way already'}`)
  }
}

/** Done on the house; a refusal is told by whoever runs commands. */
function doing(config: Config, work: (saldo: Saldo) => Promise<void>): Promise<number> {
  return withSaldo(config, async (saldo) => {
    await work(saldo)
    return 0
  })
}

function readEvent(text: string): string {
  const event_id = parseEventId(text)
  if (event_id === undefined) throw new UsageError(`"${text}" is no event; they look like msg_019a9f3c2b7c….`)
  return event_id
}

function readTime(text: string | undefined, what: string): Date {
  const time = Date.parse(text ?? '')
  if (Number.isNaN(time)) throw new UsageError(`${what} must be a time such as 2026-11-20T12:00Z.`)
  return new Date(time)
}
