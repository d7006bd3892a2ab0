import { hasDripFeed } from '#server/domains/catalog/drip-feed.ts'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { renderedServices } from '#server/domains/catalog/sellable-services.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import type { PanelCall, PanelDeps } from './call.ts'

/** `services`: what is sold, at the rates that this caller pays, in the form's types: ids are numbers, rates and limits texts, abilities booleans. */
export function answerServices({ app }: PanelDeps, { principal }: Pick<PanelCall, 'principal'>): Promise<string> {
  return renderedServices(app, 'panel-api', (services) => `[${services.map(serviceRow).join()}]`, principal.user_id)
}

function serviceRow(service: Service): string {
  const fields = JSON.stringify({
    name: service.name,
    type: service.type,
    category: service.category,
    rate: saleAmount(service.rate),
    min: String(service.min),
    max: String(service.max),
    // What a customer can have here, not what the provider could do.
    dripfeed: hasDripFeed(service),
    refill: service.refill,
    cancel: service.cancel,
    desc: service.description ?? '',
  })
  return `{"service":${service.id},${fields.slice(1)}`
}
