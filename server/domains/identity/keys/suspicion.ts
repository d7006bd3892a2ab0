import type { SuspicionRules } from './suspicion-settings.ts'

/** What a key was used for in the present hour, and the most of any hour before. Amounts in minor units. */
export interface HourOfUse {
  orders: bigint
  spent: bigint
  orders_refused: bigint
  foreign_requests: bigint
  networks: number
  usual_orders: bigint
  usual_spent: bigint
  usual_networks: number
}

/** Which rule a key has broken, and by which figures. */
export interface Suspicion {
  rule: keyof SuspicionRules
  /** `orders`, or what else was counted; in minor units where it is money. */
  found: bigint
  /** What it may have been at the most. */
  most: bigint
  /** The highest hour before, where the rule goes by it. */
  usual?: bigint
}

/** Whether the use of a key in one hour is like none of its owner: the first rule that it breaks. Pure. */
export function suspicionOf(use: HourOfUse, rules: SuspicionRules): Suspicion | undefined {
  const { orders, spending, refusals, foreign_requests: foreign, networks } = rules
  return (
    burst('orders', use.orders, use.usual_orders, orders) ??
    burst('spending', use.spent, use.usual_spent, spending) ??
    refused(use, refusals) ??
    (foreign.on ? above('foreign_requests', use.foreign_requests, BigInt(foreign.floor)) : undefined) ??
    burst('networks', BigInt(use.networks), BigInt(use.usual_networks), networks)
  )
}

function burst(
  rule: Suspicion['rule'],
  found: bigint,
  usual: bigint,
  { on, floor, times }: { on: boolean; floor: number | bigint; times: number },
): Suspicion | undefined {
  if (!on) return undefined
  const by_usual = usual * BigInt(times)
  const most = by_usual > BigInt(floor) ? by_usual : BigInt(floor)
  return found > most ? { rule, found, most, usual } : undefined
}

function refused(use: HourOfUse, { on, floor, percent }: SuspicionRules['refusals']): Suspicion | undefined {
  const asked = use.orders + use.orders_refused
  if (!on || use.orders_refused * 100n < asked * BigInt(percent)) return undefined
  return above('refusals', use.orders_refused, BigInt(floor))
}

function above(rule: Suspicion['rule'], found: bigint, most: bigint): Suspicion | undefined {
  return found > most ? { rule, found, most } : undefined
}
