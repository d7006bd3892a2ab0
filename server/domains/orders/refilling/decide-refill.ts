import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { unreachable } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { staffName } from '../desk/resolve-order.ts'
import { lockRefills } from './queries.ts'
import { isRefillNumberTaken } from './record-refills.ts'
import { REFILL_ENDS, type Refill, waitsForStaff } from './refill.ts'
import { writeRefills } from './write-refills.ts'

/** What staff found out or did: it is done; it will not be; or the provider has it under this number. */
export type RefillDecision = (
  | { kind: 'complete' }
  | { kind: 'reject' }
  | { kind: 'placed'; provider_refill_id: string }
) & {
  reason: string
}

export type DecideOutcome =
  | { ok: true; refill: Refill }
  | {
      ok: false
      code: 'refill_not_found' | 'refill_ended' | 'refill_being_sent' | 'refill_not_unknown' | 'refill_number_taken'
      message: string
    }

/** Says how a refill ended, whoever saw to it, or where one is whose fate is not known. What the provider tells of it later changes nothing. Of two who decide at once the second is told. */
export async function decideRefill(
  app: Pick<App, 'db' | 'clock'>,
  id: bigint,
  decision: RefillDecision,
  actor: Actor,
): Promise<DecideOutcome> {
  return app.db.transaction(async (tx) => {
    const before = (await lockRefills(tx, [id])).get(id)
    if (!before) return refuse('refill_not_found', `There is no refill ${id}.`)
    if (REFILL_ENDS.includes(before.state)) return refuse('refill_ended', `Refill ${id} is ${before.state}.`)
    if (before.state === 'sent') return refuse('refill_being_sent', `Refill ${id} is just being sent.`)
    if (decision.kind === 'placed' && (before.manual || !waitsForStaff(before))) {
      return refuse('refill_not_unknown', `Of refill ${id} it is known where it is.`)
    }
    if (decision.kind === 'placed' && (await isRefillNumberTaken(tx, before, decision.provider_refill_id))) {
      const message = `Number ${decision.provider_refill_id} at this provider belongs to another refill.`
      return refuse('refill_number_taken', message)
    }
    const now = app.clock.now()
    const after = {
      ...afterDecision(before, decision, now),
      decided_by: staffName(actor),
      decision_reason: decision.reason,
    }
    writeRefills(tx, [{ before, after }], now)
    recordActs(tx, [
      {
        action: 'orders.refill_decided',
        actor,
        subject: { kind: 'order', id: before.order_id },
        before: { refill_id: id, state: before.state },
        after: {
          refill_id: id,
          state: after.state,
          ...(after.provider_refill_id && { provider_refill_id: after.provider_refill_id }),
        },
        reason: decision.reason,
      },
    ])
    const known = (await lockRefills(tx, [id])).get(id) as Refill
    return { ok: true, refill: known }
  })
}

function afterDecision(before: Refill, decision: RefillDecision, now: Date): Partial<Refill> & Pick<Refill, 'state'> {
  switch (decision.kind) {
    case 'complete':
      return { state: 'completed' }
    case 'reject':
      return { state: 'rejected' }
    case 'placed': {
      const { provider_refill_id } = decision
      // One that its customer was told is in progress is no pending one again.
      const state = before.state === 'unknown' ? 'pending' : before.state
      return { state, provider_refill_id, code: null, message: null, failed_checks: 0, next_try_at: now }
    }
    default:
      return unreachable(decision)
  }
}

function refuse(code: Extract<DecideOutcome, { ok: false }>['code'], message: string): DecideOutcome {
  return { ok: false, code, message }
}
