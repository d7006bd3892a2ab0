import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { digestOf, isSessionToken } from './token.ts'

const END = statement('update identity.session set ended_at = $2 where token_hash = $1 and ended_at is null')

/** Ends the session of `token`, everywhere within a second. Ending one that is unknown or has ended does nothing. */
export async function endSession(app: Pick<App, 'db' | 'clock'>, token: string): Promise<void> {
  if (!isSessionToken(token)) return
  await app.db.query(END, [Buffer.from(digestOf(token), 'hex'), app.clock.now()])
}
