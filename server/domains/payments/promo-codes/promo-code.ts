/** Money at once; a discount for a time; or a bonus on the next deposit. */
export const PROMO_KINDS = ['credit', 'discount', 'deposit'] as const
export type PromoKind = (typeof PROMO_KINDS)[number]

/** What a code promises to whoever redeems it. Amounts in minor units of the wallets' asset. */
export type PromoPromise =
  | { kind: 'credit'; amount: bigint }
  | (Lasting & { kind: 'discount'; discount_bp: bigint; below_margin: boolean })
  | (Lasting & { kind: 'deposit'; deposit_min: bigint; percent_bp: bigint; amount_max: bigint | null })

/** For how many days from its redemption on it holds, and until when at most. */
export interface Lasting {
  days: number
  holds_until: Date | null
}

/** Who may redeem a code, how many of them, and when. */
export interface PromoLimits {
  /** Null: as many as come, for other kinds than `credit`. */
  redemptions_max: number | null
  /** For customers who registered from this moment on, and before that. */
  registered_from: Date | null
  registered_until: Date | null
  starts_at: Date
  /** Null: until it is ended. */
  ends_at: Date | null
}

/** A code as it is stored. What its kind does not have is null. */
export interface PromoCode extends PromoLimits {
  id: bigint
  /** In capitals. */
  code: string
  kind: PromoKind
  asset: string
  amount: bigint | null
  discount_id: bigint | null
  discount_bp: bigint | null
  below_margin: boolean | null
  deposit_min: bigint | null
  percent_bp: bigint | null
  amount_max: bigint | null
  days: number | null
  holds_until: Date | null
  redemptions: number
  /** When staff ended it. */
  ended_at: Date | null
  created_at: Date
  /** Null: at the terminal. */
  created_by: bigint | null
}

/** Longer ones are not typed by anyone. */
export const CODE_MAX = 32

/** A code as it is compared: in capitals. Undefined where it cannot be one: of 4 to CODE_MAX letters, digits and `-`, which stands neither first nor last. */
export function readCode(text: string): string | undefined {
  const typed = text.trim()
  return /^[A-Za-z0-9][A-Za-z0-9-]{2,30}[A-Za-z0-9]$/.test(typed) ? typed.toUpperCase() : undefined
}

/** How a code stands: `open` may be redeemed by someone now, `coming` later, the others never again. */
export const PROMO_STATES = ['coming', 'open', 'used_up', 'ended'] as const
export type PromoState = (typeof PROMO_STATES)[number]

/** How a code stands at a moment. Pure. */
export function stateOf(
  {
    starts_at,
    ends_at,
    ended_at,
    redemptions,
    redemptions_max,
  }: Pick<PromoCode, 'starts_at' | 'ends_at' | 'ended_at' | 'redemptions' | 'redemptions_max'>,
  now: Date,
): PromoState {
  // Whatever the clock of who ended it said: it has ended for all who come after.
  if (ended_at !== null || (ends_at !== null && ends_at <= now)) return 'ended'
  if (redemptions_max !== null && redemptions >= redemptions_max) return 'used_up'
  return starts_at > now ? 'coming' : 'open'
}

/** Until when a code holds for who redeems it now; null for money at once. Pure. */
export function lastsUntil({ days, holds_until }: Pick<PromoCode, 'days' | 'holds_until'>, now: Date): Date | null {
  if (days === null) return null
  const whole = new Date(now.getTime() + days * DAY_MS)
  return holds_until !== null && holds_until < whole ? holds_until : whole
}

const DAY_MS = 24 * 60 * 60_000

/** Whether this customer may redeem the code now, apart from having done so. Nobody redeems what they have made themselves. Pure. */
export function mayRedeem(code: PromoCode, customer: { id: bigint; registered_at: Date }, now: Date): boolean {
  const { registered_from, registered_until, created_by } = code
  if (stateOf(code, now) !== 'open' || created_by === customer.id) return false
  if (registered_from !== null && customer.registered_at < registered_from) return false
  if (registered_until !== null && customer.registered_at >= registered_until) return false
  const until = lastsUntil(code, now)
  return until === null || until > now
}
