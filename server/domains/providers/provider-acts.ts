import type { Act, Actor } from '#server/domains/audit/act.ts'
import { differences } from '#server/domains/audit/differences.ts'
import type { ProviderRow } from './provider-row.ts'

/** What people decide about a provider. Not its key, of which only is told that it was replaced; not what is found out, such as the balance. */
const DECIDED = [
  'name',
  'adapter',
  'url',
  'currency',
  'enabled',
  'timeout_ms',
  'concurrency',
  'rate_per_second',
  'statuses_max',
  'idempotency',
  'idempotency_window_s',
  'lists_orders',
  'paused_until',
  'pause_reason',
] as const

const NOTHING = Object.fromEntries(DECIDED.map((name) => [name, undefined])) as {
  [N in (typeof DECIDED)[number]]: undefined
}

/** The act of adding or changing a provider. */
export function providerAct(
  what: 'added' | 'changed' | 'paused' | 'resumed',
  actor: Actor,
  before: ProviderRow | undefined,
  after: ProviderRow,
  more: Pick<Act, 'reason'> & { new_key?: boolean } = {},
): Act {
  const changed = differences(before ?? NOTHING, after, DECIDED)
  return {
    action: `providers.${what}`,
    actor,
    subject: { kind: 'provider', id: after.id },
    ...(before && changed && { before: changed.before }),
    after: { ...(changed?.after as object | undefined), ...(more.new_key && { key_replaced: true }) },
    ...(more.reason && { reason: more.reason }),
  }
}
