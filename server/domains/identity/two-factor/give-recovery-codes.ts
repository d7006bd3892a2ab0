import { statement, type Tx } from '#server/platform/db/database.ts'
import { byteaArray } from '../keys/key-credential.ts'
import { digestOfRecoveryCode, newRecoveryCode, RECOVERY_CODES } from './recovery-code.ts'

const DELETE = statement('delete from identity.recovery_code where user_id = $1')

const INSERT = statement(`
  insert into identity.recovery_code (user_id, code_hash, created_at)
  select $1, code_hash, $3 from unnest($2::bytea[]) as code_hash`)

/** Gives a user new recovery codes in place of all before. They are told here and never again. */
export function giveRecoveryCodes(tx: Tx, user_id: bigint, now: Date): string[] {
  const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode)
  const digests = codes.map((code) => digestOfRecoveryCode(code)?.toString('hex') ?? '')
  tx.send(DELETE, [user_id])
  tx.send(INSERT, [user_id, byteaArray(digests), now])
  return codes
}
