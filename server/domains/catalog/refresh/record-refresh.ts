import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { pricesRefreshed } from '../events.ts'

const PROBLEM_MAX = 500

/** How a try to refresh ended. */
export interface RefreshEnd {
  tried_at: Date
  /** Why it brought nothing, or not all; null: it did. */
  problem: string | null
  /** The list that was applied: when it was asked for, and how many services it has. */
  applied?: { listed_at: Date; listed: number }
  /** How many services a list had that was not trusted. */
  distrusted?: number
}

const upsert = statement(`
  insert into catalog.refresh as refresh (provider_id, tried_at, problem, listed_at, listed, distrusted)
  values ($1, $2, $3, $4, $5, $6)
  on conflict (provider_id) do update set tried_at = excluded.tried_at, problem = excluded.problem,
    distrusted = excluded.distrusted,
    listed_at = coalesce(excluded.listed_at, refresh.listed_at), listed = coalesce(excluded.listed, refresh.listed)`)

/** Keeps how a refresh ended, and tells it to those who look after prices. Part of the transaction that applied the list. */
export function recordRefresh(tx: Tx, { id, name }: Pick<ProviderRow, 'id' | 'name'>, end: RefreshEnd): void {
  const problem = end.problem?.slice(0, PROBLEM_MAX) ?? null
  const { listed_at = null, listed = null } = end.applied ?? {}
  tx.send(upsert, [id, end.tried_at, problem, listed_at, listed, end.distrusted ?? null])
  emit(tx, pricesRefreshed, [{ provider_id: id, name, trouble: problem }])
}
