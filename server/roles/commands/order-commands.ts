import { type Resolution, resolveOrder } from '#server/domains/orders/desk/resolve-order.ts'
import { RESUBMIT_ORDERS_MAX, resubmitOrders } from '#server/domains/orders/desk/resubmit-orders.ts'
import type { Order } from '#server/domains/orders/order.ts'
import { attemptsOf, findOrder, historyOf, waitingOrders } from '#server/domains/orders/queries.ts'
import { callsOfOrder } from '#server/domains/providers/queries.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { Config } from '#server/platform/config/config.ts'
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

const LISTED_MAX = 100

/** `saldo orders …` */
export const ordersCommand: Command = {
  arguments:
    'waiting | show <id> | resubmit [--accept-loss yes] <id>… | resolve <id> placed <provider order id> | resend | refund',
  summary: 'Look after orders that failed or whose fate is unknown',
  run: (args, config) => {
    const [verb, ...rest] = args
    if (verb === 'waiting') return listWaiting(rest, config)
    if (verb === 'show') return show(rest, config)
    if (verb === 'resubmit') return resubmit(rest, config)
    if (verb === 'resolve') return resolve(rest, config)
    throw new UsageError(`orders: expected waiting, show, resubmit or resolve${verb ? `, not "${verb}"` : ''}.`)
  },
}

function listWaiting(args: string[], config: Config): Promise<number> {
  const { options } = readArguments(args, ['after'], { min: 0, max: 0 })
  const after = options.after === undefined ? 0n : readId(options.after, '--after')
  return withSaldo(config, async ({ app }) => {
    const orders = await waitingOrders(app.db, ['unknown', 'failed'], after, LISTED_MAX)
    for (const order of orders) print(line(order))
    if (orders.length === LISTED_MAX) print(`More: --after ${orders.at(-1)?.id}`)
    if (orders.length === 0) print('No order waits.')
    return 0
  })
}

function line(order: Order): string {
  const charge = `${formatAmount(order.charge, 6, 2)} ${order.asset}`
  return `${order.id}  ${order.state}  ${order.reason ?? ''}  ${charge}  ${order.link}  ${order.detail ?? ''}`.trimEnd()
}

function show(args: string[], config: Config): Promise<number> {
  const { positionals } = readArguments(args, [], { min: 1, max: 1 })
  const id = readId(positionals[0], 'The order')
  return withSaldo(config, async ({ app }) => {
    const order = await findOrder(app.db, id)
    if (!order) throw new UsageError(`There is no order ${id}.`)
    const [history, attempts, calls] = await Promise.all([
      historyOf(app.db, id),
      attemptsOf(app.db, id),
      callsOfOrder(app.db, id),
    ])
    print(
      JSON.stringify(
        { order, history, attempts, calls },
        (_, value) => (typeof value === 'bigint' ? value.toString() : value),
        2,
      ),
    )
    return 0
  })
}

function resubmit(args: string[], config: Config): Promise<number> {
  const { options, positionals } = readArguments(args, ['accept-loss'], { min: 1, max: RESUBMIT_ORDERS_MAX })
  const accept_loss = readYesNo(options, 'accept-loss')
  const ids = positionals.map((text) => readId(text, 'Each order'))
  return withSaldo(config, async ({ app, providers }) => {
    const outcomes = await resubmitOrders(app, providers, ids, commandActor('orders resubmit'), { accept_loss })
    for (const [i, outcome] of outcomes.entries()) {
      const balance =
        !outcome.ok && outcome.balance !== undefined ? ` It is ${formatAmount(outcome.balance, 6, 2)}.` : ''
      print(`${ids[i]}  ${outcome.ok ? 'queued again' : `${outcome.message}${balance}`}`)
    }
    return outcomes.every((outcome) => outcome.ok) ? 0 : 1
  })
}

function resolve(args: string[], config: Config): Promise<number> {
  const { positionals } = readArguments(args, [], { min: 2, max: 3 })
  const id = readId(positionals[0], 'The order')
  const resolution = readResolution(positionals[1], positionals[2])
  return withSaldo(config, async ({ app }) => {
    const outcome = await resolveOrder(app, id, resolution, commandActor('orders resolve'))
    print(outcome.ok ? `Order ${id} is ${outcome.state} now.` : outcome.message)
    return outcome.ok ? 0 : 1
  })
}

function readResolution(kind: string | undefined, provider_order_id: string | undefined): Resolution {
  if (kind === 'placed' && provider_order_id !== undefined && provider_order_id.length <= 200) {
    return { kind, provider_order_id }
  }
  if ((kind === 'resend' || kind === 'refund') && provider_order_id === undefined) return { kind }
  throw new UsageError('resolve: expected "placed <provider order id>", "resend" or "refund".')
}
