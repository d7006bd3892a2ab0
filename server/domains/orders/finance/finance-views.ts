import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { invariant } from '#server/kit/invariant.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { AssetFigures } from './figures.ts'
import type { ProviderBalance } from './provider-balances.ts'

const decimal = (description: string, example: string) => z.string().meta({ description, example })

/** What was earned and spent, in the currency of sales unless another is named. */
export const figuresShape = z.object({
  orders_placed: z.int().meta({ example: 120 }),
  orders_completed: z.int().meta({ description: 'Ended in this time, whenever they were placed.', example: 100 }),
  orders_partial: z.int().meta({ example: 4 }),
  orders_cancelled: z.int().meta({ example: 6 }),
  charged: decimal('Held for the orders placed.', '240.00'),
  turnover: decimal('Captured for what was delivered, less what came back later.', '201.50'),
  returned: decimal('Held and given back: for what was not delivered.', '18.50'),
  costs: z
    .array(z.object({ amount: z.string(), currency: z.string() }))
    .meta({ description: 'What providers took, by currency.', example: [{ amount: '140.20', currency: 'USD' }] }),
  profit: z.string().nullable().meta({
    description: 'Turnover less cost; null where a cost is in another currency.',
    example: '61.30',
  }),
  deposits: z.object({ count: z.int().meta({ example: 3 }), amount: decimal('By hand, credited.', '300.00') }),
  adjustments: decimal('What staff put right, given less taken.', '-2.50'),
  bonuses: decimal(
    'What the house gave away: bonuses on deposits and credits of promo codes, less what was taken back.',
    '15.00',
  ),
  other: decimal('Whatever else came onto wallets, less what left them.', '0.00'),
})

export type FiguresView = z.output<typeof figuresShape>

/** Figures as staff see them. `scales` has the decimal digits of each asset. */
export function figuresView(all: readonly AssetFigures[], scales: ReadonlyMap<string, number>): FiguresView {
  const sale = all.find(({ asset }) => asset === SALE_ASSET)
  const count = (value: bigint | undefined) => Number(value ?? 0n)
  const amount = (value: bigint | undefined) => saleAmount(value ?? 0n)
  const costs = all.filter(({ cost }) => cost !== 0n)
  const foreign = costs.some(({ asset }) => asset !== SALE_ASSET)
  return {
    orders_placed: count(sale?.placed),
    orders_completed: count(sale?.completed),
    orders_partial: count(sale?.partial),
    orders_cancelled: count(sale?.cancelled),
    charged: amount(sale?.charged),
    turnover: amount(sale?.turnover),
    returned: amount(sale?.returned),
    costs: costs.map(({ asset, cost }) => ({ amount: written(cost, scaleOf(asset, scales)), currency: asset })),
    profit: foreign ? null : amount((sale?.turnover ?? 0n) - (sale?.cost ?? 0n)),
    deposits: { count: count(sale?.deposit_count), amount: amount(sale?.deposits) },
    adjustments: amount(sale?.adjustments),
    bonuses: amount(sale?.bonuses),
    other: amount(sale?.other),
  }
}

function scaleOf(asset: string, scales: ReadonlyMap<string, number>): number {
  const scale = scales.get(asset)
  invariant(scale !== undefined, `${asset} is an asset of the ledger`)
  return scale
}

function written(amount: bigint, scale: number): string {
  return formatAmount(amount, scale, Math.min(2, scale))
}

export const providerBalanceShape = z.object({
  provider_id: z.string().meta({ example: '1' }),
  name: z.string().meta({ example: 'Panel' }),
  currency: z.string().meta({ example: 'USD' }),
  ours: decimal('By our ledger, now.', '812.40'),
  theirs: z.string().nullable().meta({
    description: 'As the provider told it at `checked_at`; null where it did not answer then.',
    example: '820.00',
  }),
  ours_then: z.string().nullable().meta({ description: 'By our ledger at that moment.', example: '822.40' }),
  difference: z.string().nullable().meta({ description: 'Theirs less ours of that moment.', example: '-2.40' }),
  checked_at: z.iso.datetime().nullable().meta({ description: 'When we asked last.' }),
  check: z.string().nullable().meta({ description: '`ok`, or why it could not be read then.', example: 'ok' }),
  uncertain_orders: z.int().meta({
    description: 'Orders of which nobody knows yet whether the provider has taken them.',
    example: 1,
  }),
  uncertain_cost: decimal('What those would cost.', '2.40'),
  spent_per_hour: decimal(
    'What the provider took in an hour, of the last six or of the last one or two, whichever is more.',
    '160.00',
  ),
  hours_left: z.int().nullable().meta({
    description: 'In about so many the balance is empty, if that goes on; null: nothing is spent.',
    example: 5,
  }),
})

/** A provider's balance as staff see it. */
export function providerBalanceView(balance: ProviderBalance): z.output<typeof providerBalanceShape> {
  const { provider, ours, theirs, ours_then, uncertain_orders, uncertain_cost, forecast } = balance
  const amount = (minor: bigint) => written(minor, provider.scale)
  return {
    provider_id: String(provider.id),
    name: provider.name,
    currency: provider.currency,
    ours: amount(ours),
    theirs: theirs === null ? null : amount(theirs),
    ours_then: ours_then === null ? null : amount(ours_then),
    difference: theirs === null || ours_then === null ? null : amount(theirs - ours_then),
    checked_at: provider.balance_checked_at?.toISOString() ?? null,
    check: provider.balance_status,
    uncertain_orders: Number(uncertain_orders),
    uncertain_cost: amount(uncertain_cost),
    spent_per_hour: amount(forecast.spent_per_hour),
    hours_left: forecast.hours_left,
  }
}
