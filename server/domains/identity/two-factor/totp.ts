import { Secret, TOTP } from 'otpauth'

/** RFC 6238 as every authenticator app has it. */
const PERIOD_S = 30
const DIGITS = 6
/** RFC 4226 wants 128 bits and recommends 160. */
const SECRET_BYTES = 20
/** Clocks of telephones are off by some seconds, and typing takes some. */
const DRIFT_STEPS = 1
const ISSUER = 'Saldo'

/** A new secret in base32, as people type it where no QR code can be read. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32
}

/** What a QR code for an authenticator app holds. */
export function totpUri(secret: string, email: string): string {
  return totpOf(secret, email).toString()
}

/** Whether `text` has the form of a code of an authenticator app. */
export function isTotpCode(text: string): boolean {
  return /^\d{6}$/.test(text)
}

/**
 * The step of time to which `code` belongs: the one at `at`, the one before or the one after. Undefined when it belongs to none of them. Whether the step was used
 * before, the caller has to see.
 */
export function stepOfCode(secret: string, code: string, at: Date): number | undefined {
  const delta = totpOf(secret, '').validate({ token: code, timestamp: at.getTime(), window: DRIFT_STEPS })
  return delta === null ? undefined : Math.floor(at.getTime() / (PERIOD_S * 1_000)) + delta
}

/** The code of a moment, as the app shows it. */
export function codeAt(secret: string, at: Date): string {
  return totpOf(secret, '').generate({ timestamp: at.getTime() })
}

function totpOf(secret: string, label: string): TOTP {
  const parsed = Secret.fromBase32(secret)
  return new TOTP({ issuer: ISSUER, label, secret: parsed, algorithm: 'SHA1', digits: DIGITS, period: PERIOD_S })
}
