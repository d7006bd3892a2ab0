import { ProviderReadError, type RefillRow } from '#server/domains/providers/provider.ts'
import type { OpenProvider, Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { askLease_ms } from '../ask-lease.ts'
import { nextCheck_ms } from '../following/poll-schedule.ts'
import { recordApart } from '../record-apart.ts'
import { lockRefills } from './queries.ts'
import { type Refill, STATE_OF, waitsForStaff } from './refill.ts'
import { type RefillChange, writeRefills } from './write-refills.ts'

/** So long a refill may take, and its provider be down. */
const UNREADABLE_MS = 3 * 86_400_000
/** What the column takes. */
const FAILED_CHECKS_TOLD = 32_767
const MESSAGE_MAX = 500

export const REFILL_POLLS_LOOP = 'orders.refill-poll'

interface DueRefill {
  id: bigint
  order_id: bigint
  provider_refill_id: string
}

/**
 * Asks a provider about the refills whose check is due, many in one call, until they have ended. A row that cannot be read changes nothing but when it is asked about again; after
 * some in a row that say it is not known staff say what became of the refill, unless its provider knows it again. Answers whether there may be more.
 */
export async function pollRefills(app: App, providers: Providers, provider_id: bigint): Promise<boolean> {
  const provider = await providers.providerById(provider_id)
  const due = await app.db.query<DueRefill>(takeDue, [provider_id, provider.statuses_max, askLease_ms(provider.row)])
  if (due.length === 0) return false
  const rows = await read(app, provider, due)
  if (!rows) return false
  await recordApart(app, REFILL_POLLS_LOOP, due, (part) => app.db.transaction((tx) => record(app, tx, part, rows)))
  return due.length === provider.statuses_max
}

// The new time is a lease: a worker that dies here leaves the refills due again a little later.
const takeDue = statement(`
  with due as (
    select id from orders.refill
    where provider_id = $1 and state in ('pending', 'in_progress') and next_try_at <= now()
    order by next_try_at limit $2::int for no key update skip locked
  )
  update orders.refill r set next_try_at = now() + make_interval(secs => $3::float8 / 1000)
  from due where r.id = due.id
  returning r.id, r.order_id, r.provider_refill_id`)

const MISSING: RefillRow = { ok: false, reason: 'missing', message: 'The provider answered nothing about this refill.' }

/** Undefined when nothing could be read: they are due again when the lease has run out. */
async function read(
  app: App,
  provider: OpenProvider,
  due: readonly DueRefill[],
): Promise<ReadonlyMap<string, RefillRow> | undefined> {
  try {
    return await provider.refillStatuses(due.map(({ provider_refill_id }) => provider_refill_id))
  } catch (error) {
    if (!(error instanceof ProviderReadError)) throw error
    app.log.warn({ provider_id: provider.row.id, reason: error.reason }, 'refills could not be read')
    return undefined
  }
}

async function record(
  { clock }: App,
  tx: Tx,
  due: readonly DueRefill[],
  rows: ReadonlyMap<string, RefillRow>,
): Promise<void> {
  const now = clock.now()
  const refills = await lockRefills(
    tx,
    due.map(({ id }) => id),
  )
  const changes = due.flatMap(({ id, provider_refill_id }): RefillChange[] => {
    const before = refills.get(id)
    // What staff have decided meanwhile stands.
    const isPolled = before?.state === 'pending' || before?.state === 'in_progress'
    if (!isPolled || before.provider_refill_id !== provider_refill_id) return []
    return [{ before, after: afterRow(before, rows.get(provider_refill_id) ?? MISSING, now) }]
  })
  const { seen = [], unchanged = [] } = Object.groupBy(changes, (change) =>
    changesAnything(change) ? 'seen' : 'unchanged',
  )
  writeRefills(tx, seen, now)
  markPolled(tx, unchanged)
}

/** Whether there is more to tell than when it is asked about again. */
function changesAnything({ before, after }: RefillChange): boolean {
  if (waitsForStaff(before) !== waitsForStaff({ ...before, ...after })) return true
  return (['state', 'provider_status', 'code', 'message'] as const).some((name) => {
    return after[name] !== undefined && after[name] !== before[name]
  })
}

const touch = statement(`
  update orders.refill r set next_try_at = new.next_try_at, failed_checks = new.failed_checks
  from (select unnest($1::bigint[]) as id, unnest($2::timestamptz[]) as next_try_at, unnest($3::smallint[]) as failed_checks) as new
  where r.id = new.id`)

/** Nothing that anyone sees has changed: no version. */
function markPolled(tx: Tx, changes: readonly RefillChange[]): void {
  if (changes.length === 0) return
  tx.send(touch, [
    int8Array(changes.map(({ before }) => before.id)),
    dateArray(changes.map(({ after }) => after.next_try_at)),
    plainArray(changes.map(({ before, after }) => after.failed_checks ?? before.failed_checks)),
  ])
}

/** What a provider's row means for a refill. Pure. */
export function afterRow(refill: Refill, row: RefillRow, now: Date): Partial<Refill> {
  const nextAfter = (failed_checks: number) => {
    return new Date(now.getTime() + nextCheck_ms(now.getTime() - refill.asked_at.getTime(), failed_checks))
  }
  if (!row.ok) {
    // While a provider is down its pages say nothing of its refills, however often: they wait for it, and not for staff. Those that should long have been done do not.
    const counts = row.reason !== 'unreadable' || now.getTime() - refill.asked_at.getTime() > UNREADABLE_MS
    // That a provider does not know one is no proof that nothing is done.
    const failed_checks = Math.min(refill.failed_checks + (counts ? 1 : 0), FAILED_CHECKS_TOLD)
    const told = { code: `status_${row.reason}`, message: row.message.slice(0, MESSAGE_MAX) || null }
    return { ...told, failed_checks, next_try_at: nextAfter(failed_checks) }
  }
  return {
    state: STATE_OF[row.status],
    provider_status: row.raw_status,
    failed_checks: 0,
    code: null,
    message: null,
    next_try_at: nextAfter(0),
  }
}
