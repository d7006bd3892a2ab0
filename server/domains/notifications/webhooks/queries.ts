import { int8Array } from '#server/platform/db/arrays.ts'
import { type Db, type Statement, statement } from '#server/platform/db/database.ts'
import type { WebhookOf } from './lock-webhook.ts'
import { WEBHOOK_COLUMNS, type Webhook, type WebhookState } from './webhook.ts'

/** Webhooks and deliveries on a page. */
export const WEBHOOKS_PAGE_MAX = 100

/** Attempts that are shown of a delivery, the latest. */
const ATTEMPTS_MAX = 100

const FROM = 'from notifications.webhook w join notifications.webhook_health h on h.webhook_id = w.id'

const webhooksOfUser = statement(`
  select ${WEBHOOK_COLUMNS} ${FROM} where w.user_id = $1 and w.deleted_at is null order by w.id desc`)

/** The webhooks of a user, newest first; no more than they may have. */
export function webhooksOf(db: Pick<Db, 'query'>, user_id: bigint): Promise<Webhook[]> {
  return db.query<Webhook>(webhooksOfUser, [user_id])
}

const webhookById = statement(`
  select ${WEBHOOK_COLUMNS} ${FROM} where w.id = $1 and ($2::bigint is null or w.user_id = $2) and w.deleted_at is null`)

/** The webhook, or undefined; also for another owner's. */
export async function findWebhook(db: Pick<Db, 'query'>, of: WebhookOf): Promise<Webhook | undefined> {
  return (await db.query<Webhook>(webhookById, [of.webhook_id, of.user_id]))[0]
}

const webhooksOfAll = statement(`
  select ${WEBHOOK_COLUMNS} ${FROM}
  where w.deleted_at is null and w.id < $1 and ($2::bigint is null or w.user_id = $2) and ($3::text is null or w.state = $3)
    and ($4::boolean is null or (h.failing_since is not null) = $4)
  order by w.id desc limit $5`)

/** Which webhooks of all users; absent conditions hold for all. */
export interface WebhookFilter {
  user_id?: bigint | undefined
  state?: WebhookState | undefined
  /** Whether its last attempt failed. */
  failing?: boolean | undefined
  /** Only older ones than this. */
  before?: bigint | undefined
  limit: number
}

const ID_MAX = 2n ** 63n - 1n

/** Webhooks of whomever, newest first; for staff. */
export function listWebhooks(db: Pick<Db, 'query'>, filter: WebhookFilter): Promise<Webhook[]> {
  const { before = ID_MAX, user_id, state, failing, limit } = filter
  return db.query<Webhook>(webhooksOfAll, [before, user_id, state, failing, Math.min(limit, WEBHOOKS_PAGE_MAX + 1)])
}

/** A delivery as its log tells it. */
export interface DeliveryRow {
  event_id: string
  webhook_id: bigint
  type: string
  /** When what it tells of happened. */
  at: Date
  state: 'due' | 'sending' | 'waiting' | 'delivered' | 'failed'
  reason: string | null
  due_at: Date | null
  delivered_at: Date | null
  attempts: number
  /** Of the last attempt: the status that came back, or why none did. */
  last_status: number | null
  last_failure: string | null
}

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const
export type DeliveryStateShown = (typeof DELIVERY_STATES)[number]

/** Which deliveries of these webhooks. */
export interface DeliveryFilter {
  webhook_ids: readonly bigint[]
  event_id?: string | undefined
  state?: DeliveryStateShown | undefined
  /** Only those behind this one, newest event first. */
  before?: { event_id: string; webhook_id: bigint } | undefined
  limit: number
}

const COLUMNS = `d.event_id, d.webhook_id, e.type, e.at, d.state, d.reason, d.due_at, d.delivered_at, d.attempts,
  last.status as last_status, last.failure as last_failure`
const JOINED = `join notifications.webhook_event e on e.id = d.event_id
  left join lateral (
    select status, failure from notifications.webhook_attempt a
    where a.event_id = d.event_id and a.webhook_id = d.webhook_id order by number desc limit 1
  ) last on true`

// Each webhook's own log first, so that the index gives them newest first however long they are.
const listBy = (condition: string) =>
  statement(`
  select ${COLUMNS} from unnest($1::bigint[]) as mine (id)
  cross join lateral (
    select * from notifications.webhook_delivery d
    where d.webhook_id = mine.id and d.event_id <= $2 and (d.event_id < $2 or d.webhook_id < $3) and ${condition}
    order by d.event_id desc limit $4
  ) d ${JOINED}
  order by d.event_id desc, d.webhook_id desc limit $4`)

const LISTS: Record<DeliveryStateShown | 'any', Statement> = {
  any: listBy('true'),
  delivered: listBy(`d.state = 'delivered'`),
  // Said twice, so that the index of what is not delivered serves.
  failed: listBy(`d.state <> 'delivered' and d.state = 'failed'`),
  pending: listBy(`d.state <> 'delivered' and d.state <> 'failed'`),
}

const listOfEvent = statement(`
  select ${COLUMNS} from notifications.webhook_delivery d ${JOINED}
  where d.event_id = $1 and d.webhook_id = any($2::bigint[]) order by d.webhook_id desc`)

const UUID_MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** Deliveries, newest event first. */
export async function listDeliveries(db: Pick<Db, 'query'>, filter: DeliveryFilter): Promise<DeliveryRow[]> {
  const { webhook_ids, event_id, state, limit } = filter
  const { event_id: last = UUID_MAX, webhook_id = ID_MAX } = filter.before ?? {}
  if (event_id === undefined) {
    return db.query<DeliveryRow>(LISTS[state ?? 'any'], [int8Array(webhook_ids), last, webhook_id, limit])
  }
  const rows = await db.query<DeliveryRow>(listOfEvent, [event_id, int8Array(webhook_ids)])
  const behind = rows.filter((row) => row.event_id < last || (row.event_id === last && row.webhook_id < webhook_id))
  return behind.filter((row) => state === undefined || shownState(row) === state).slice(0, limit)
}

/** Where a delivery stands, in the words of its owner. */
export function shownState({ state }: Pick<DeliveryRow, 'state'>): DeliveryStateShown {
  return state === 'delivered' || state === 'failed' ? state : 'pending'
}

/** An attempt as its log tells it. */
export interface AttemptRow {
  number: number
  at: Date
  manual: boolean
  url: string
  request_headers: Record<string, string>
  duration_ms: number
  status: number | null
  failure: string | null
  response_headers: Record<string, string> | null
  response_body: string | null
}

const deliveryOfWebhook = statement(`
  select ${COLUMNS}, e.body from notifications.webhook_delivery d ${JOINED} where d.event_id = $1 and d.webhook_id = $2`)

const attemptsOfDelivery = statement(`
  select number, at, manual, url, request_headers, duration_ms, status, failure, response_headers, response_body
  from notifications.webhook_attempt where event_id = $1 and webhook_id = $2 order by number desc limit ${ATTEMPTS_MAX}`)

/** A delivery with what was sent and its attempts, the latest first; undefined when there is none. */
export async function findDelivery(
  db: Pick<Db, 'query'>,
  webhook_id: bigint,
  event_id: string,
): Promise<{ delivery: DeliveryRow & { body: string }; attempts: AttemptRow[] } | undefined> {
  const [delivery] = await db.query<DeliveryRow & { body: string }>(deliveryOfWebhook, [event_id, webhook_id])
  if (!delivery) return undefined
  return { delivery, attempts: await db.query<AttemptRow>(attemptsOfDelivery, [event_id, webhook_id]) }
}
