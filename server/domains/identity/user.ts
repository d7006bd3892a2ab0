import { domainToASCII } from 'node:url'
import { hasSecretValue } from '#server/platform/telemetry/secret-values.ts'

/** A person, as others may see it: never with the password's hash. */
export interface User {
  readonly id: bigint
  readonly email: string
  readonly name: string
  readonly role: string
  readonly state: UserState
  readonly locale: Locale
  readonly created_at: Date
}

export type UserState = 'active' | 'blocked'

export const LOCALES = ['en', 'bn', 'ru'] as const
export type Locale = (typeof LOCALES)[number]

/** The columns of `User`. */
export const USER_COLUMNS = 'id, email, name, role, state, locale, created_at'

/** RFC 5321: 64 before the @, 254 in all. */
export const EMAIL_MAX = 254
const EMAIL = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/

/** Letters of any script; what else a URL could hold would be cut away unseen. */
const INTERNATIONAL = /^(?=.*[^\x21-\x7e])[\p{L}\p{N}\p{M}.-]{1,253}$/u

/**
 * The address as it is stored, or undefined when it has not the shape of one. ASCII only, an international domain in its ASCII form: two spellings of one address must
 * not become two accounts.
 */
export function normalEmail(text: string): string | undefined {
  if (text.length > EMAIL_MAX + 2) return undefined
  const [local = '', domain = '', ...more] = text.trim().toLowerCase().split('@')
  if (more.length > 0) return undefined
  const email = `${local}@${INTERNATIONAL.test(domain) ? domainToASCII(domain) : domain}`
  return email.length <= EMAIL_MAX && EMAIL.test(email) ? email : undefined
}

/** Length decides, not composition (NIST SP 800-63B, OWASP ASVS 6.2): the upper bound only limits the work of hashing. */
export const PASSWORD_MIN = 8
export const PASSWORD_MAX = 256

export const NAME_MAX = 100
const CONTROL = /\p{Cc}/u

/** Whether `text` may stand as a name: bounded, without control characters, NUL among them, and no key or token, for names are shown and logged. */
export function isName(text: string): boolean {
  return text.length <= NAME_MAX && !CONTROL.test(text) && text.isWellFormed() && !hasSecretValue(text)
}

/** A sentence or two on why something was done to a user. */
export const REASON_MAX = 500
