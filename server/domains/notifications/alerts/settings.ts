import { z } from 'zod'
import { LOCALES, normalEmail } from '#server/domains/identity/user.ts'
import { parseAmount } from '#server/kit/money.ts'
import { defineSetting } from '#server/platform/settings/setting.ts'

/** Where alerts go besides the members of staff who want them. */
export const alertHouseEmail = defineSetting({
  name: 'alerts.house_email',
  schema: z
    .string()
    .refine((text) => text === '' || normalEmail(text) === text, 'must be an address such as desk@example.com'),
  default: '',
  description: 'An address that gets every alert and all-clear, besides the staff who may read alerts. Empty: none.',
})

export const alertHouseChat = defineSetting({
  name: 'alerts.house_telegram_chat',
  schema: z.string().regex(/^(-?\d{1,18})?$/, 'must be the number of a chat'),
  default: '',
  description: 'The number of a Telegram chat or group that gets every alert and all-clear. Empty: none.',
})

export const alertHouseLocale = defineSetting({
  name: 'alerts.house_locale',
  schema: z.enum(LOCALES),
  default: 'en',
  description: 'The language of alerts to the house address and chat.',
})

export const alertQueueMinutes = defineSetting({
  name: 'alerts.queue_minutes_max',
  schema: z.number().int().min(1).max(10_000),
  default: 15,
  description: 'Staff are alarmed when something that a worker could do has waited longer than this.',
  unit: 'minutes',
})

export const alertDepositHours = defineSetting({
  name: 'alerts.deposit_hours_max',
  schema: z.int().min(1).max(1_000),
  default: 12,
  description: 'Staff are alarmed when a deposit by hand has waited for an answer longer than this.',
  unit: 'hours',
})

export const alertRefillHours = defineSetting({
  name: 'alerts.refill_hours_max',
  schema: z.int().min(1).max(1_000),
  default: 24,
  description: 'Staff are alarmed when a refill that they have to see to has waited longer than this.',
  unit: 'hours',
})

export const alertProviderBalance = defineSetting({
  name: 'alerts.provider_balance_low',
  schema: z.string().refine((text) => (parseAmount(text, 9) ?? -1n) >= 0n, 'must be a decimal such as 50.00'),
  default: '50',
  description: 'Staff are alarmed when our balance with a provider is below this, in the currency of the provider.',
})

export const alertProviderHours = defineSetting({
  name: 'alerts.provider_hours_min',
  schema: z.int().min(0).max(1_000),
  default: 6,
  description:
    'Staff are alarmed when our balance with a provider will last for fewer hours than this, as orders went in the last hours. 0: never.',
  unit: 'hours',
})

export const alertErrorsPerMinute = defineSetting({
  name: 'alerts.errors_per_minute_max',
  schema: z.int().min(1).max(1_000_000),
  default: 60,
  description: 'Staff are alarmed when more critical errors than this occur in a minute, of whatever kinds.',
  unit: 'errors',
})

export const alertConnectionsPercent = defineSetting({
  name: 'alerts.connections_percent_max',
  schema: z.int().min(10).max(100),
  default: 85,
  description: 'Staff are alarmed when so many of the connections that the database allows are in use.',
  unit: 'percent',
})

export const ALERT_SETTINGS = [
  alertHouseEmail,
  alertHouseChat,
  alertHouseLocale,
  alertQueueMinutes,
  alertDepositHours,
  alertRefillHours,
  alertProviderBalance,
  alertProviderHours,
  alertErrorsPerMinute,
  alertConnectionsPercent,
] as const
