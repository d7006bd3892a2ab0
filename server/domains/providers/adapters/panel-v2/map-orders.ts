import { type ListedOrder, type OrderList, ProviderReadError } from '#server/domains/providers/provider.ts'
import { chargeOf, type Money } from './figures.ts'
import { type Fields, fieldsOf, own, readJson, textOf, wholeOf } from './json.ts'
import { type ReadAnswer, readFailure } from './map-read.ts'
import { givenOrderId } from './order-id.ts'
import { refusalOf } from './refusals.ts'

// The list of orders is no part of the common protocol: an extension that some panels offer, as `action=orders`.

const PAGE_MAX = 200

/** Beyond ten thousand orders of one service within minutes a list is not read to its end, and says so. */
const PAGES_MAX = 50

const LINK_MAX = 2_048

/** One page of the list, and the id behind which the next begins. */
interface OrderPage extends OrderList {
  next: string | undefined
}

/** The fields of `orders` besides the key: whole seconds around the span. */
export function listFields(span: { provider_service_id: string; from: Date; to: Date }): Record<string, string> {
  return {
    service: span.provider_service_id,
    from: String(Math.floor(span.from.getTime() / 1_000)),
    to: String(Math.ceil(span.to.getTime() / 1_000)),
    limit: String(PAGE_MAX),
  }
}

/** All pages as one list. A page that begins where it was asked from again would never end: it ends the list, which then is not complete. */
export async function readPages(ask: (page: { after?: string }) => Promise<OrderPage>): Promise<OrderList> {
  const orders: ListedOrder[] = []
  const begun = new Set<string>()
  let after: string | undefined
  let complete = true
  for (let pages = 1; ; pages++) {
    const page = await ask(after === undefined ? {} : { after })
    orders.push(...page.orders)
    complete = complete && page.complete
    if (page.next === undefined) return { orders, complete, now: page.now }
    if (pages === PAGES_MAX || begun.has(page.next)) return { orders, complete: false, now: page.now }
    begun.add(page.next)
    after = page.next
  }
}

/** One page. Rows that cannot be read are left out, and the page is not complete then. Throws ProviderReadError. */
export function readOrderPage(answer: ReadAnswer, money: Money): OrderPage {
  const fields = fieldsOf(readJson(answer.body))
  if (!fields || refusalOf(fields) !== undefined || answer.status >= 500) throw readFailure(answer)
  const rows = own(fields, 'orders')
  if (!Array.isArray(rows)) throw new ProviderReadError('unreadable_answer', 'the answer has no list of orders')
  const orders = rows.flatMap((row) => readOrder(row, money))
  return {
    orders,
    complete: orders.length === rows.length,
    now: momentOf(own(fields, 'now')),
    next: textOf(own(fields, 'next')),
  }
}

function readOrder(value: unknown, money: Money): ListedOrder[] {
  const fields = fieldsOf(value)
  const id = fields && givenOrderId(fields)?.id
  if (!fields || id === undefined) return []
  const service = textOf(own(fields, 'service'))
  const created_at = momentOf(own(fields, 'created'))
  if (service === undefined || created_at === undefined) return []
  return [
    {
      provider_order_id: id,
      provider_service_id: service,
      link: linkOf(fields),
      quantity: wholeOf(own(fields, 'quantity')),
      created_at,
      charge: chargeOf(fields, money),
    },
  ]
}

function linkOf(fields: Fields): string {
  return (textOf(own(fields, 'link')) ?? '').replaceAll('\0', '').slice(0, LINK_MAX)
}

/** A moment in ISO 8601 with its zone; one without would be read in ours. */
function momentOf(value: unknown): Date | undefined {
  const text = textOf(value) ?? ''
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)$/.test(text)) return undefined
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? undefined : at
}
