import type { Strikes } from './faults.ts'
import { showAmount } from './money.ts'
import type { Panel, PanelService } from './panel.ts'
import type { Json } from './refusals.ts'

/** `action=services`: what is on sale now. */
export function answerServices(panel: Panel, strikes: Strikes): Json {
  if (strikes('services_empty')) return []
  if (strikes('services_empty_data')) return { status: 'success', data: 'Empty Data' }
  const shapeId = strikes('services_string_ids') ? String : Number
  const shapeFigure = strikes('numbers_plain') ? Number : String
  const shapeType = strikes('services_lowercase_types')
    ? (type: string) => type.toLowerCase().replaceAll(' ', '_')
    : String
  const shapeFlag = flagShape(strikes)
  const rows = Array.from(panel.services.values())
    .filter((service) => !service.disabled)
    .map(
      (service): Json => ({
        service: shapeId(service.service),
        name: service.name,
        type: shapeType(service.type),
        category: service.category,
        rate: shapeFigure(showAmount(service.rate)),
        min: shapeFigure(String(service.min)),
        max: shapeFigure(String(service.max)),
        ...flags(service, shapeFlag),
        description: service.description,
      }),
    )
  return strikes('services_wrapped') ? { data: rows } : rows
}

type FlagShape = ((flag: boolean) => Json) | undefined

function flagShape(strikes: Strikes): FlagShape {
  if (strikes('booleans_absent')) return undefined
  if (strikes('booleans_numbers')) return (flag) => (flag ? 1 : 0)
  if (strikes('booleans_strings')) return (flag) => (flag ? '1' : '0')
  if (strikes('booleans_yes_no')) return (flag) => (flag ? 'yes' : 'no')
  return (flag) => flag
}

function flags(service: PanelService, shape: FlagShape): { [key: string]: Json } {
  if (shape === undefined) return {}
  return { refill: shape(service.refill), cancel: shape(service.cancel), dripfeed: shape(service.dripfeed) }
}
