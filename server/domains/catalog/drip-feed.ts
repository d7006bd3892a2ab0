import { typeRule } from '#server/domains/providers/order-types.ts'
import type { Service } from './service.ts'

/** Whether a service can be ordered in runs: its provider says so, and orders of its type have a quantity that may come in parts. The runs themselves are ours. */
export function hasDripFeed({ type, dripfeed }: Pick<Service, 'type' | 'dripfeed'>): boolean {
  return dripfeed && typeRule(type).dripfeed === true
}
