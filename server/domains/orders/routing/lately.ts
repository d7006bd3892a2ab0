/** The newest attempts of a source within the last hour: enough to tell how it does. */
const ATTEMPTS_MAX = 100

/**
 * How a source did lately, by its newest attempts, for statements: one row for each row called `source`, which has `provider_id` and `provider_service_id`. `against` and `no_try` are the
 * parameters with the refusals that speak against a source, and with those that were no try.
 */
export function lately({ against, no_try }: { against: string; no_try: string }): string {
  return `(
    select count(*) filter (where state = 'accepted')::int as accepted,
      count(*) filter (where state = 'rejected' and code = any(${against}::text[]))::int as rejected,
      count(*) filter (where state = 'unknown')::int as unknown,
      count(*) filter (where state = 'rejected' and code = any(${no_try}::text[]))::int as not_sent,
      round(percentile_cont(0.5) within group (order by took_ms) filter (where state = 'accepted'))::int as median_ms,
      round(percentile_cont(0.95) within group (order by took_ms) filter (where state = 'accepted'))::int as p95_ms,
      max(ended_at) filter (where state = 'rejected' and code = any(${against}::text[])) as last_rejected_at
    from (
      select state, code, ended_at, extract(epoch from ended_at - started_at) * 1000 as took_ms from orders.attempt a
      where a.provider_id = source.provider_id and a.provider_service_id = source.provider_service_id
        and a.started_at > now() - interval '1 hour'
      order by a.started_at desc limit ${ATTEMPTS_MAX}) as newest
  )`
}
