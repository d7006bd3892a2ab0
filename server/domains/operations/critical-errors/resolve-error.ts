import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { findFailure, type RememberedFailure } from '#server/platform/failures/queries.ts'
import { resolveFailures } from '#server/platform/failures/resolve-failures.ts'
import { actorName } from '../actor-name.ts'
import { CriticalErrorNotFoundError } from './errors.ts'

/**
 * Marks a critical error as seen to; its next occurrence opens it again. Again does nothing. Answers it as it then stands. Throws
 * CriticalErrorNotFoundError.
 */
export async function resolveError(
  app: Pick<App, 'db' | 'clock'>,
  { id, by, reason }: { id: bigint; by: Actor; reason?: string | undefined },
): Promise<RememberedFailure> {
  return app.db.transaction(async (tx) => {
    const found = await findFailure(tx, id)
    if (!found) throw new CriticalErrorNotFoundError()
    const resolved = await resolveFailures(tx, { ids: [id], by: actorName(by), at: app.clock.now() })
    if (resolved.length > 0) {
      const { kind, name, error, place } = found
      const subject = { kind: 'critical_error', id }
      const act = { action: 'errors.resolved', actor: by, subject, after: { kind, name, error, place } }
      recordActs(tx, [{ ...act, ...(reason !== undefined && { reason }) }])
    }
    return present(await findFailure(tx, id), 'a failure vanished')
  })
}
