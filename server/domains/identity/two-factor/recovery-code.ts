import { Secret } from 'otpauth'
import { digestOf } from '../token.ts'

/** For the day on which the telephone is gone; printed they fit a card. */
export const RECOVERY_CODES = 10
/** 80 bits: beyond guessing, also for one who has the table of hashes. */
const CODE_BYTES = 10

/** A new code, such as `mfrg-gzdf-mztw-q2lk`. Letters and digits that are not taken for one another. */
export function newRecoveryCode(): string {
  const text = new Secret({ size: CODE_BYTES }).base32.toLowerCase()
  return text.replace(/(.{4})(?=.)/g, '$1-')
}

/** The digest of a code as it was typed, with or without its hyphens; undefined when it has not the form of one. */
export function digestOfRecoveryCode(typed: string): Buffer | undefined {
  const code = typed.toLowerCase().replace(/[\s-]/g, '')
  return /^[a-z2-7]{16}$/.test(code) ? Buffer.from(digestOf(`recovery code ${code}`), 'hex') : undefined
}
