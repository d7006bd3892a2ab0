import type { FaultSettings, OrderRow, ServiceRow, Summary } from './control-views.ts'
import type { FaultName } from './faults.ts'
import type { Extensions, FinalStatus, Pace } from './panel.ts'

const PAGE = 1_000

/** The control door of a provider panel, typed. Every call throws an Error with the door's own message when it is refused. */
export interface PanelControl {
  summary(): Promise<Summary>
  orders(page?: { after?: string; limit?: number }): Promise<{ orders: OrderRow[]; next: string | null; total: number }>
  /** Every accepted order, page after page. */
  allOrders(): Promise<OrderRow[]>
  /** Enters orders as `add` would, without requests or faults; at most 10,000. Gives their ids. */
  enterOrders(orders: Record<string, string>[]): Promise<{ ids: string[] }>
  finish(id: string, end: { status: FinalStatus; remains?: number; start_count?: number }): Promise<OrderRow>
  /** A post of a subscription comes now, of so many pieces; or `order`, which is there already, is listed among its orders. Gives the id. */
  post(id: string, post?: { quantity?: number; order?: string }): Promise<{ id: string }>
  faults(): Promise<FaultSettings>
  /** Replaces all faults; a bare number is a probability, {} switches all off. */
  setFaults(faults: Partial<Record<FaultName, FaultSettings[FaultName] | number>>): Promise<FaultSettings>
  setBalance(balance: string): Promise<Summary>
  addBalance(add: string): Promise<Summary>
  pace(pace: Pace): Promise<Pace>
  /** What the panel offers beyond the common protocol: what is not named is off. */
  setExtensions(extensions: Partial<Extensions>): Promise<Extensions>
  services(): Promise<ServiceRow[]>
  changeService(
    id: number,
    change: { rate?: string; min?: number; max?: number; disabled?: boolean },
  ): Promise<ServiceRow>
  reset(): Promise<Summary>
}

/** A client of the control door at `control_url`. */
export function controlOf(control_url: string, control_token?: string): PanelControl {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${control_url}${path}`, {
      method,
      headers: control_token === undefined ? {} : { authorization: `Bearer ${control_token}` },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const answer = (await response.json()) as T & { error?: string }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.error}`)
    return answer
  }
  const orders: PanelControl['orders'] = ({ after = '', limit = PAGE } = {}) =>
    ask('GET', `/orders?${new URLSearchParams({ after, limit: String(limit) })}`)
  return {
    summary: () => ask('GET', '/summary'),
    orders,
    allOrders: async () => {
      const all: OrderRow[] = []
      for (let after: string | null = ''; after !== null; ) {
        const page = await orders({ after })
        all.push(...page.orders)
        after = page.next
      }
      return all
    },
    enterOrders: (list) => ask('POST', '/orders', { orders: list }),
    finish: (id, end) => ask('POST', `/orders/${id}/finish`, end),
    post: (id, post = {}) => ask('POST', `/orders/${id}/post`, post),
    faults: () => ask('GET', '/faults'),
    setFaults: (faults) => ask('PUT', '/faults', faults),
    setBalance: (balance) => ask('PUT', '/balance', { balance }),
    addBalance: (add) => ask('PUT', '/balance', { add }),
    pace: (pace) => ask('POST', '/pace', pace),
    setExtensions: (extensions) => ask('PUT', '/extensions', extensions),
    services: async () => (await ask<{ services: ServiceRow[] }>('GET', '/services')).services,
    changeService: (id, change) => ask('PUT', `/services/${id}`, change),
    reset: () => ask('POST', '/reset'),
  }
}
