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

/** How a source stands, for those who look after it. */
export interface SourceWatched {
  service_id: bigint
  name: string
  provider: string
  /** Why it gets no orders, and until when; null: it does. */
  trouble: string | null
  until: string | null
}

/** A source was put in quarantine, or released. */
export const sourceWatched = defineEvent<SourceWatched>(
  'catalog.source_watched',
  ({ service_id }) => `service:${service_id}`,
)
