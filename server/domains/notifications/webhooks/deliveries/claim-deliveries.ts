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
    const waiting = await lockWaiting(tx, limits, now)
    if (waiting.length === 0) return { claimed: [], last_webhook: limits.after_webhook, more: false }
    const free = waiting.filter(({ locked, webhook_id }) => locked && limits.allowance(webhook_id) > 0)
    // In the order in which they wait, so that each has its turn when there is no room for all.
    const served = free.slice(0, limits.room).map((each) => each.webhook_id)
    const taken = await take(tx, app, served, limits, now)
    const full = served.length === limits.room
    const last_webhook = present(full ? served.at(-1) : waiting.at(-1)?.webhook_id, 'someone waits')
    const more = full || waiting.length >= WEBHOOKS_MAX
    const unwanted = taken.filter((each) => each.refused_by !== null)
    if (unwanted.length > 0) failUnsent(tx, unwanted)
    return { claimed: taken.filter((each) => each.refused_by === null), last_webhook, more }
  })
}

// Loose index scans: one probe a webhook, however many deliveries each has waiting. Those behind the last served first, then round the corner.
// The lock makes claims on a webhook follow one another, so that the next statement counts what the one before has taken. SKIP LOCKED: what another claims now
// is not waited for.
const lockWellWebhooks = statement(`
  with recursive behind as (
    (select webhook_id from notifications.webhook_delivery where state = 'due' and webhook_id > $1 order by webhook_id limit 1)
    union all
    select next.webhook_id from behind, lateral (select webhook_id from notifications.webhook_delivery
      where state = 'due' and webhook_id > behind.webhook_id order by webhook_id limit 1) next
  ),
  before as (
    (select webhook_id from notifications.webhook_delivery where state = 'due' and webhook_id <= $1 order by webhook_id limit 1)
    union all
    select next.webhook_id from before, lateral (select webhook_id from notifications.webhook_delivery
      where state = 'due' and webhook_id > before.webhook_id and webhook_id <= $1 order by webhook_id limit 1) next
  ),
  waiting as materialized (select webhook_id from behind union all select webhook_id from before limit $2),
  locked as (
    select h.webhook_id from notifications.webhook_health h
    where h.webhook_id = any(array(select webhook_id from waiting))
      and h.failing_since is null and (h.paused_until is null or h.paused_until <= $3)
    order by h.webhook_id for no key update skip locked
  )
  select webhook_id, locked.webhook_id is not null as locked from waiting left join locked using (webhook_id)
  order by webhook_id <= $1, webhook_id`)

// The other way round, from the few that failed last: among all that have deliveries due they would be looked for again and again, and most rest.
const lockFailingWebhooks = statement(`
  select h.webhook_id, true as locked from notifications.webhook_health h
  where h.failing_since is not null and (h.paused_until is null or h.paused_until <= $3)
    and exists (select from notifications.webhook_delivery d where d.state = 'due' and d.webhook_id = h.webhook_id)
  order by h.webhook_id <= $1, h.webhook_id limit $2 for no key update of h skip locked`)

/** A webhook with deliveries due; `locked`: it is for this claim. */
interface Waiting {
  webhook_id: bigint
  locked: boolean
}

function lockWaiting(tx: Tx, { after_webhook, failing }: ClaimLimits, now: Date): Promise<Waiting[]> {
  return tx.query<Waiting>(failing ? lockFailingWebhooks : lockWellWebhooks, [after_webhook, WEBHOOKS_MAX, now])
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
