import { z } from 'zod'
import { formatAmount } from '#server/kit/money.ts'
import { saleAmount } from './sale-amount.ts'
import { DUPLICATE_LINKS, SALE_ASSET, type Service } from './service.ts'

const rate = z.string().meta({ example: '0.90' })
const whole = z.string().meta({ example: '50' })

/** A service with what it costs, for staff. */
export const staffServiceShape = z.object({
  id: z.string().meta({ example: '1' }),
  name: z.string(),
  category: z.string(),
  description: z.string().nullable(),
  type: z.string().meta({ example: 'Default' }),
  rate: rate.meta({ description: 'What customers pay, per 1000 or for one package.' }),
  currency: z.string().meta({ example: 'USD' }),
  min: whole,
  max: whole,
  sold: z.boolean(),
  not_sold_because: z.string().nullable().meta({ description: 'Why it is not sold.', example: 'below_cost' }),
  provider_id: z.string().meta({ example: '1' }),
  provider_service_id: z.string().meta({ description: 'The provider’s number of it.', example: '17' }),
  cost: rate.meta({ description: 'What the provider takes, in `cost_currency`.' }),
  cost_currency: z.string().meta({ example: 'USD' }),
  cost_usd: rate.nullable().meta({ description: 'Null while no exchange rate is fresh.' }),
  offered: z
    .object({ rate: rate.nullable(), min: whole.nullable(), max: whole.nullable() })
    .meta({ description: 'What the provider’s list and the mark-up rules make of it.' }),
  staff: z
    .object({ rate: rate.nullable(), min: whole.nullable(), max: whole.nullable(), off: z.boolean() })
    .meta({ description: 'What staff have set, which stands above the offer; null: as offered.' }),
  refill: z.boolean(),
  cancel: z.boolean(),
  dripfeed: z.boolean(),
  duplicate_links: z
    .enum(DUPLICATE_LINKS)
    .meta({ description: '`refuse`: while an order of it for a link is under way, no other for that link is taken.' }),
  version: z.string().meta({ example: '3' }),
})

/** A service as `staffServiceShape` has it. `cost_scale`: the decimal digits of the asset that it costs. */
export function staffServiceView(service: Service, cost_scale: number): z.output<typeof staffServiceShape> {
  const { name, category, description, type, refill, cancel, dripfeed, duplicate_links } = service
  const { offered_rate, offered_min, offered_max, staff_rate, staff_min, staff_max, staff_off } = service
  return {
    ...{ id: String(service.id), name, category, description, type },
    rate: saleAmount(service.rate),
    currency: SALE_ASSET,
    min: String(service.min),
    max: String(service.max),
    sold: service.active,
    not_sold_because: service.deactivated_reason,
    provider_id: String(service.provider_id),
    provider_service_id: service.provider_service_id,
    cost: formatAmount(service.cost, cost_scale, 2),
    cost_currency: service.cost_asset,
    cost_usd: orNull(service.cost_usd, saleAmount),
    offered: {
      rate: orNull(offered_rate, saleAmount),
      min: orNull(offered_min, String),
      max: orNull(offered_max, String),
    },
    staff: {
      rate: orNull(staff_rate, saleAmount),
      min: orNull(staff_min, String),
      max: orNull(staff_max, String),
      off: staff_off,
    },
    ...{ refill, cancel, dripfeed, duplicate_links },
    version: String(service.version),
  }
}

function orNull(value: bigint | null, show: (value: bigint) => string): string | null {
  return value === null ? null : show(value)
}
