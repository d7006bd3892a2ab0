import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import type { Tx } from '#server/platform/db/database.ts'
import {
  type DeadLetterFilter,
  dropDeadLetters,
  findDeadLetter,
  replayDeadLetters,
  type SettledLetter,
  waitingDeadLetters,
} from '#server/platform/jobs/dead-letters.ts'
import { maskSecretValues } from '#server/platform/telemetry/secret-values.ts'
import { actorName } from '../actor-name.ts'
import { DeadLetterNotFoundError, DeadLetterSettledError } from './errors.ts'

/** What is to be done with letters, by whom and why. */
export interface Settlement {
  how: 'replay' | 'drop'
  actor: Actor
  /** Up to REASON_MAX characters. */
  reason?: string | undefined
}

/** The column's own limit. */
export const REASON_MAX = 500

/**
 * Replays or drops the waiting ones of these letters, at most DEAD_LETTERS_MAX, and records each in the audit in the same transaction. Answers
 * those settled by this call: of two at once each letter is in one answer.
 */
export function settleDeadLetters(
  app: Pick<App, 'db'>,
  ids: readonly bigint[],
  settlement: Settlement,
): Promise<SettledLetter[]> {
  return app.db.transaction((tx) => settle(tx, ids, settlement))
}

/** Settles one letter. Throws DeadLetterNotFoundError; DeadLetterSettledError when somebody was quicker. */
export async function settleDeadLetter(app: Pick<App, 'db'>, id: bigint, settlement: Settlement): Promise<void> {
  const settled = await settleDeadLetters(app, [id], settlement)
  if (settled.length > 0) return
  const letter = await findDeadLetter(app.db, id)
  throw letter ? new DeadLetterSettledError(letter) : new DeadLetterNotFoundError()
}

/** Settles the waiting letters that are meant, oldest first, at most `limit`. Answers those settled and whether there are more. */
export function settleMatchingDeadLetters(
  app: Pick<App, 'db'>,
  filter: DeadLetterFilter,
  limit: number,
  settlement: Settlement,
): Promise<{ settled: SettledLetter[]; has_more: boolean }> {
  return app.db.transaction(async (tx) => {
    const ids = await waitingDeadLetters(tx, filter, limit + 1)
    const settled = await settle(tx, ids.slice(0, limit), settlement)
    return { settled, has_more: ids.length > limit }
  })
}

async function settle(tx: Tx, ids: readonly bigint[], { how, actor, reason }: Settlement): Promise<SettledLetter[]> {
  const why = reason === undefined ? undefined : maskSecretValues(reason).slice(0, REASON_MAX).toWellFormed()
  const by = { actor: actorName(actor), reason: why }
  const settled = how === 'replay' ? await replayDeadLetters(tx, ids, by) : await dropDeadLetters(tx, ids, by)
  recordActs(
    tx,
    settled.map(({ id, kind, name }) => ({
      action: how === 'replay' ? 'dead_letters.replayed' : 'dead_letters.dropped',
      actor,
      subject: { kind: 'dead_letter', id },
      after: { kind, name },
      ...(why !== undefined && { reason: why }),
    })),
  )
  return settled
}
