import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { createServices } from '../create-services.ts'
import { OfferOvertakenError } from '../errors.ts'
import type { MarkupRule } from '../markup.ts'
import { figuresOf } from '../markups/markup-rule.ts'
import { sortOffer } from '../plan-import.ts'
import { readPricing } from '../pricing.ts'
import { lockServicesOf, selectServicesOf } from '../queries.ts'
import { selectRefresh } from '../refresh/queries.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { type ChangeCause, writeServices } from '../write-services.ts'
import { type ChosenRefusal, type ChosenService, type Decided, decideChosen } from './decide-chosen.ts'
import { findOffer } from './kept-offer.ts'
import { recordImport } from './recorded-imports.ts'
import { storeServiceRules } from './store-service-rules.ts'

/** What a person chooses in one go; each may get a rule, which is an act of its own. */
export const IMPORT_CHOSEN_MAX = 500

/** What is to be taken of a kept list, and how it is sold. */
export interface ImportChosen {
  provider_id: bigint
  offer_id: bigint
  services: readonly ChosenService[]
  /** The mark-up rule of each of them from now on: percent, fixed amount, margin floor, rounding. Undefined: the standing rules price them. */
  markup?: MarkupRule | undefined
  by?: Actor | undefined
  reason?: string | undefined
}

export type ChosenOutcome =
  | { ok: true; outcome: 'created' | 'updated' | 'unchanged'; service_id: bigint; rate: bigint }
  | ({ ok: false } & ChosenRefusal)

/**
 * Takes chosen services of a provider's kept list into the catalogue, or brings in line with it those that are there; all others stay as they are. Outcome i answers service i; a refused
 * one fails no other. One transaction with as many statements for one as for IMPORT_CHOSEN_MAX; repeated it changes nothing. Throws ProviderNotFoundError, OfferNotFoundError,
 * OfferOvertakenError where a newer list was applied meanwhile.
 */
export async function importChosen(
  app: CatalogApp,
  input: ImportChosen,
): Promise<{ import_id: bigint; outcomes: ChosenOutcome[] }> {
  invariant(input.services.length <= IMPORT_CHOSEN_MAX, 'importChosen: too many')
  const imported = await app.db.transaction(async (tx) => {
    await lockServicesOf(tx, input.provider_id)
    return importLocked(app, tx, input)
  })
  await forgetServices(app)
  return imported
}

async function importLocked(app: CatalogApp, tx: Tx, input: ImportChosen) {
  const { provider_id, services, markup, by = SYSTEM, reason } = input
  const at = app.clock.now()
  const provider = await findProvider(tx, provider_id)
  if (!provider) throw new ProviderNotFoundError(provider_id)
  const offer = await findOffer(tx, { id: input.offer_id, provider_id, now: at })
  const refresh = await selectRefresh(tx, provider_id)
  if (refresh?.listed_at && refresh.listed_at > offer.asked_at) throw new OfferOvertakenError()
  const pricing = await readPricing(tx, app)
  const source = { provider_id, asset: provider.currency }
  const current = await selectServicesOf(tx, provider_id)
  const decided = decideChosen(services, {
    current: new Map(current.map((service) => [service.provider_service_id, service])),
    sorted: sortOffer(offer),
    source,
    pricing: markup ? { ...pricing, findRule: () => markup } : pricing,
  })
  const cause: ChangeCause = { cause: 'import', user_id: by.user_id ?? null, at }
  await writeServices(
    tx,
    decided.flatMap((each) => (each.kind === 'change' ? [each.change] : [])),
    cause,
  )
  await createServices(
    tx,
    source,
    decided.flatMap((each) => (each.kind === 'create' ? [each.create] : [])),
    cause,
  )
  const ids = new Map(
    (await selectServicesOf(tx, provider_id)).map(({ provider_service_id, id }) => [provider_service_id, id]),
  )
  const outcomes = decided.map((each, i) => outcomeOf(each, ids.get(services[i]?.provider_service_id ?? '')))
  const taken = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.service_id] : []))
  if (markup) await storeServiceRules(tx, taken, markup, { by, at, reason })
  const counts = countsOf(outcomes)
  const recorded = { provider_id, at, user_id: by.user_id ?? null, asked_at: offer.asked_at, ...counts }
  const import_id = await recordImport(tx, recorded, markup)
  const after = { import_id, ...counts, ...(markup && { markup: { ...figuresOf(markup) } }) }
  const subject = { kind: 'provider', id: provider_id }
  recordActs(tx, [{ action: 'services.chosen', actor: by, subject, after, ...(reason && { reason }) }])
  return { import_id, outcomes }
}

const DONE = { create: 'created', change: 'updated', keep: 'unchanged' } as const

function outcomeOf(decided: Decided, id: bigint | undefined): ChosenOutcome {
  if (decided.kind === 'refuse') return { ok: false, ...decided.refusal }
  return {
    ok: true,
    outcome: DONE[decided.kind],
    service_id: present(id, 'a service taken in is there'),
    rate: decided.rate,
  }
}

function countsOf(outcomes: readonly ChosenOutcome[]) {
  const count = (wanted: 'created' | 'updated' | 'unchanged') =>
    outcomes.filter((outcome) => outcome.ok && outcome.outcome === wanted).length
  const [created, updated, unchanged] = [count('created'), count('updated'), count('unchanged')]
  const refused = outcomes.length - created - updated - unchanged
  return { chosen: outcomes.length, created, updated, unchanged, deactivated: 0, refused }
}
