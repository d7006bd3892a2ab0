import { type Fields, own, textOf } from './json.ts'

/** Ids are joined by commas when we ask for many. What would break that, is endless, or is negative (no order, at some panels) is none. */
const ORDER_ID = /^(?!-)[^\s,\p{C}]{1,100}$/u

/** Whether the text can be an order's id at a panel. */
export function isOrderId(text: string): boolean {
  return ORDER_ID.test(text)
}

/** What an answer gives as the order's id; `id` is undefined when we could not follow an order by it. Undefined when nothing is given. */
export function givenOrderId(fields: Fields): { id: string | undefined; shown: string } | undefined {
  for (const name of ['order', 'order_id']) {
    const value = own(fields, name)
    const text = textOf(value)
    // Empty, zero and false are how panels say that there is none.
    if (value === undefined || value === null || value === false || value === '' || text === '0') continue
    return { id: text !== undefined && isOrderId(text) ? text : undefined, shown: JSON.stringify(value) }
  }
  return undefined
}
