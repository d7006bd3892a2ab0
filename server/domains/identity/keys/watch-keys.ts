import { SYSTEM } from '#server/domains/audit/act.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { firstOfLine, keysOfLine } from './key-line.ts'
import { type Evidence, suspendKey } from './suspend-key.ts'
import { type HourOfUse, type Suspicion, suspicionOf } from './suspicion.ts'
import { SCALE, type SuspicionRules, suspicionRules } from './suspicion-settings.ts'

/** Suspended in one round; the next is a minute later. More at once would be a rule that is set wrong. */
const SUSPECTS_MAX = 100

/** What was counted at the end of an hour is written a little later. */
const LATE_MS = 60_000

// How many there were is kept with the hour, so that the networks themselves can go.
const COUNT_NETWORKS = statement(`
  with counted as (
    select key_id, hour, spell, count(*)::int as networks from identity.key_network where hour >= date_trunc('hour', $1::timestamptz, 'UTC')
    group by key_id, hour, spell order by key_id, hour, spell
  )
  update identity.key_hour h set networks = counted.networks from counted
  where (h.key_id, h.hour, h.spell) = (counted.key_id, counted.hour, counted.spell) and h.networks < counted.networks`)

const FORGET_NETWORKS = statement(
  `delete from identity.key_network where hour < date_trunc('hour', $1::timestamptz, 'UTC') - interval '1 hour'`,
)

// Few pass the floors: what was usual is looked up for these alone. What was held against a key before it was reinstated counts as usual since.
const SUSPECTS = statement(`
  select h.key_id, h.spell, h.hour, h.orders, h.spent, h.orders_refused, h.foreign_requests, h.networks, usual.*
  from identity.key_hour h
  join identity.api_key k on k.id = h.key_id and k.spell = h.spell
  cross join lateral (select ${firstOfLine('k.id')} as first_id) as line
  cross join lateral (
    select coalesce(max(p.orders), 0) as usual_orders, coalesce(max(p.spent), 0) as usual_spent, coalesce(max(p.networks), 0) as usual_networks
    from identity.key_hour p
    where p.key_id in ${keysOfLine('line.first_id')} and p.hour >= h.hour - interval '14 days' and p.hour <= h.hour
      and (p.hour < h.hour or p.key_id <> h.key_id or p.spell <> h.spell)
  ) as usual
  where h.hour >= date_trunc('hour', $1::timestamptz, 'UTC') and k.suspended_at is null and k.revoked_at is null and (k.expires_at is null or k.expires_at > $1)
    and (h.orders > $2 or h.spent > $3 or h.orders_refused > $4 or h.foreign_requests > $5 or h.networks > $6)
  order by h.key_id limit ${SUSPECTS_MAX}`)

type Suspect = HourOfUse & { key_id: bigint; spell: number; hour: Date }

/** Looks at what keys were used for in this hour and suspends those whose use is like none of their owners'; answers how many. Whoever else does the same suspends none twice. */
export async function watchKeys(app: Pick<App, 'db' | 'clock' | 'settings' | 'log'>): Promise<number> {
  const rules = suspicionRules(app)
  const since = new Date(app.clock.now().getTime() - LATE_MS)
  await app.db.query(COUNT_NETWORKS, [since])
  await app.db.query(FORGET_NETWORKS, [since])
  const suspects = await app.db.query<Suspect>(SUSPECTS, [since, ...floorsOf(rules)])
  let suspended = 0
  for (const suspect of suspects) {
    const suspicion = suspicionOf(suspect, rules)
    if (!suspicion) continue
    const evidence = evidenceOf(suspicion, suspect.hour)
    const { key_id, spell } = suspect
    const input = { key_id, spell, by: 'rule', reason: suspicion.rule, evidence, actor: SYSTEM } as const
    if (await suspendKey(app, input)) suspended += 1
  }
  if (suspended > 0) app.log.warn({ suspended }, 'API keys were suspended')
  return suspended
}

function evidenceOf({ rule, found, most, usual }: Suspicion, hour: Date): Evidence {
  const told = (figure: bigint) => (rule === 'spending' ? formatAmount(figure, SCALE, 2) : String(figure))
  const figures = { found: told(found), most: told(most), usual: usual === undefined ? null : told(usual) }
  return { hour: hour.toISOString(), ...figures }
}

/** More than any figure, for rules that are off. */
const NEVER = 2n ** 62n

function floorsOf(rules: SuspicionRules): (bigint | number)[] {
  const { orders, spending, refusals, foreign_requests, networks } = rules
  const counts = [orders, spending, refusals, foreign_requests].map(({ on, floor }) => (on ? BigInt(floor) : NEVER))
  return [...counts, networks.on ? networks.floor : 2 ** 31 - 1]
}
