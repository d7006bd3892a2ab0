import type { Sealed } from '#server/platform/secrets/secrets.ts'

/** How requests to a webhook are signed. */
export const SIGNATURES = ['standard', 'hmac_sha256'] as const
export type Signature = (typeof SIGNATURES)[number]

export type WebhookState = 'enabled' | 'disabled'

/** owner, staff: a person did it; gone: its receiver answered 410; failing: it answered nothing but failures for long. */
export type DisabledReason = 'owner' | 'staff' | 'gone' | 'failing'

/** Where a user wants to be told of what happens; without its secrets. */
export interface Webhook {
  id: bigint
  user_id: bigint
  url: string
  description: string
  /** Exact types, or `*` for all. */
  event_types: string[]
  signature: Signature
  state: WebhookState
  disabled_reason: DisabledReason | null
  disabled_at: Date | null
  /** While a secret is being changed: until when the one before signs too. */
  previous_until: Date | null
  created_at: Date
  version: bigint
  /** Since when it answered nothing but failures. */
  failing_since: Date | null
  failures: number
}

/** The columns of a Webhook, for select lists: `w` is the webhook, `h` its health. */
export const WEBHOOK_COLUMNS = `w.id, w.user_id, w.url, w.description, w.event_types, w.signature, w.state, w.disabled_reason, w.disabled_at,
  w.previous_until, w.created_at, w.version, h.failing_since, h.failures`

export const URL_MAX = 2_000
export const DESCRIPTION_MAX = 200
export const EVENT_TYPES_MAX = 50

/** All types, those to come too. */
export const EVERY_TYPE = '*'

/** Whether a webhook that asked for these types is told of an event of `type`. */
export function wants(webhook: Pick<Webhook, 'event_types'>, type: string): boolean {
  return webhook.event_types.some((wanted) => wanted === type || wanted === EVERY_TYPE)
}

/** What a webhook's secret is sealed for. */
export function secretContext(webhook_id: bigint): string {
  return `notifications.webhook:${webhook_id}:secret`
}

/** The sealed secrets of a webhook, as stored. */
export interface SealedSecrets {
  secret_ciphertext: Buffer
  secret_key_id: string
  previous_ciphertext: Buffer | null
  previous_key_id: string | null
  previous_until: Date | null
}

/** Those that sign at `now`, the newest first. */
export function signingSecrets(row: SealedSecrets, now: Date): Sealed[] {
  const current = { ciphertext: row.secret_ciphertext, key_id: row.secret_key_id }
  if (!row.previous_ciphertext || !row.previous_key_id || !row.previous_until || row.previous_until <= now)
    return [current]
  return [current, { ciphertext: row.previous_ciphertext, key_id: row.previous_key_id }]
}

/** The address as others than its owner may see it: what stands behind the question mark is often a secret. */
export function withoutQuery(url: string): string {
  const [address = ''] = url.split('?', 1)
  return address
}
