import { pricesRefreshed, sourceWatched } from '#server/domains/catalog/events.ts'
import { apiKeySuspension } from '#server/domains/identity/events.ts'
import { balancesForecast, booksVerified } from '#server/domains/orders/events.ts'
import { depositsVerified, promoCodesVerified } from '#server/domains/payments/events.ts'
import { type ProviderStanding, providersWatched } from '#server/domains/providers/events.ts'
import { parseAmount } from '#server/kit/money.ts'
import { on, type Subscription } from '#server/platform/outbox/subscription.ts'
import { type Observation, observe } from './observe.ts'
import { alertProviderBalance, alertProviderHours } from './settings.ts'

/** What staff are alarmed by of what other domains tell. Each event tells how things stand, so the last of several is enough. */
export const alertSubscriptions: readonly Subscription[] = [
  on(providersWatched, async (tx, app, events) => {
    const low = app.settings.read(alertProviderBalance)
    const providers = events.at(-1)?.payload.providers ?? []
    observe(
      tx,
      app.clock.now(),
      providers.flatMap((provider) => providerObservations(provider, low)),
    )
  }),
  on(balancesForecast, async (tx, app, events) => {
    const hours_min = app.settings.read(alertProviderHours)
    const providers = events.at(-1)?.payload.providers ?? []
    observe(
      tx,
      app.clock.now(),
      providers.map(({ provider_id, name, balance, hours_left, currency: asset, scale }): Observation => {
        const ends = hours_left !== null && hours_left < hours_min
        const money = { amount: String(balance), asset, scale }
        return {
          kind: 'alert_provider_balance_ending',
          subject: `provider:${provider_id}`,
          wrong: ends ? { provider: name, balance: money, hours: hours_left } : undefined,
        }
      }),
    )
  }),
  on(pricesRefreshed, async (tx, app, events) => {
    const last = new Map(events.map(({ payload }) => [payload.provider_id, payload]))
    const observations = [...last.values()].map(
      ({ provider_id, name, trouble }): Observation => ({
        kind: 'alert_prices_not_refreshed',
        subject: `provider:${provider_id}`,
        wrong: trouble === null ? undefined : { provider: name, reason: trouble },
      }),
    )
    observe(tx, app.clock.now(), observations)
  }),
  on(sourceWatched, async (tx, app, events) => {
    const last = new Map(events.map(({ payload }) => [payload.service_id, payload]))
    const observations = [...last.values()].map(({ service_id, name, provider, trouble, until }): Observation => {
      const wrong = trouble === null ? undefined : { service: name, provider, reason: trouble, until: until ?? '' }
      return { kind: 'alert_source_quarantined', subject: `service:${service_id}`, wrong }
    })
    observe(tx, app.clock.now(), observations)
  }),
  on(apiKeySuspension, async (tx, app, events) => {
    const last = new Map(events.map(({ payload }) => [payload.key_id, payload]))
    const observations = [...last.values()].map(({ key_id, user_id, prefix, suspended }): Observation => {
      const wrong = suspended ? { key: prefix, user: String(user_id), reason: suspended.reason } : undefined
      return { kind: 'alert_api_key_suspended', subject: `api_key:${key_id}`, wrong }
    })
    observe(tx, app.clock.now(), observations)
  }),
  on(booksVerified, async (tx, app, events) => {
    const { problem, unproven } = events.at(-1)?.payload ?? {}
    const ended: Observation = {
      kind: 'alert_ledger_unproven',
      wrong: unproven === undefined ? undefined : { reason: unproven },
    }
    const sound: Observation = { kind: 'alert_ledger_unsound', wrong: problem === undefined ? undefined : { problem } }
    // A proof that did not end says nothing about what an earlier one found.
    observe(tx, app.clock.now(), unproven === undefined ? [ended, sound] : [ended])
  }),
  on(depositsVerified, async (tx, app, events) => {
    const { problem } = events.at(-1)?.payload ?? {}
    const wrong = problem === undefined ? undefined : { problem }
    observe(tx, app.clock.now(), [{ kind: 'alert_ledger_unsound', subject: 'deposits', wrong }])
  }),
  on(promoCodesVerified, async (tx, app, events) => {
    const { problem } = events.at(-1)?.payload ?? {}
    const wrong = problem === undefined ? undefined : { problem }
    observe(tx, app.clock.now(), [{ kind: 'alert_ledger_unsound', subject: 'promo codes', wrong }])
  }),
]

function providerObservations(provider: ProviderStanding, low: string): Observation[] {
  const { provider_id, name, trouble, balance, currency: asset, scale } = provider
  const subject = `provider:${provider_id}`
  const threshold = parseAmount(low, scale) ?? 0n
  const money = (amount: bigint) => ({ amount: String(amount), asset, scale })
  const is_low = balance !== null && balance < threshold
  return [
    { kind: 'alert_provider_down', subject, wrong: trouble === null ? undefined : { provider: name, reason: trouble } },
    {
      kind: 'alert_provider_balance_low',
      subject,
      wrong: is_low ? { provider: name, balance: money(balance), threshold: money(threshold) } : undefined,
    },
  ]
}
