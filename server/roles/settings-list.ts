import { exchangeRateHoursMax } from '#server/domains/catalog/exchange-rates/settings.ts'
import { refreshHours } from '#server/domains/catalog/refresh/settings.ts'
import { SOURCE_SETTINGS } from '#server/domains/catalog/sources/settings.ts'
import {
  confirmationRequired,
  invitationDays,
  registrationOpen,
  staffTotpRequired,
} from '#server/domains/identity/accounts/account-settings.ts'
import { passwordCost } from '#server/domains/identity/accounts/password.ts'
import { staffNetworks } from '#server/domains/identity/areas/staff-networks.ts'
import { SUSPICION_SETTINGS } from '#server/domains/identity/keys/suspicion-settings.ts'
import { ALERT_SETTINGS } from '#server/domains/notifications/alerts/settings.ts'
import { inboxDaysKept, messagesDaysKept } from '#server/domains/notifications/messages/delete-old.ts'
import { MESSAGE_SETTINGS } from '#server/domains/notifications/messages/settings.ts'
import { webhookSettings } from '#server/domains/notifications/webhooks/settings.ts'
import { waitHoursMax } from '#server/domains/orders/desk/settings.ts'
import { orderLimitSettings } from '#server/domains/orders/limits/customer-limit.ts'
import { REFILL_SETTINGS } from '#server/domains/orders/refilling/settings.ts'
import { REFUND_SETTINGS } from '#server/domains/orders/refunding/settings.ts'
import { subscriptionPostsMax } from '#server/domains/orders/subscriptions/settings.ts'
import { decideWithinHours, secondPersonAbove } from '#server/domains/payments/adjustments/settings.ts'
import { DEPOSIT_SETTINGS } from '#server/domains/payments/deposits/settings.ts'
import { promoBudgetMax } from '#server/domains/payments/promo-codes/settings.ts'
import { failuresKeptDays } from '#server/platform/failures/sweep-failures.ts'
import { answersKeptHours } from '#server/platform/idempotency/sweep-answers.ts'
import { JOB_SETTINGS } from '#server/platform/jobs/job-settings.ts'
import { rateLimitSettings } from '#server/platform/limits/rate-class.ts'
import { EVENT_SETTINGS } from '#server/platform/outbox/event-settings.ts'
import type { Setting } from '#server/platform/settings/setting.ts'

/** Every setting of the house. One that is not here is read at its default and cannot be changed. */
export const SETTINGS: readonly Setting<unknown>[] = [
  // How hard background work tries.
  ...JOB_SETTINGS,
  ...EVENT_SETTINGS,

  // Looking back.
  failuresKeptDays,

  // Doors.
  answersKeptHours,
  ...rateLimitSettings,

  // Accounts.
  registrationOpen,
  confirmationRequired,
  invitationDays,
  staffTotpRequired,
  passwordCost,
  staffNetworks,
  ...SUSPICION_SETTINGS,

  // Money.
  secondPersonAbove,
  decideWithinHours,
  ...DEPOSIT_SETTINGS,
  promoBudgetMax,

  // What is sold.
  exchangeRateHoursMax,
  refreshHours,
  ...SOURCE_SETTINGS,

  // Orders.
  ...orderLimitSettings,
  waitHoursMax,
  subscriptionPostsMax,
  ...REFILL_SETTINGS,
  ...REFUND_SETTINGS,

  // What people are told.
  inboxDaysKept,
  messagesDaysKept,
  ...MESSAGE_SETTINGS,
  ...ALERT_SETTINGS,
  // Webhooks.
  ...webhookSettings,
]
