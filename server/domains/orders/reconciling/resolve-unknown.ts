import { checkBalance } from '#server/domains/providers/check-balance.ts'
import { ProviderReadError } from '#server/domains/providers/provider.ts'
import type { OpenProvider, Providers } from '#server/domains/providers/registry.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { plainArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { reportFailure } from '#server/platform/telemetry/failures.ts'
import type { Placement } from '../dispatching/record-placements.ts'
import { CASES_MAX, claimCases, readCases } from './claim-cases.ts'
import { closeCases, type ListRead } from './close-cases.ts'
import { spanOf } from './judge-case.ts'
import { mayRepeat, repeatAttempts } from './repeat-attempts.ts'
import type { UnknownCase } from './unknown-case.ts'

/**
 * Looks for proof of what became of orders whose fate is unknown, and closes those for which there is some: by sending the same once more where the provider takes that for the same order, else by
 * the provider's own list. What is not proven stays open for people. True when there may be more to look at at once. Any number of workers may do so.
 */
export async function resolveUnknown(
  app: App,
  providers: Providers,
  record: (placement: Placement) => Promise<void>,
): Promise<boolean> {
  const due = await claimCases(app.db)
  // One list for all orders of a service: a provider that goes down leaves many at once.
  const groups = Map.groupBy(due, ({ attempt }) => `${attempt.provider_id}/${attempt.provider_service_id}`)
  await Promise.all(
    Array.from(groups, async ([group, cases]) => {
      try {
        await lookFor(app, providers, cases, record)
      } catch (err) {
        // Their claim runs out, and they are looked at again.
        app.log.error({ err, group }, 'orders of unknown fate could not be looked at')
        reportFailure({ kind: 'loop', name: 'orders.reconcile', error: err, correlation: {} })
      }
    }),
  )
  return due.length === CASES_MAX
}

async function lookFor(
  app: App,
  providers: Providers,
  claimed: readonly UnknownCase[],
  record: (placement: Placement) => Promise<void>,
): Promise<void> {
  const [{ attempt }] = claimed as [UnknownCase]
  const provider = await providers.providerById(attempt.provider_id)
  const cases = await withBalances(app, providers, claimed)
  const now = app.clock.now()
  const repeatable = cases.filter((unknown) => mayRepeat(unknown, provider.row, now))
  if (repeatable.length > 0) await repeatAttempts(app, provider, repeatable, record)
  // What was sent again and is proven has left the cases.
  const left = await readCases(
    app.db,
    cases.map((unknown) => unknown.attempt.key),
  )
  if (left.length > 0) await closeCases(app, left, await readList(app, provider, left))
}

// Not where the same was sent again since the case was read: the balance may be older than that.
const storeBalance = statement(`
  update orders.unknown_case c set balance_after = $3, balance_after_at = $4
  from unnest($1::uuid[], $2::smallint[]) as read (attempt, repeats) join orders.attempt a on a.key = read.attempt and a.repeats = read.repeats
  where c.attempt = read.attempt and c.balance_after is null and a.state = 'unknown'`)

/** The first balance after the attempts, read where there is none yet. A provider that does not tell it is asked at the next look. */
async function withBalances(
  app: App,
  providers: Providers,
  cases: readonly UnknownCase[],
): Promise<readonly UnknownCase[]> {
  const unread = cases.filter(({ balance_after }) => balance_after === null)
  const [one] = unread
  if (!one) return cases
  const answer = await checkBalance(providers, one.attempt.provider_id, { fresh: true })
  if (answer.status !== 'ok') return cases
  const keys = plainArray(unread.map(({ attempt }) => attempt.key))
  const repeats = plainArray(unread.map(({ attempt }) => attempt.repeats))
  await app.db.query(storeBalance, [keys, repeats, answer.balance, answer.asked_at])
  return readCases(
    app.db,
    cases.map(({ attempt }) => attempt.key),
  )
}

async function readList(app: App, provider: OpenProvider, cases: readonly UnknownCase[]): Promise<ListRead> {
  const now = app.clock.now()
  if (!provider.listOrders) return { read_at: now }
  const spans = cases.map((unknown) => spanOf(unknown, now))
  const span = {
    provider_service_id: present(cases[0], 'a group has a case').attempt.provider_service_id,
    from: new Date(Math.min(...spans.map(({ from }) => from.getTime()))),
    to: new Date(Math.max(...spans.map(({ to }) => to.getTime()))),
  }
  try {
    const list = await provider.listOrders(span)
    return { list, read_at: app.clock.now() }
  } catch (error) {
    if (!(error instanceof ProviderReadError)) throw error
    return { list_error: `${error.reason}: ${error.message}`, read_at: now }
  }
}
