import type { FaultName, FaultSetting } from './faults.ts'
import { showAmount } from './money.ts'
import type { OrderStatus, Panel, PanelOrder, PanelService } from './panel.ts'
import { viewOrder } from './progress.ts'

/** Links ordered more than once, and the orders of each, are listed up to these numbers; the counts are always whole. */
const REPEATED_LINKS_MAX = 100
const REPEATED_ORDERS_MAX = 20

/** An accepted order, as the control door tells it. Money as decimals. */
export interface OrderRow {
  number: number
  id: string
  service: number
  type: string
  link: string
  quantity: number
  /** Before refunds. */
  charge_gross: string
  /** Net. */
  charge: string
  status: OrderStatus
  start_count: number
  remains: number
  created: string
  polls: number
  answer: string
  fields: Readonly<Record<string, string>>
  /** The subscription of which it is a post. */
  parent: string | null
}

/** The panel's books at one moment. */
export interface Summary {
  requests: Record<string, number>
  orders_accepted: number
  orders_unanswered: number
  refills: number
  orders_by_status: Partial<Record<OrderStatus, number>>
  charged_gross: string
  charged_net: string
  balance_opening: string
  balance_added: string
  balance: string
  currency: string
  distinct_links: number
  links_ordered_more_than_once: number
  repeated_links: { link: string; count: number; orders: string[] }[]
  faults_fired: Partial<Record<FaultName, number>>
}

export interface ServiceRow extends Omit<PanelService, 'rate'> {
  rate: string
}

export type FaultSettings = Partial<Record<FaultName, FaultSetting>>

/** One order at `now_ms`. */
export function orderRow(panel: Panel, order: PanelOrder, now_ms: number): OrderRow {
  const { status, start_count, remains } = viewOrder(panel, order, now_ms)
  return {
    number: order.number,
    id: order.id,
    service: order.service,
    type: order.type,
    link: order.link,
    quantity: order.quantity,
    charge_gross: showAmount(order.charge),
    charge: showAmount(order.net),
    status,
    start_count,
    remains,
    created: new Date(order.created_ms).toISOString(),
    polls: order.polls,
    answer: order.answer,
    fields: order.fields,
    parent: order.parent,
  }
}

/** Everything counted and summed. The net sum is taken from the orders, the balance runs apart: the two check each other. */
export function summaryOf(panel: Panel, now_ms: number): Summary {
  const by_status: Partial<Record<OrderStatus, number>> = {}
  let gross = 0n
  let net = 0n
  let unanswered = 0
  for (const order of panel.orders) {
    const { status } = viewOrder(panel, order, now_ms)
    by_status[status] = (by_status[status] ?? 0) + 1
    gross += order.charge
    net += order.net
    if (order.answer !== 'sent') unanswered += 1
  }
  const repeated = [...panel.orders_by_link].filter(([, orders]) => orders.length > 1)
  return {
    requests: Object.fromEntries(panel.requests),
    orders_accepted: panel.orders.length,
    orders_unanswered: unanswered,
    refills: panel.refills.length,
    orders_by_status: by_status,
    charged_gross: showAmount(gross),
    charged_net: showAmount(net),
    balance_opening: showAmount(panel.opening),
    balance_added: showAmount(panel.added),
    balance: showAmount(panel.balance),
    currency: panel.currency,
    distinct_links: panel.orders_by_link.size,
    links_ordered_more_than_once: repeated.length,
    repeated_links: repeated.slice(0, REPEATED_LINKS_MAX).map(([link, orders]) => {
      return { link, count: orders.length, orders: orders.slice(0, REPEATED_ORDERS_MAX).map(({ id }) => id) }
    }),
    faults_fired: Object.fromEntries(panel.faults_fired),
  }
}

/** One service, its rate as a decimal. */
export function serviceRow(service: PanelService): ServiceRow {
  return { ...service, rate: showAmount(service.rate) }
}
