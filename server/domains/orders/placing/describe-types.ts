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

/** The types whose work is found by something else than a link. */
export const TYPES_WITHOUT_LINK = TYPE_NAMES.filter((type) => typeRule(type).about !== undefined).join(', ')

/** What the name of a parameter does not say. */
const ABOUT: Partial<Record<ParamName, string>> = {
  min: ' The fewest pieces for each post.',
  max: ' The most pieces for each post: so many are billed for it.',
  delay: ' Minutes after a post until its work begins.',
  posts: ' How many new posts; absent or 0 is without limit but that of the house.',
  old_posts: ' How many posts that are there already.',
  expiry: ' The last day.',
}

/** What a parameter is for and how it is written. */
export function describeParam(name: ParamName): string {
  const types = TYPE_NAMES.filter((type) => fieldsOf(type).some((field) => field.name === name)).join(', ')
  const conditions = TYPE_NAMES.flatMap((type) => typeRule(type).more ?? []).filter((more) => more.name === name)
  const when = conditions.map((more) => ` Where \`${more.when}\` is ${more.is}.`).join('')
  return `Type ${types}: ${wantedOf(PARAMS[name])}.${when}${ABOUT[name] ?? ''}`
}

/** One line for each type: its name, the fields besides `service` and `link`, and what is billed. A type that has no link says so. */
export function typeRows(): string[][] {
  return TYPE_NAMES.map((type) => {
    const fields = fieldsOf(type).map(({ name, when }) => `\`${name}\`${when ? ` (${when})` : ''}`)
    const quantity = ORDER_TYPES[type].counted === 'quantity' ? ['`quantity`'] : []
    const instead = typeRule(type).about === undefined ? [] : ['no `link`']
    return [`\`${type}\``, [...quantity, ...fields, ...instead].join(', '), billedOf(type)]
  })
}

function billedOf(type: OrderType): string {
  const { counted } = typeRule(type)
  if (counted === 'quantity') return '`quantity`'
  if (counted === 'post') return '`max` for each post, when it is found'
  return counted === 'package' ? 'one, at the rate itself' : `the lines of \`${counted}\``
}

function fieldsOf(type: OrderType): { name: ParamName; when: string }[] {
  const { params, more = [], optional = [] } = typeRule(type)
  return [
    ...params.map((name) => ({ name, when: '' })),
    ...more.map(({ name, when, is }) => ({ name, when: `\`${when}\` ${is}` })),
    ...optional.map((name) => ({ name, when: 'may be absent' })),
  ]
}
