import { z } from 'zod'
import { REFILL_STATES, type Refill, SHOWN_REFILLS, shownRefill } from './refill.ts'

// What customers see of a refill: no provider, nor what became of the wish on its way.

export const refillShape = z.object({
  id: z.string().meta({ example: '7' }),
  order_id: z.string().meta({ example: '23501' }),
  status: z.enum(SHOWN_REFILLS).meta({ description: 'Completed, Rejected and Error are final.', example: 'Pending' }),
  created_at: z.iso.datetime(),
  ended_at: z.iso.datetime().nullable(),
  version: z.string().meta({ description: 'Grows; of two answers the higher is newer.', example: '2' }),
})

/** A refill as its customer sees it. */
export function refillView(refill: Refill): z.output<typeof refillShape> {
  return {
    id: String(refill.id),
    order_id: String(refill.order_id),
    status: shownRefill(refill.state),
    created_at: refill.asked_at.toISOString(),
    ended_at: refill.ended_at?.toISOString() ?? null,
    version: String(refill.version),
  }
}

export const deskRefillShape = refillShape.extend({
  state: z.enum(REFILL_STATES).meta({ description: '`unknown`: it may or may not have reached its provider.' }),
  manual: z.boolean(),
  customer_id: z.string().meta({ example: '17' }),
  provider_id: z.string().meta({ example: '1' }),
  provider_order_id: z.string().nullable(),
  provider_refill_id: z.string().nullable(),
  provider_status: z.string().nullable(),
  asked_by: z.string().meta({ example: 'customer:17' }),
  attempts: z.number().int(),
  waiting_since: z.iso.datetime().nullable().meta({ description: 'While it waits for a person: since when.' }),
  code: z.string().nullable().meta({ description: 'Why it was refused, or is not known.', example: 'timeout' }),
  message: z.string().nullable(),
  decided_by: z.string().nullable().meta({ example: 'staff:3' }),
  decision_reason: z.string().nullable(),
})

/** A refill as staff see it: the truth. */
export function deskRefillView(refill: Refill): z.output<typeof deskRefillShape> {
  const { state, manual, provider_order_id, provider_refill_id, provider_status, asked_by, attempts } = refill
  const { code, message, decided_by, decision_reason } = refill
  return {
    ...refillView(refill),
    ...{ state, manual, provider_order_id, provider_refill_id, provider_status, asked_by, attempts },
    ...{ code, message, decided_by, decision_reason },
    waiting_since: refill.waiting_since?.toISOString() ?? null,
    customer_id: String(refill.customer_id),
    provider_id: String(refill.provider_id),
  }
}
