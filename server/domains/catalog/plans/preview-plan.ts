import { readPricing } from '../pricing.ts'
import { activeServices, readRouting } from '../sellable-services.ts'
import type { CatalogApp, Service } from '../service.ts'
import { dearest, findPlanRate, type PlanRate, type PlanTerms } from './price-plan.ts'

/** A service of the list, and what it would cost under a plan. */
export interface PlanPreview extends PlanRate {
  service: Service
}

/** What a plan would make of every service that is sold, by the same rule by which it would be charged. Nothing is changed. */
export async function previewPlan(app: CatalogApp, terms: Omit<PlanTerms, 'name'>): Promise<PlanPreview[]> {
  const [services, routing] = [await activeServices(app), await readRouting(app)]
  const { findRule } = await readPricing(app.db, app)
  const find = findPlanRate(terms)
  return services.map((service) => ({ service, ...find(dearest(service, routing), findRule(service).minimum_margin) }))
}
