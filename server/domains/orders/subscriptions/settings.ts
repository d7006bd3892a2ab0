import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { POSTS_MAX } from './subscription.ts'

export const subscriptionPostsMax = defineSetting({
  name: 'orders.subscription_posts_max',
  schema: z.number().int().min(1).max(POSTS_MAX),
  default: 100,
  description:
    'How many posts a subscription is billed for at the most, whatever its customer asks for: the bound of one without limit, and the most that may be asked for. It holds for subscriptions placed from then on.',
  unit: 'posts',
})
