import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import { unreachable } from '#server/kit/invariant.ts'
import type { Db, Tx } from '#server/platform/db/database.ts'
import { ServiceNotFoundError } from '../errors.ts'
import type { MarkupRule } from '../markup.ts'
import { priceService } from '../price-service.ts'
import { readPricing } from '../pricing.ts'
import {
  lockPrices,
  selectAllServices,
  selectRevision,
  selectService,
  selectServicesIn,
  selectServicesOf,
} from '../queries.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp, Service } from '../service.ts'
import { changesAmong, type ServiceChange, writeServices } from '../write-services.ts'
import { CatalogueChangedError, HouseRuleStaysError } from './errors.ts'
import type { MarkupScope } from './markup-rule.ts'
import { storeRule } from './store-rule.ts'

/** A mark-up rule as someone wants it. */
export interface ChangeMarkup {
  scope: MarkupScope
  /** Null takes it away: then the next wider rule decides. */
  rule: MarkupRule | null
  /** The revision of the catalogue that a preview showed; if the catalogue has changed since, nothing is done. */
  revision?: bigint | undefined
  /** Who changes it; the house itself when absent. */
  by?: Actor | undefined
  reason?: string | undefined
}

/** What a change of prices does to services. */
export interface Repricing {
  /** Services as they were and as they are (or would be), by id; those left out stay as they are. */
  changes: ServiceChange[]
  /** Of the catalogue that it was made from. */
  revision: bigint
}

/**
 * Sets, changes or takes away a mark-up rule, and prices all that it decides anew in the same transaction; what stays the same is not written. Repeated, it
 * changes nothing. Throws ServiceNotFoundError, ProviderNotFoundError, HouseRuleStaysError, CatalogueChangedError.
 */
export async function changeMarkup(app: CatalogApp, change: ChangeMarkup): Promise<Repricing> {
  const { scope, rule, by = SYSTEM, reason } = change
  const repricing = await app.db.transaction(async (tx) => {
    await lockPrices(tx)
    const repricing = await planRepricing(app, tx, change)
    const at = app.clock.now()
    await storeRule(tx, scope, rule, { by, at, reason })
    await writeServices(tx, repricing.changes, { cause: 'markup', user_id: by.user_id ?? null, at })
    return repricing
  })
  if (repricing.changes.length > 0) await forgetServices(app)
  return repricing
}

/** What `changeMarkup` would do to services, and what it would refuse; nothing is changed. */
export async function planRepricing(
  app: Pick<CatalogApp, 'clock' | 'settings'>,
  tx: Db | Tx,
  { scope, rule, revision: shown }: Pick<ChangeMarkup, 'scope' | 'rule' | 'revision'>,
): Promise<Repricing> {
  if (scope.of === 'house' && rule === null) throw new HouseRuleStaysError()
  // The revision first: what is read may be newer than it says, and is then refused when it is applied; never older.
  const revision = await selectRevision(tx)
  if (shown !== undefined && shown !== revision) throw new CatalogueChangedError(revision)
  const services = await servicesOf(tx, scope)
  const pricing = await readPricing(tx, app, { scope, rule })
  const changes = changesAmong(services.map((before) => ({ before, after: priceService(before, pricing) })))
  return { changes, revision }
}

/** The services whose rule may be that of the scope. Throws where the scope names nothing. */
async function servicesOf(tx: Db | Tx, scope: MarkupScope): Promise<Service[]> {
  switch (scope.of) {
    case 'house':
      return selectAllServices(tx)
    case 'provider': {
      if (!(await findProvider(tx, scope.provider_id))) throw new ProviderNotFoundError(scope.provider_id)
      return selectServicesOf(tx, scope.provider_id)
    }
    case 'category':
      return selectServicesIn(tx, scope.category)
    case 'service': {
      const service = await selectService(tx, scope.service_id)
      if (!service) throw new ServiceNotFoundError(scope.service_id)
      return [service]
    }
    default:
      return unreachable(scope)
  }
}
