import type { App } from '#server/platform/app.ts'
import { confirmationRequired, staffTotpRequired } from './accounts/account-settings.ts'
import type { Principal } from './principal.ts'
import { rightsOf } from './rights/rights.ts'

/** What a user has to do before anything else. */
export type Must = 'confirm_email' | 'enrol_totp'

/** What may be done meanwhile, in a session; by a key nothing. */
const MEANWHILE: Readonly<Record<Must, readonly string[]>> = {
  confirm_email: ['account:*:own', 'sessions:*:own', 'services:read'],
  enrol_totp: ['account:read:own', 'account:two-factor:own', 'sessions:*:own'],
}

/** What a user has not shown yet; as `identity.holder` tells it. */
export interface Shown {
  readonly unconfirmed: boolean
  readonly totp: boolean
}

/** The principals that stand for a user in place of the full one, as long as the settings demand what is not shown. */
export type Unproven = Readonly<Partial<Record<Must, Principal>>>

/** Undefined for all who have shown everything that could be demanded. */
export function unprovenOf(principal: Principal, { unconfirmed, totp }: Shown): Unproven | undefined {
  const lacks_totp = principal.staff && !totp
  if (!unconfirmed && !lacks_totp) return undefined
  return {
    ...(unconfirmed && { confirm_email: restricted(principal, 'confirm_email') }),
    ...(lacks_totp && { enrol_totp: restricted(principal, 'enrol_totp') }),
  }
}

function restricted(principal: Principal, must: Must): Principal {
  const { permissions, denied, via } = principal
  const rights = rightsOf({ granted: permissions, denied, within: via === 'session' ? MEANWHILE[must] : [] })
  return Object.freeze({ ...principal, must, rights })
}

/** Who a credential stands for by today's settings. */
export function principalNow(
  settings: App['settings'],
  { principal, unproven }: { principal: Principal; unproven: Unproven | undefined },
): Principal {
  if (unproven === undefined) return principal
  if (unproven.confirm_email && settings.read(confirmationRequired)) return unproven.confirm_email
  if (unproven.enrol_totp && settings.read(staffTotpRequired)) return unproven.enrol_totp
  return principal
}
