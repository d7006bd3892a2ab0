import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { REFUND_STATES, type Refund } from './refund.ts'

export const refundShape = z.object({
  id: z.string().meta({ example: '5' }),
  order_id: z.string().meta({ example: '23501' }),
  customer_id: z.string().meta({ example: '17' }),
  amount: z.string().meta({ example: '0.40' }),
  currency: z.string().meta({ example: 'USD' }),
  reason: z.string().meta({ example: 'Late.' }),
  state: z.enum(REFUND_STATES).meta({ description: '`asked` waits for a second person.' }),
  asked_by: z.string().meta({ example: '3' }),
  asked_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  decided_by: z.string().nullable().meta({ example: '4' }),
  decided_at: z.iso.datetime().nullable(),
  decision_reason: z.string().nullable(),
})

/** A refund as staff see it. */
export function refundView(refund: Refund): z.output<typeof refundShape> {
  const { reason, state, decision_reason } = refund
  return {
    ...{ reason, state, decision_reason },
    id: String(refund.id),
    order_id: String(refund.order_id),
    customer_id: String(refund.customer_id),
    amount: saleAmount(refund.amount),
    currency: refund.asset,
    asked_by: String(refund.asked_by),
    asked_at: refund.asked_at.toISOString(),
    expires_at: refund.expires_at?.toISOString() ?? null,
    decided_by: refund.decided_by === null ? null : String(refund.decided_by),
    decided_at: refund.decided_at?.toISOString() ?? null,
  }
}
