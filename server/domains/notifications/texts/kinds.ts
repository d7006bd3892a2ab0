import type { Channel, Topic } from './topics.ts'

/** What a variable holds, and how it is written for a reader: see `write-variable.ts`. */
export type VariableType = 'text' | 'count' | 'money' | 'time' | 'minutes' | 'link' | 'names'

/** A sum in minor units, as it is stored: a decimal string. */
export interface Money {
  amount: string
  asset: string
  scale: number
}

/** The first few of many, and how many more there are. */
export interface Names {
  first: string[]
  more: number
}

interface ValueTypes {
  text: string
  count: number
  money: Money
  /** ISO 8601. */
  time: string
  minutes: number
  /** Where the button of the message leads. Not to be put into texts, and never stored. */
  link: string
  names: Names
}

type Variables = Readonly<Record<string, VariableType>>

/** One kind of message: what it is about and what its texts may speak of. */
interface KindDefinition {
  /** Undefined for what is sent because someone asked for it: there is nothing to choose, and nothing to unsubscribe from. */
  topic: Topic | undefined
  variables: Variables
}

const LINK = { topic: undefined, variables: { link: 'link', expires_at: 'time' } } as const
const SECURITY = { topic: 'security', variables: { at: 'time', device: 'text', ip: 'text' } } as const

/** Every kind of message that leaves the house. */
export const KINDS = {
  confirm_email: LINK,
  reset_password: LINK,
  confirm_new_email: LINK,
  confirm_old_email: LINK,
  accept_invitation: LINK,

  signed_in_from_new_device: SECURITY,
  password_changed: SECURITY,
  email_changed: SECURITY,
  totp_enabled: SECURITY,
  totp_disabled: SECURITY,
  recovery_code_used: SECURITY,
  recovery_codes_renewed: SECURITY,
  api_key_created: SECURITY,
  api_key_rotated: SECURITY,
  api_key_reinstated: SECURITY,
  api_key_suspended: { topic: 'security', variables: { key: 'text', reason: 'text', at: 'time' } },
  blocked: SECURITY,
  unblocked: SECURITY,
  address_already_registered: SECURITY,
  telegram_linked: { topic: 'security', variables: { at: 'time', chat: 'text' } },

  orders_completed: { topic: 'orders_completed', variables: { count: 'count', orders: 'names' } },
  orders_returned: {
    topic: 'orders_returned',
    variables: { count: 'count', partial: 'count', cancelled: 'count', orders: 'names' },
  },
  balance_adjusted: { topic: 'balance', variables: { amount: 'money', reason: 'text', at: 'time' } },
  deposit_approved: { topic: 'balance', variables: { amount: 'money', reference: 'text', at: 'time' } },
  deposit_corrected: {
    topic: 'balance',
    variables: { amount: 'money', asked: 'money', reference: 'text', reason: 'text', at: 'time' },
  },
  deposit_refused: {
    topic: 'balance',
    variables: { amount: 'money', reference: 'text', reason: 'text', at: 'time' },
  },
  deposit_expired: { topic: 'balance', variables: { amount: 'money', reference: 'text', at: 'time' } },
  order_refunded: { topic: 'balance', variables: { amount: 'money', order: 'text', reason: 'text', at: 'time' } },
  refill_completed: { topic: 'refills', variables: { order: 'text', refill: 'text', at: 'time' } },
  refill_rejected: { topic: 'refills', variables: { order: 'text', refill: 'text', at: 'time' } },
  subscription_out_of_funds: { topic: 'balance', variables: { order: 'text', posts: 'count', at: 'time' } },
  subscription_ended: { topic: 'balance', variables: { order: 'text', posts: 'count', at: 'time' } },
  webhook_disabled: { topic: 'webhooks', variables: { endpoint: 'text', reason: 'text', at: 'time' } },
  telegram_off: { topic: 'account', variables: { reason: 'text', at: 'time' } },
  test_message: { topic: undefined, variables: { at: 'time' } },

  alert_provider_down: { topic: 'alerts', variables: { provider: 'text', reason: 'text', since: 'time' } },
  alert_provider_balance_low: {
    topic: 'alerts',
    variables: { provider: 'text', balance: 'money', threshold: 'money' },
  },
  alert_provider_balance_ending: {
    topic: 'alerts',
    variables: { provider: 'text', balance: 'money', hours: 'count' },
  },
  alert_prices_not_refreshed: { topic: 'alerts', variables: { provider: 'text', reason: 'text', since: 'time' } },
  alert_source_quarantined: {
    topic: 'alerts',
    variables: { service: 'text', provider: 'text', reason: 'text', since: 'time', until: 'time' },
  },
  alert_api_key_suspended: { topic: 'alerts', variables: { key: 'text', user: 'text', reason: 'text', since: 'time' } },
  alert_queue_long: { topic: 'alerts', variables: { queue: 'text', count: 'count', minutes: 'minutes' } },
  alert_orders_waiting: { topic: 'alerts', variables: { count: 'count' } },
  alert_deposits_waiting: { topic: 'alerts', variables: { count: 'count', minutes: 'minutes' } },
  alert_refills_waiting: { topic: 'alerts', variables: { count: 'count', minutes: 'minutes' } },
  alert_posts_unbilled: { topic: 'alerts', variables: { count: 'count' } },
  alert_ledger_unsound: { topic: 'alerts', variables: { problem: 'text', since: 'time' } },
  alert_ledger_unproven: { topic: 'alerts', variables: { reason: 'text', since: 'time' } },
  alert_dead_letters: { topic: 'alerts', variables: { count: 'count' } },
  alert_messages_stuck: { topic: 'alerts', variables: { channel: 'text', count: 'count', minutes: 'minutes' } },
  alert_disk_low: { topic: 'alerts', variables: { percent: 'count', megabytes: 'count' } },
  alert_connections_few: { topic: 'alerts', variables: { count: 'count', most: 'count' } },
  alert_critical_error: { topic: 'alerts', variables: { place: 'text', error: 'text', count: 'count', since: 'time' } },
  alert_errors_many: { topic: 'alerts', variables: { count: 'count' } },
  all_clear: { topic: 'alerts', variables: { alert: 'text', since: 'time', minutes: 'minutes' } },
} as const satisfies Record<string, KindDefinition>

