import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { createServices } from './create-services.ts'
import { ExchangeRateMissingError } from './errors.ts'
import type { MarkupRule } from './markup.ts'
import { storeRule } from './markups/store-rule.ts'
import { recordImport } from './offers/recorded-imports.ts'
import { type ImportReport, type Offer, planImport, sortOffer } from './plan-import.ts'
import { readPricing } from './pricing.ts'
import { lockServicesOf, selectServicesOf } from './queries.ts'
import { judgeOffer } from './refresh/judge-offer.ts'
import { selectRefresh } from './refresh/queries.ts'
import { recordRefresh } from './refresh/record-refresh.ts'
import { forgetServices } from './sellable-services.ts'
import type { CatalogApp } from './service.ts'
import { type ChangeCause, writeServices } from './write-services.ts'

/** A provider's list, and what is to become of it. */
export interface ApplyOffer {
  provider_id: bigint
  /** The answer of `Provider.services`, fetched before: the network has no place in a transaction. */
  offer: Offer
  /** When it was asked for. A list asked for later stands above it. */
  asked_at: Date
  /** Whether what is new in it is created. */
  create: 'all' | 'none'
  /** The provider's mark-up rule from now on; undefined: as it is. */
  markup?: MarkupRule | undefined
  /** Someone has looked at it: it is applied even if it looks as if half of it were missing. */
  accept_shrunken?: boolean | undefined
  by?: Actor | undefined
}

/** What became of it. A `problem` is for staff to read; `applied` with one: limits and availability, but not all prices. */
export type OfferOutcome =
  | { applied: true; report: ImportReport; problem: string | null }
  | { applied: false; overtaken: boolean; problem: string }

/**
 * Brings the provider's services in line with its list, priced by the mark-up rules. What staff decided stands; what vanished is not sold from now on; what
 * came back is. One transaction with as many statements for one service as for all, providers one after another each for itself; rows that are as they
 * should be are not written, so that it may run twice. A list that looks wrong is not applied. Throws ProviderNotFoundError; ExchangeRateMissingError where
 * services are to be created that nobody can price.
 */
export async function applyOffer(app: CatalogApp, input: ApplyOffer): Promise<OfferOutcome> {
  const { outcome, changed } = await app.db.transaction(async (tx) => {
    await lockServicesOf(tx, input.provider_id)
    return applyLocked(app, tx, input)
  })
  if (changed) await forgetServices(app)
  return outcome
}

async function applyLocked(
  app: CatalogApp,
  tx: Tx,
  input: ApplyOffer,
): Promise<{ outcome: OfferOutcome; changed: boolean }> {
  const { provider_id, offer, asked_at, create, by = SYSTEM } = input
  const provider = await findProvider(tx, provider_id)
  if (!provider) throw new ProviderNotFoundError(provider_id)
  const state = await selectRefresh(tx, provider_id)
  if (state?.listed_at && state.listed_at > asked_at) {
    return {
      outcome: { applied: false, overtaken: true, problem: 'A newer list was applied meanwhile.' },
      changed: false,
    }
  }
  const now = app.clock.now()
  const cause: ChangeCause = { cause: create === 'all' ? 'import' : 'refresh', user_id: by.user_id ?? null, at: now }
  if (input.markup) await storeRule(tx, { of: 'provider', provider_id }, input.markup, { by, at: now })
  const pricing = await readPricing(tx, app)
  const source = { provider_id, asset: provider.currency }
  const has_currency = pricing.currencyOf(provider.currency) !== undefined
  if (!has_currency && create === 'all') throw new ExchangeRateMissingError(provider.currency)
  const current = await selectServicesOf(tx, provider_id)
  const sorted = sortOffer(offer)
  const listed = offer.services.length
  const wrong = judgeOffer({ current, offered: sorted.offered, listed, listed_before: state?.listed ?? null })
  if (wrong !== undefined && !input.accept_shrunken) {
    recordRefresh(tx, provider, { tried_at: now, problem: `Not applied: ${wrong}`, distrusted: listed })
    return { outcome: { applied: false, overtaken: false, problem: wrong }, changed: false }
  }
  const plan = planImport(current, sorted, source, pricing, create)
  await writeServices(tx, plan.change, cause)
  await createServices(tx, source, plan.create, cause)
  const problem = has_currency ? null : `Nothing is sold: no exchange rate of ${provider.currency} is fresh.`
  recordRefresh(tx, provider, { tried_at: now, problem, applied: { listed_at: asked_at, listed } })
  if (create === 'all') {
    const { created, updated, unchanged, deactivated } = plan.report
    const counts = { chosen: null, created, updated, unchanged, deactivated, refused: 0 }
    await recordImport(tx, { provider_id, at: now, user_id: by.user_id ?? null, asked_at, ...counts }, input.markup)
  }
  const changed = plan.change.length + plan.create.length > 0
  if (changed) {
    const after = { ...(input.markup && { markup: { ...input.markup } }), ...plan.report }
    const action = create === 'all' ? 'services.imported' : 'services.refreshed'
    recordActs(tx, [{ action, actor: by, subject: { kind: 'provider', id: provider_id }, after }])
  }
  return { outcome: { applied: true, report: plan.report, problem }, changed }
}
