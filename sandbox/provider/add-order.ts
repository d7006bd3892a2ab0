import { shareUp } from '#server/kit/money.ts'
import { parameterOf, type Strikes } from './faults.ts'
import { acceptOrder, type OrderRequest } from './orders.ts'
import type { Fate, Panel, PanelOrder, PanelService } from './panel.ts'
import { viewOrder } from './progress.ts'
import { type Refusal, refuse, TEXT } from './refusals.ts'
import { countedOf, entriesOf, oddField } from './service-types.ts'
import { beginPosting, readSubscription } from './subscriptions.ts'

/** Longer links are refused, as browsers do at about this length. */
const LINK_LENGTH_MAX = 2_000
const LINK = /^https?:\/\/[^\s/]+\S*$/i

/** Panels offer these minutes between the runs of a drip-feed. */
const INTERVALS = new Set(['5', '10', '15', '30', '60', '90'])
const RUNS_MAX = 1_000

/** Ten digits hold every quantity on sale and stay far from the limits of a number. */
const COUNT = /^\d{1,10}$/

/** `action=add`: validates as panels do, charges and accepts. A refusal changes nothing. */
export function addOrder(
  panel: Panel,
  fields: Readonly<Record<string, string>>,
  strikes: Strikes,
  now_ms: number,
): PanelOrder | Refusal {
  const request = readRequest(panel, fields, strikes)
  if ('error' in request) return request
  if (strikes('empty_balance')) return refuse(TEXT.funds)
  if (strikes('duplicate_link')) return refuse(TEXT.duplicate)
  if (isRunning(panel, request.link, now_ms) && strikes('duplicate_check')) return refuse(TEXT.duplicate)
  const { rate } = request.service
  const price_change = strikes('price_change')
  const percent = price_change ? parameterOf('price_change', price_change) : 0
  const terms = {
    rate: percent === 0 ? rate : shareUp(rate, BigInt(100 + percent), 100n),
    fate: drawFate(strikes),
    text_id: strikes('order_text_id') !== undefined,
  }
  const order = acceptOrder(panel, request, terms, now_ms)
  if (order === undefined) return refuse(TEXT.funds)
  beginPosting(panel, order, now_ms)
  return order
}

function readRequest(panel: Panel, fields: Readonly<Record<string, string>>, strikes: Strikes): OrderRequest | Refusal {
  const id = (fields.service ?? '').trim()
  const service = COUNT.test(id) ? panel.services.get(Number(id)) : undefined
  if (service === undefined || service.disabled) return refuse(TEXT.service)
  const { key: _key, ...kept } = fields
  if (countedOf(service.type) === 'post') return readPosting(service, kept, strikes)
  const link = (fields.link ?? '').trim()
  if (link.length > LINK_LENGTH_MAX || !LINK.test(link)) return refuse(TEXT.link)
  const quantity = readQuantity(service, fields)
  if (typeof quantity !== 'number') return quantity
  if (quantity < service.min) return refuse(TEXT.below_min(service.min))
  if (quantity > service.max) return refuse(TEXT.above_max(service.max))
  return { service, link, quantity, fields: kept, subscription: null }
}

/** A subscription has no link: its posts are found by a name. */
function readPosting(
  service: PanelService,
  fields: Readonly<Record<string, string>>,
  strikes: Strikes,
): OrderRequest | Refusal {
  const odd = oddField(service.type, fields)
  if (odd !== undefined) return refuse(TEXT.parameter(odd))
  const goes_beyond = (fields.posts ?? '') !== '' && strikes('posts_beyond') !== undefined
  const subscription = readSubscription(service, fields, goes_beyond)
  if ('error' in subscription) return subscription
  return { service, link: (fields.username ?? '').trim(), quantity: subscription.max, fields, subscription }
}

function readQuantity(service: PanelService, fields: Readonly<Record<string, string>>): number | Refusal {
  const odd = oddField(service.type, fields)
  if (odd !== undefined) return refuse(TEXT.parameter(odd))
  const counted = countedOf(service.type)
  if (counted === 'package') return 1
  if (counted !== 'quantity') return entriesOf(fields[counted] ?? '').length
  const quantity = (fields.quantity ?? '').trim()
  if (!COUNT.test(quantity)) return refuse(TEXT.quantity)
  const runs = readRuns(service, fields)
  return typeof runs === 'number' ? Number(quantity) * runs : runs
}

/** How often the quantity is delivered: once without `runs`; `runs` and `interval` belong together. */
function readRuns(service: PanelService, fields: Readonly<Record<string, string>>): number | Refusal {
  const { runs = '', interval = '' } = fields
  if (runs === '' && interval === '') return 1
  if (!service.dripfeed || !COUNT.test(runs) || Number(runs) < 1 || Number(runs) > RUNS_MAX) return refuse(TEXT.runs)
  return INTERVALS.has(interval) ? Number(runs) : refuse(TEXT.interval)
}

function isRunning(panel: Panel, link: string, now_ms: number): boolean {
  const orders = panel.faults.has('duplicate_check') ? (panel.orders_by_link.get(link) ?? []) : []
  return orders.some((order) => !['Completed', 'Partial', 'Canceled'].includes(viewOrder(panel, order, now_ms).status))
}

function drawFate(strikes: Strikes): Fate {
  if (strikes('never_ends')) return 'never'
  if (strikes('partial')) return 'partial'
  return strikes('cancel') ? 'cancel' : 'complete'
}