export type Kind = keyof typeof KINDS
export const KIND_NAMES = Object.keys(KINDS) as Kind[]

/** Kinds that tell staff of trouble; each clears with `all_clear`. */
export type AlertKind = Extract<Kind, `alert_${string}`>

/** What a message of kind K is told with: a value for each of its variables, but for the link, which is made when it is sent. */
export type DataOf<K extends Kind> = K extends Kind
  ? {
      -readonly [V in keyof (typeof KINDS)[K]['variables'] as (typeof KINDS)[K]['variables'][V] extends 'link'
        ? never
        : V]: (typeof KINDS)[K]['variables'][V] extends keyof ValueTypes
        ? ValueTypes[(typeof KINDS)[K]['variables'][V]]
        : never
    }
  : never

/** Any message's data, as it is stored. */
export type Data = Readonly<Record<string, string | number | Money | Names>>

/** The variables of a kind by name. */
export function variablesOf(kind: Kind): Variables {
  return KINDS[kind].variables
}

/** Whether this is the name of a kind. */
export function isKind(name: string): name is Kind {
  return Object.hasOwn(KINDS, name)
}

/** Values that show a reader of a preview what each variable looks like. */
export function sampleData(kind: Kind): Data {
  const samples: Record<VariableType, string | number | Money | Names> = {
    text: 'Example',
    count: 5,
    money: { amount: '25500000', asset: 'USD', scale: 6 },
    time: '2026-01-31T12:00:00.000Z',
    minutes: 42,
    link: 'https://example.com/account/confirm',
    names: { first: ['23501', '23502', '23503'], more: 2 },
  }
  const own: Readonly<Record<string, string | number>> = {
    device: 'Firefox, Linux',
    ip: '192.0.2.7',
    endpoint: 'https://example.com/hooks',
    provider: 'Example provider',
    chat: 'Ada',
    channel: 'email',
    queue: 'orders',
    partial: 3,
    cancelled: 2,
  }
  return Object.fromEntries(Object.entries(variablesOf(kind)).map(([name, type]) => [name, own[name] ?? samples[type]]))
}

/** Over which channels a kind can go. */
export function channelsOf(kind: Kind): readonly Channel[] {
  if (kind === 'test_message') return ['email', 'telegram']
  return KINDS[kind].topic === undefined ? ['email'] : ['email', 'inbox', 'telegram']
}
