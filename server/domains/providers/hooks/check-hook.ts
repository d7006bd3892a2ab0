import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { hookContext } from './hook.ts'

/** What a call shows to be the provider's: the secret itself, as a part of the address, or a signature of the body by it. */
export type HookProof = { secret: string } | { signature: string; body: Buffer }

const sealed = statement('select secret_ciphertext as ciphertext, key_id from providers.hook where provider_id = $1')

/** Whether a call is the provider's. Compared in a time that tells nothing; a provider that may not call us is as one with a wrong secret. */
export async function checkHook(
  { db }: Pick<App, 'db'>,
  secrets: Secrets,
  provider_id: bigint,
  proof: HookProof,
): Promise<boolean> {
  const [row] = await db.query<{ ciphertext: Buffer; key_id: string }>(sealed, [provider_id])
  if (!row) return false
  const secret = secrets.open(row, hookContext(provider_id))
  if ('secret' in proof) return isSame(proof.secret, secret)
  const expected = createHmac('sha256', secret).update(proof.body).digest('hex')
  return isSame(
    proof.signature
      .trim()
      .replace(/^sha256=/i, '')
      .toLowerCase(),
    expected,
  )
}

/** Hashes have one length, whatever was sent. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hashOf(given), hashOf(expected))
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
