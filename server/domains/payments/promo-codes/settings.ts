import { defineSetting } from '#server/platform/settings/setting.ts'
import { walletAmount } from '../amount-setting.ts'

/** Micro-USD. */
export const promoBudgetMax = defineSetting({
  name: 'promo_codes.budget_max',
  schema: walletAmount,
  default: '10000.00',
  description:
    'What one promo code may give in all as money at once: its amount times the number of its redemptions. With 0 no such code can be made.',
  unit: 'usd',
})
