import { defineEvent } from '#server/platform/outbox/event.ts'

/** How the refresh of a provider's prices ended, for those who look after them. */
export interface PricesRefreshed {
  provider_id: bigint
  name: string
  /** Why prices, limits or availability may not be the provider's; null: they are. */
  trouble: string | null
}

/** A provider's list was asked for, and applied or not. */
export const pricesRefreshed = defineEvent<PricesRefreshed>(
  'catalog.prices_refreshed',
  ({ provider_id }) => `provider:${provider_id}`,
)
