import type { Db, Tx } from '#server/platform/db/database.ts'
import { statement } from '#server/platform/db/database.ts'
import type { ProviderRow } from './provider-row.ts'

const COLUMNS = `p.id, p.name, p.adapter, p.url, p.currency, a.scale, p.enabled, p.timeout_ms, p.concurrency, p.rate_per_second,
  p.statuses_max, p.idempotency, p.idempotency_window_s, p.lists_orders, p.created_at, p.version, p.balance, p.balance_read_at, p.balance_checked_at, p.balance_status, p.balance_error,
  p.paused_until, p.paused_since, p.pause_reason`

const PROVIDER = statement(`
  select ${COLUMNS} from providers.provider p join ledger.asset a on a.code = p.currency where p.id = $1`)

const PROVIDERS = statement(`
  select ${COLUMNS} from providers.provider p join ledger.asset a on a.code = p.currency order by p.id limit $1`)

const SEALED_PROVIDER = statement(`
  select ${COLUMNS}, p.key_ciphertext, p.key_id
  from providers.provider p join ledger.asset a on a.code = p.currency where p.id = $1`)

const CALLS_OF_ORDER = statement(`
  select id, at, provider_id, order_id, action, request, response, http_status, outcome, duration_ms
  from providers.call_log where order_id = $1 order by at desc, id desc limit $2`)

const CALLS_OF_PROVIDER = statement(`
  select id, at, provider_id, order_id, action, request, response, http_status, outcome, duration_ms
  from providers.call_log where provider_id = $1 and (at, id) < ($2::timestamptz, $3) order by at desc, id desc limit $4`)

/** More providers than any business has; a bound on what a page or a loop reads. */
const PROVIDERS_MAX = 1_000

/** One page of the call log. */
const CALLS_MAX = 200

/** One call to a provider, masked. */
export interface LoggedCall {
  id: bigint
  at: Date
  provider_id: bigint
  order_id: bigint | null
  action: string
  request: string
  response: string
  http_status: number | null
  outcome: string
  duration_ms: number
}

/** The provider, or undefined. */
export async function findProvider(db: Db | Tx, id: bigint): Promise<ProviderRow | undefined> {
  const [row] = await db.query<ProviderRow>(PROVIDER, [id])
  return row
}

const LOCK_PROVIDER = statement('select from providers.provider where id = $1 for no key update')

/** The provider, as it stands until the transaction ends; or undefined. */
export async function lockProvider(tx: Tx, id: bigint): Promise<ProviderRow | undefined> {
  await tx.query(LOCK_PROVIDER, [id])
  return findProvider(tx, id)
}

/** All providers, oldest first. */
export async function listProviders(db: Db | Tx): Promise<ProviderRow[]> {
  return db.query<ProviderRow>(PROVIDERS, [PROVIDERS_MAX])
}

/** A provider together with its sealed key. */
export interface SealedProviderRow extends ProviderRow {
  key_ciphertext: Buffer
  key_id: string
}

/** The provider with its sealed key, for those who call it; or undefined. */
export async function findSealedProvider(db: Db | Tx, id: bigint): Promise<SealedProviderRow | undefined> {
  const [row] = await db.query<SealedProviderRow>(SEALED_PROVIDER, [id])
  return row
}

/** What was said to providers about an order, latest first, at most CALLS_MAX. */
export async function callsOfOrder(db: Db | Tx, order_id: bigint): Promise<LoggedCall[]> {
  return db.query<LoggedCall>(CALLS_OF_ORDER, [order_id, CALLS_MAX])
}

/** Calls to a provider, latest first, those behind a call where one is given. */
export async function callsOfProvider(
  db: Db | Tx,
  provider_id: bigint,
  { behind, limit }: { behind?: { at: string; id: bigint } | undefined; limit: number },
): Promise<LoggedCall[]> {
  const { at, id } = behind ?? { at: 'infinity', id: 0n }
  return db.query<LoggedCall>(CALLS_OF_PROVIDER, [provider_id, at, id, limit])
}
