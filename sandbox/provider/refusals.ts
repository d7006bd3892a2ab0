/** A JSON value, as it goes into an answer. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** A refusal in the panels' form. */
export interface Refusal {
  error: string
}

/** The refusal with this text. */
export function refuse(error: string): Refusal {
  return { error }
}

/** The panels' texts. Callers compare them, so each letter counts. */
export const TEXT = {
  key: 'Invalid API key',
  action: 'Incorrect request',
  service: 'Incorrect service ID',
  link: 'Bad link',
  quantity: 'Incorrect quantity',
  runs: 'Incorrect runs',
  interval: 'Incorrect interval',
  funds: 'Not enough funds on balance',
  duplicate: 'You have active order with this link. Please wait until order being completed.',
  order: 'Incorrect order ID',
  refill: 'Incorrect refill ID',
  too_many_ids: 'Too many IDs, maximum 100',
  no_refill: 'Refill is not available for this order',
  refill_open: 'Refill is already in progress',
  no_cancel: 'This order can not be canceled',
  rate_limit: 'Rate limit exceeded',
  parameter: (name: string) => `Incorrect ${name.replaceAll('_', ' ')}`,
  below_min: (min: number) => `Quantity less than minimal ${min}`,
  above_max: (max: number) => `Quantity more than maximum ${max}`,
} as const

/** The keys that panels with missing translations send in place of their texts. */
const KEYS: readonly (readonly [text: string, key: string])[] = [
  [TEXT.service, 'error.incorrect_service_id'],
  [TEXT.order, 'error.incorrect_order_id'],
  [TEXT.refill, 'error.incorrect_refill_id'],
  [TEXT.funds, 'neworder.error.not_enough_funds'],
  [TEXT.duplicate, 'neworder.error.link_duplicate'],
  [TEXT.link, 'neworder.error.link'],
  [TEXT.parameter('comments'), 'neworder.error.comment'],
  ['Quantity less', 'neworder.error.min_quantity'],
  ['Quantity more', 'neworder.error.max_quantity'],
]

/** The untranslated key of a text; the text itself where there is none. */
export function keyOf(text: string): string {
  return KEYS.find(([start]) => text.startsWith(start))?.[1] ?? text
}
