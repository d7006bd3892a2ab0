import type { RejectionCode } from '#server/domains/providers/provider.ts'
import { type Fields, own, textOf } from './json.ts'

/**
 * Texts by which panels refuse, and what they mean. Panels show either sentences or untranslated keys (`neworder.error.*`, `error.*`).
 * The first match counts, so the narrower stand above the wider.
 */
const REFUSALS: readonly (readonly [RegExp, RejectionCode])[] = [
  [
    /not_enough_funds|not enough (funds|balance|money)|insufficient[ _](balance|funds)/,
    'insufficient_provider_balance',
  ],
  [/\bapi[ _-]?key\b|(invalid|incorrect|wrong|missing)[ _]key\b|incorrect_api_key/, 'invalid_key'],
  [/too many requests|rate limit/, 'rate_limited'],
  [/link_duplicate|active order (with|for|on) this link|duplicate link/, 'duplicate_link'],
  [
    /incorrect_service_id|(incorrect|invalid|unknown|wrong) service|service (id )?(was )?(not found|does not exist|is (not active|disabled|inactive|not available))/,
    'service_not_found',
  ],
  [
    /(min|max)_quantity|quantity (is )?(less|more|below|above|greater|lower) than|quantity (is )?(too|out of)|(minimum|maximum|minimal|maximal) quantity/,
    'quantity_out_of_range',
  ],
  [/neworder\.error\.(invalid_)?link\b|(bad|incorrect|invalid|wrong) link/, 'bad_link'],
  [
    /neworder\.error\.|(incorrect|invalid|wrong|missing) (comments?|quantity|parameters?|request|action|runs|interval|keywords?|usernames?|hashtags?|media|answers?|groups?|country|device|type of traffic|google keyword|referring url|min|max|delay|(old )?posts|expiry)|action is invalid/,
    'bad_parameters',
  ],
]

/** What a refusal's text means; `other` when it is none of those known. */
export function classifyRefusal(text: string): RejectionCode {
  const plain = text.toLowerCase()
  return REFUSALS.find(([pattern]) => pattern.test(plain))?.[1] ?? 'other'
}

/** The text of `{"error":"…"}`, when it is well-formed. */
export function refusalOf(fields: Fields): string | undefined {
  return textOf(own(fields, 'error'))
}

/** Whether a refusal says that there is no such refill. */
export function isUnknownRefill(text: string): boolean {
  return /incorrect_refill_id|(incorrect|invalid|wrong|unknown) refill|refill (id )?(was )?not found/i.test(text)
}

/** Whether a refusal says that there is no such order. */
export function isUnknownOrder(text: string): boolean {
  return /incorrect_order_id|(incorrect|invalid|wrong|unknown) order|order (id )?(was )?not found/i.test(text)
}
