import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { digestOf } from '../token.ts'
import { confirmationAsked } from './requests.ts'

const BY_HANDLE = statement(`
  select id from identity.registration where handle_hash = $1 and confirmed_at is null and expires_at > $2`)

/**
 * Asks for the mail of a registration once more, by the handle that `register` answered. Does nothing for a handle that is unknown, confirmed or expired, and says nothing of it. How many mails
 * an address gets in an hour is bounded where they are made.
 */
export async function resendConfirmation(app: Pick<App, 'db' | 'clock'>, handle: string): Promise<void> {
  await app.db.transaction(async (tx) => {
    const digest = Buffer.from(digestOf(handle), 'hex')
    const rows = await tx.query<{ id: bigint }>(BY_HANDLE, [digest, app.clock.now()])
    emit(
      tx,
      confirmationAsked,
      rows.map(({ id }) => ({ registration_id: id })),
    )
  })
}
