import { z } from 'zod'
import { defineSetting, type Setting } from '../settings/setting.ts'

/** What requests are counted apart by: one kind never uses up what another may do. */
export const RATE_CLASSES = ['reading', 'ordering', 'changing', 'redeeming', 'signing_in', 'public'] as const
export type RateClass = (typeof RATE_CLASSES)[number]

/** How many requests of a class are taken in `window_seconds`; null is as many as come. */
export interface RateLimit {
  readonly window_seconds: number
  /** From one IPv4 address or one /64 of IPv6. */
  readonly per_network: number | null
  readonly per_key: number | null
  /** By all keys and sessions of one user together. */
  readonly per_user: number | null
}

const window_seconds = z.number().int().min(1).max(3_600)
const requests = z.number().int().min(1).max(1_000_000_000).nullable()
const ofCallers = z.strictObject({ window_seconds, per_network: requests, per_key: requests, per_user: requests })
/** Where nobody is known yet, a network is all there is to count by. */
const ofStrangers = z
  .strictObject({ window_seconds, per_network: requests })
  .transform((limit): RateLimit => ({ ...limit, per_key: null, per_user: null }))

const unit = 'requests'
const NULL_IS = 'null: no limit. Too low refuses honest work with 429, too high lets one caller slow down the others.'

/**
 * The limits of each class, as settings. The defaults leave a busy reseller's panel room, whose every key may send 200 requests a second, and keep one
 * of them from taking the whole house, which does several thousand. A network has more than a user, since offices and carriers share an address.
 */
export const RATE_LIMITS: Readonly<Record<RateClass, Setting<RateLimit>>> = {
  reading: defineSetting({
    name: 'limits.reading',
    schema: ofCallers,
    default: { window_seconds: 10, per_network: 6_000, per_key: 2_000, per_user: 4_000 },
    description: `Requests that only read, by known callers. ${NULL_IS}`,
    unit,
  }),
  ordering: defineSetting({
    name: 'limits.ordering',
    schema: ofCallers,
    default: { window_seconds: 10, per_network: 6_000, per_key: 2_000, per_user: 4_000 },
    description: `Requests that place orders, or ask for their refill or cancelling; one of many orders counts once. ${NULL_IS}`,
    unit,
  }),
  changing: defineSetting({
    name: 'limits.changing',
    schema: ofCallers,
    default: { window_seconds: 60, per_network: 3_000, per_key: 1_000, per_user: 1_000 },
    description: `Requests that change anything else. ${NULL_IS}`,
    unit,
  }),
  redeeming: defineSetting({
    name: 'limits.redeeming',
    schema: ofCallers,
    default: { window_seconds: 600, per_network: 200, per_key: 10, per_user: 10 },
    description: `Requests to redeem a promo code, whatever comes of them: who has a code needs one or two, who guesses many. ${NULL_IS}`,
    unit,
  }),
  signing_in: defineSetting({
    name: 'limits.signing_in',
    schema: ofStrangers,
    default: { window_seconds: 60, per_network: 60 },
    description: `Requests to sign in, to register, and for a new password, whatever comes of them. Failures have limits of their own. ${NULL_IS}`,
    unit,
  }),
  public: defineSetting({
    name: 'limits.public',
    schema: ofStrangers,
    default: { window_seconds: 10, per_network: 1_000 },
    description: `Other requests that need no caller, such as the public catalogue and these pages. ${NULL_IS}`,
    unit,
  }),
}

/** For the list of all settings. */
export const rateLimitSettings: readonly Setting<unknown>[] = Object.values(RATE_LIMITS)
