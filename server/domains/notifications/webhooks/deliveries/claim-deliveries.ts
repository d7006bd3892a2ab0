import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, int8Column, plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { concurrencyMax } from '../settings.ts'
import type { SealedSecrets, Signature } from '../webhook.ts'

/** Webhooks served in one claim. The next one goes on after the last of them, so that all have their turn. */
const WEBHOOKS_MAX = 500

/** What a claim may take. */
export interface ClaimLimits {
  /** Deliveries at most. */
  room: number
  /** Whether it is for webhooks that failed last, or for the others: neither waits for the other. */
  failing: boolean
  /** How many more of this webhook's deliveries the caller would take; none: it is passed over. */
  allowance: (webhook_id: bigint) => number
  /** After this the claim is given up, and what may have been sent is sent again. */
  lease_ms: number
  /** The webhook that had the last turn. */
  after_webhook: bigint
}

/** A delivery in the hands of who claimed it, with all that sending it takes. */
export interface ClaimedDelivery extends SealedSecrets {
  event_id: string
  webhook_id: bigint
  /** By which its outcome is told from that of an earlier claim. */
  claims: number
  attempts: number
  manual: boolean
  body: string
  url: string
  signature: Signature
}

export interface Claim {
  claimed: ClaimedDelivery[]
  last_webhook: bigint
  /** Whether there may be webhooks behind the last that were not looked at. */
  more: boolean
}

/**
 * Takes due deliveries and commits that intent. Fair: each waiting webhook in turn gets the same share, and no more than its concurrency, all workers together. Two
 * callers never take the same delivery. What goes to a webhook that is disabled or deleted fails here.
 */
export async function claimDeliveries(app: App, limits: ClaimLimits): Promise<Claim> {
  const now = app.clock.now()
  return app.db.transaction(async (tx) => {
    const waiting = await nextWebhooks(tx, limits)
    if (waiting.length === 0) return { claimed: [], last_webhook: limits.after_webhook, more: false }
    const free = waiting.filter((id) => limits.allowance(id) > 0)
    const locked = await lockWebhooks(tx, free, limits, now)
    // In the order in which they wait, so that each has its turn when there is no room for all.
    const served = free.filter((id) => locked.has(id)).slice(0, limits.room)
    const taken = await take(tx, app, served, limits, now)
    const full = served.length === limits.room
    const last_webhook = present((full ? served : waiting).at(-1), 'someone waits')
    const more = full || waiting.length >= WEBHOOKS_MAX
    const unwanted = taken.filter((each) => each.refused_by !== null)
    if (unwanted.length > 0) failUnsent(tx, unwanted)
    return { claimed: taken.filter((each) => each.refused_by === null), last_webhook, more }
  })
}

// A loose index scan: one probe a webhook, however many deliveries each has waiting.
const waitingWebhooks = statement(`
  with recursive waiting as (
    (select webhook_id, 1 as n from notifications.webhook_delivery
      where state = 'due' and webhook_id > $1 order by webhook_id limit 1)
    union all
    (select next.webhook_id, waiting.n + 1
      from waiting, lateral (select webhook_id from notifications.webhook_delivery
        where state = 'due' and webhook_id > waiting.webhook_id order by webhook_id limit 1) next
      where waiting.n < $2)
  )
  select webhook_id from waiting`)

async function nextWebhooks(tx: Tx, limits: ClaimLimits): Promise<bigint[]> {
  const select = (after: bigint, n: number) => tx.query<{ webhook_id: bigint }>(waitingWebhooks, [after, n])
  const rows = await select(limits.after_webhook, WEBHOOKS_MAX)
  const left = WEBHOOKS_MAX - rows.length
  // Round the corner, for those at or before the one served last.
  const more = left > 0 && limits.after_webhook > 0n ? await select(0n, left) : []
  return [...new Set([...rows, ...more].map((row) => row.webhook_id))]
}

// The lock makes claims on a webhook follow one another, so that the next statement counts what the one before has taken. SKIP LOCKED: what another claims now
// is not waited for.
const lockHealth = statement(`
  select webhook_id from notifications.webhook_health
  where webhook_id = any($1::bigint[]) and (failing_since is not null) = $2 and (paused_until is null or paused_until <= $3)
  order by webhook_id for no key update skip locked`)

async function lockWebhooks(tx: Tx, ids: bigint[], { failing }: ClaimLimits, now: Date): Promise<Set<bigint>> {
  if (ids.length === 0) return new Set()
  const rows = await tx.query<{ webhook_id: bigint }>(lockHealth, [int8Array(ids), failing, now])
  return new Set(rows.map((row) => row.webhook_id))
}

const takeFairly = statement(`
  with taken as (
    select due.event_id, due.webhook_id
    from unnest($1::bigint[], $2::int[]) as wanted (webhook_id, share)
    cross join lateral (
      select event_id, webhook_id from notifications.webhook_delivery
      where state = 'due' and webhook_id = wanted.webhook_id
      -- What a person asked for comes behind what happened just now: a long replay does not hold up the news.
      order by manual, due_at
      limit greatest(0, least(wanted.share, $3::int - (
        select count(*) from notifications.webhook_delivery sent where sent.state = 'sending' and sent.webhook_id = wanted.webhook_id)))
      for no key update skip locked
    ) due
  )
  update notifications.webhook_delivery d
  set state = 'sending', due_at = null, claims = d.claims + 1, claimed_until = $4
  from taken
    join notifications.webhook w on w.id = taken.webhook_id
    join identity.user u on u.id = w.user_id
    join notifications.webhook_event e on e.id = taken.event_id
  where d.event_id = taken.event_id and d.webhook_id = taken.webhook_id
  returning d.event_id, d.webhook_id, d.claims, d.attempts, d.manual, e.body, w.url, w.signature,
    case when w.deleted_at is not null then 'webhook_deleted' when w.state = 'disabled' then 'webhook_disabled'
      when u.state = 'blocked' then 'user_blocked' end as refused_by,
    w.secret_ciphertext, w.secret_key_id, w.previous_ciphertext, w.previous_key_id, w.previous_until`)

/** `refused_by`: why it is not to be sent after all. */
type Taken = ClaimedDelivery & { refused_by: string | null }

async function take(tx: Tx, app: App, served: bigint[], limits: ClaimLimits, now: Date): Promise<Taken[]> {
  if (served.length === 0) return []
  const share = Math.floor(limits.room / served.length)
  const shares = served.map((id) => Math.min(share, limits.allowance(id)))
  const concurrency = limits.failing ? 1 : app.settings.read(concurrencyMax)
  const claimed_until = new Date(now.getTime() + limits.lease_ms)
  return tx.query<Taken>(takeFairly, [int8Array(served), plainArray(shares), concurrency, claimed_until])
}

const failUnsentDeliveries = statement(`
  update notifications.webhook_delivery d
  set state = case when delivered_at is null then 'failed' else 'delivered' end, manual = false, resume_at = null, claimed_until = null,
    reason = new.reason
  from unnest($1::uuid[], $2::bigint[], $3::text[]) as new (event_id, webhook_id, reason)
  where d.event_id = new.event_id and d.webhook_id = new.webhook_id`)

function failUnsent(tx: Tx, deliveries: readonly Taken[]): void {
  tx.send(failUnsentDeliveries, [
    plainArray(deliveries.map((each) => each.event_id)),
    int8Column(deliveries, (each) => each.webhook_id),
    plainArray(deliveries.map((each) => each.refused_by)),
  ])
}
