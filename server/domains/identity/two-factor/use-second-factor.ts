import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { digestOfRecoveryCode } from './recovery-code.ts'
import { isTotpCode, stepOfCode } from './totp.ts'

interface Row {
  secret_ciphertext: Buffer
  key_id: string
  confirmed: boolean
  last_step: bigint | null
}

// The lock makes the second of two with one code wait, and then see it used.
const LOCK = statement(`
  select secret_ciphertext, key_id, confirmed_at is not null as confirmed, last_step from identity.totp
  where user_id = $1 for no key update`)

const USE_STEP = statement('update identity.totp set last_step = $2 where user_id = $1')

const USE_RECOVERY_CODE = statement(`
  update identity.recovery_code set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null
  returning 1 as one`)

/** By which the second factor was shown. */
export type SecondFactor = 'totp' | 'recovery_code'

/**
 * Uses `code` as the second factor of `user_id`: a code of the app, each step of time once, or a recovery code, once each. Undefined when it is wrong, was used, or there is no second
 * factor. With `enrolling` the secret may still be unconfirmed, and a recovery code does not count.
 */
export async function useSecondFactor(
  tx: Tx,
  secrets: Secrets,
  input: { user_id: bigint; code: string; now: Date; enrolling?: boolean },
): Promise<SecondFactor | undefined> {
  const { user_id, code, now, enrolling = false } = input
  const [row] = await tx.query<Row>(LOCK, [user_id])
  if (!row || row.confirmed === enrolling) return undefined
  if (isTotpCode(code)) {
    const secret = secrets.open({ ciphertext: row.secret_ciphertext, key_id: row.key_id }, totpContext(user_id))
    const step = stepOfCode(secret, code, now)
    if (step === undefined || BigInt(step) <= (row.last_step ?? -1n)) return undefined
    tx.send(USE_STEP, [user_id, step])
    return 'totp'
  }
  const digest = enrolling ? undefined : digestOfRecoveryCode(code)
  if (!digest) return undefined
  const used = await tx.query(USE_RECOVERY_CODE, [user_id, digest, now])
  return used.length > 0 ? 'recovery_code' : undefined
}

/** What a stored secret belongs to; see `Secrets.seal`. */
export function totpContext(user_id: bigint): string {
  return `identity.totp:${user_id}`
}
