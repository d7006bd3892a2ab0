import {
  confirmationRequired,
  registrationOpen,
  staffTotpRequired,
} from '#server/domains/identity/accounts/account-settings.ts'
import { passwordCost } from '#server/domains/identity/password.ts'
import type { Setting } from '#server/platform/settings/setting.ts'

/** Every setting of the house. One that is not here is read at its default and cannot be changed. */
export const SETTINGS: readonly Setting<unknown>[] = [
  registrationOpen,
  confirmationRequired,
  staffTotpRequired,
  passwordCost,
]
