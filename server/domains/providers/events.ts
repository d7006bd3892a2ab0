import { defineEvent } from '#server/platform/outbox/event.ts'

/** How a provider stands, for those who look after it. One that is switched off has neither trouble nor balance. */
export interface ProviderStanding {
  provider_id: bigint
  name: string
  /** Why no orders go to it, or why it could not be asked for our balance; null while it works. */
  trouble: string | null
  /** Our balance with it as last read, in minor units of `currency`; null when it was never read. */
  balance: bigint | null
  currency: string
  scale: number
}

/** A look at all providers, once a minute: the state they are in, not what changed, so that a look that is lost is made up for by the next. */
export const providersWatched = defineEvent<{ providers: readonly ProviderStanding[] }>('providers.watched')
