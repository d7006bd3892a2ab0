import {
  ORDER_TYPES,
  type OrderType,
  PARAMS,
  type ParamName,
  TYPE_NAMES,
  typeRule,
} from '#server/domains/providers/order-types.ts'
import { wantedOf } from './read-params.ts'

// What the documents say of the order types. It follows from their table, so that it cannot say otherwise.

/** The types whose quantity is asked for. */
export const TYPES_WITH_QUANTITY = TYPE_NAMES.filter((type) => typeRule(type).counted === 'quantity').join(', ')

/** What a parameter is for and how it is written. */
export function describeParam(name: ParamName): string {
  const types = TYPE_NAMES.filter((type) => fieldsOf(type).some((field) => field.name === name)).join(', ')
  const conditions = TYPE_NAMES.flatMap((type) => typeRule(type).more ?? []).filter((more) => more.name === name)
  const when = conditions.map((more) => ` Where \`${more.when}\` is ${more.is}.`).join('')
  return `Type ${types}: ${wantedOf(PARAMS[name])}.${when}`
}

/** One line for each type: its name, the fields besides `service` and `link`, and what is billed. */
export function typeRows(): string[][] {
  return TYPE_NAMES.map((type) => {
    const fields = fieldsOf(type).map(({ name, when }) => `\`${name}\`${when ? ` (${when})` : ''}`)
    const quantity = ORDER_TYPES[type].counted === 'quantity' ? ['`quantity`'] : []
    return [`\`${type}\``, [...quantity, ...fields].join(', '), billedOf(type)]
  })
}

function billedOf(type: OrderType): string {
  const { counted } = typeRule(type)
  if (counted === 'quantity') return '`quantity`'
  return counted === 'package' ? 'one, at the rate itself' : `the lines of \`${counted}\``
}

function fieldsOf(type: OrderType): { name: ParamName; when: string }[] {
  const { params, more = [] } = typeRule(type)
  return [
    ...params.map((name) => ({ name, when: '' })),
    ...more.map(({ name, when, is }) => ({ name, when: `\`${when}\` ${is}` })),
  ]
}
