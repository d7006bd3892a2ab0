import { imposeQuarantine } from '#server/domains/catalog/sources/impose-quarantine.ts'
import { releaseQuarantine } from '#server/domains/catalog/sources/release-quarantine.ts'
import { quarantineRejections } from '#server/domains/catalog/sources/settings.ts'
import type { PlaceOutcome } from '#server/domains/providers/provider.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Order } from '../order.ts'
import { CODES_AGAINST, speaksAgainst } from './rerouted.ts'
import { type Router, sourceName } from './router.ts'

/** What is older speaks no more against a source. */
const WINDOW = '1 hour'

/** Attempts looked at: the newest of a source. More refusals in a row than this cannot be asked for. */
const ATTEMPTS_MAX = 2_000

type SourceOf = Pick<Order, 'provider_id' | 'provider_service_id'>

/** How an attempt at a source ended. */
export interface Judged {
  source: SourceOf
  outcome: PlaceOutcome
}

/**
 * Draws what follows for their sources from attempts that have been written down: refusals one after another put a source in quarantine; a trial that was accepted
 * ends it, and one that was refused, or of which nobody knows, prolongs it. Only failures and trials cost a query. May be told the same twice.
 */
export async function judgeSources(app: App, router: Router, judged: readonly Judged[]): Promise<void> {
  const now = app.clock.now()
  const suspects = new Map<string, SourceOf>()
  for (const { source, outcome } of judged) {
    const { provider_id, provider_service_id } = source
    const quarantine = router.quarantineOf(provider_id, provider_service_id)
    const on_trial = quarantine !== undefined && quarantine.until <= now
    if (outcome.outcome === 'accepted' && on_trial) await releaseQuarantine(app, { service_id: quarantine.service_id })
    if (outcome.outcome === 'rejected' && speaksAgainst(outcome.code)) suspects.set(sourceName(source), source)
    if (outcome.outcome !== 'accepted' && on_trial && endsTrial(outcome)) {
      suspects.delete(sourceName(source))
      const reason = `The trial failed: ${outcome.message}`
      await imposeQuarantine(app, { service_id: quarantine.service_id, reason })
    }
  }
  if (suspects.size > 0) await quarantineFailing(app, [...suspects.values()])
}

/** The customer's own input and our balance say nothing about the source, nor what never left. */
function endsTrial(outcome: Exclude<PlaceOutcome, { outcome: 'accepted' }>): boolean {
  return outcome.outcome === 'unknown' || speaksAgainst(outcome.code)
}

// What says neither that the service is gone nor that our key is wrong may be meant for the orders of one customer, in words that nobody knows: it counts when it meets several.
// By the attempts that have ended since the last that was accepted, and since staff or a trial released it.
const failing = statement(`
  select s.id as service_id, refused.attempts, refused.message
  from unnest($1::bigint[], $2::text[]) as suspect (provider_id, provider_service_id)
  join catalog.service s using (provider_id, provider_service_id)
  left join catalog.quarantine q on q.service_id = s.id
  cross join lateral (
    select count(*)::int as attempts, (array_agg(message order by ended_at desc))[1] as message,
      count(distinct customer_id) > 1 or count(*) filter (where code <> 'other') > 0 as is_its_own
    from (
      select state, code, message, ended_at, customer_id, max(ended_at) filter (where state = 'accepted') over () as accepted_at
      from (
        select a.state, a.code, a.message, a.ended_at, o.customer_id from orders.attempt a join orders.orders o on o.id = a.order_id
        where a.provider_id = s.provider_id and a.provider_service_id = s.provider_service_id
          and a.started_at > now() - interval '${WINDOW}' and (q.released_at is null or a.started_at > q.released_at)
        order by a.started_at desc limit ${ATTEMPTS_MAX}) as newest
    ) as lately
    where state = 'rejected' and code = any($3::text[]) and (accepted_at is null or ended_at > accepted_at)
  ) as refused
  where refused.attempts >= $4 and refused.is_its_own`)

async function quarantineFailing(app: App, sources: readonly SourceOf[]): Promise<void> {
  const rows = await app.db.query<{ service_id: bigint; attempts: number; message: string | null }>(failing, [
    int8Array(sources.map((each) => each.provider_id)),
    textArray(sources.map((each) => each.provider_service_id)),
    textArray(CODES_AGAINST),
    app.settings.read(quarantineRejections),
  ])
  for (const { service_id, attempts, message } of rows) {
    const reason = `Refused ${attempts} times in a row, last with: ${message ?? 'nothing'}`
    await imposeQuarantine(app, { service_id, reason })
  }
}
