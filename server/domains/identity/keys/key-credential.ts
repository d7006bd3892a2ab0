import type { App } from '#server/platform/app.ts'
import { dateArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { parseNetworks } from '../allowed-ips.ts'
import { type Unproven, unprovenOf } from '../must.ts'
import { HOLDER_COLUMNS, type Principal, principalOfRow, type Scope, type StoredHolder } from '../principal.ts'
import { firstOfLine } from './key-line.ts'

/** A key that holds, as it is kept in memory. */
export interface KeyCredential {
  readonly principal: Principal
  /** Who it stands for while the settings demand what the user has not shown; see `principalNow`. */
  readonly unproven: Unproven | undefined
  readonly key_id: bigint
  readonly networks: ReturnType<typeof parseNetworks>
  readonly expires_ms: number | undefined
  /** Whether it opens nothing for now. */
  readonly suspended: boolean
  /** When it was last marked as used, monotonic. */
  touched_ms: number
}

type Row = StoredHolder & {
  digest: string
  id: bigint
  first_id: bigint
  scopes: Scope[]
  allowed_ips: string[]
  legacy_get: boolean
  expires_at: Date | null
  suspended: boolean
}

const READ = statement(`
  select encode(api_key.key_hash, 'hex') as digest, api_key.id, ${firstOfLine('api_key.id')} as first_id, api_key.user_id, api_key.scopes,
    api_key.allowed_ips::text[] as allowed_ips, api_key.legacy_get, api_key.expires_at, api_key.suspended_at is not null as suspended, ${HOLDER_COLUMNS}
  from identity.api_key
  join identity.holder on holder.user_id = api_key.user_id
  where api_key.key_hash = any($1::bytea[]) and api_key.revoked_at is null and holder.state = 'active'`)

/** The keys of these digests that are not revoked and whose owner is active. One statement. */
export async function readKeys(app: Pick<App, 'db'>, digests: readonly string[]): Promise<Map<string, KeyCredential>> {
  const rows = await app.db.query<Row>(READ, [byteaArray(digests)])
  return new Map(rows.map((row) => [row.digest, credentialOf(row)]))
}

function credentialOf(row: Row): KeyCredential {
  const { id: key_id, first_id: first_key_id, scopes, legacy_get } = row
  const principal = principalOfRow(row, { key_id, first_key_id, scopes, legacy_get })
  return {
    principal,
    unproven: unprovenOf(principal, row),
    key_id,
    networks: parseNetworks(row.allowed_ips),
    expires_ms: row.expires_at?.getTime(),
    suspended: row.suspended,
    touched_ms: Number.NEGATIVE_INFINITY,
  }
}

// Rows that another process writes just now are left out: it writes the same.
const WRITE_USED = statement(`
  with used as (
    select * from unnest($1::bigint[], $2::timestamptz[]) as used(id, at)
  ), stale as (
    select api_key.id, used.at from identity.api_key join used using (id)
    where api_key.last_used_at is null or api_key.last_used_at < used.at - interval '50 seconds'
    order by api_key.id for no key update of api_key skip locked
  )
  update identity.api_key set last_used_at = stale.at from stale where api_key.id = stale.id`)

/** Writes when keys were last used, where what is written is older than about a minute. */
export async function writeKeysUsed(app: Pick<App, 'db'>, marks: ReadonlyMap<bigint, Date>): Promise<void> {
  await app.db.query(WRITE_USED, [plainArray([...marks.keys()]), dateArray([...marks.values()])])
}

/** Hex digests as bytea[]. */
export function byteaArray(digests: readonly string[]): string {
  return textArray(digests.map((digest) => `\\x${digest}`))
}
