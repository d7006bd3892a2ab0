import type { Line, LineCall } from '#server/domains/providers/line.ts'
import type { Provider, RefillRow, StatusRow } from '#server/domains/providers/provider.ts'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { invariant } from '#server/kit/invariant.ts'
import { readBalance } from './map-balance.ts'
import { readCancelled } from './map-cancel.ts'
import { listFields, readOrderPage, readPages } from './map-orders.ts'
import { placeFields, readPlaced } from './map-place.ts'
import { answered } from './map-read.ts'
import { readRefill, readRefillStatuses } from './map-refill.ts'
import { readServices } from './map-services.ts'
import { readStatus, readStatuses } from './map-status.ts'
import { isOrderId } from './order-id.ts'
import { readByHalves } from './read-statuses.ts'

/** Answers larger than these are no answers to what was asked; a catalogue of tens of thousands of services has a few megabytes. */
const SERVICES_BYTES_MAX = 10_000_000
/** Two hundred orders with the longest links. */
const LIST_BYTES_MAX = 1_000_000
const STATUSES_BYTES_MAX = 1_000_000
const ANSWER_BYTES_MAX = 100_000

/** The panels' API v2 as a client: POST of a form with `key` and `action`, JSON back, errors as `{"error"}` of whatever HTTP status. */
export function openPanelV2(row: ProviderRow, key: string, line: Line): Provider {
  function call(fields: Record<string, string>, max_bytes: number, order_id?: bigint): LineCall {
    return {
      action: fields.action ?? '',
      order_id,
      shown: JSON.stringify(fields),
      request: {
        url: row.url,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: new URLSearchParams({ key, ...fields }).toString(),
        max_bytes,
      },
    }
  }

  async function askStatuses(ids: readonly string[], first: boolean): Promise<Map<string, StatusRow>> {
    const [id] = ids
    if (ids.length === 1 && id !== undefined) {
      const one = call({ action: 'status', order: id }, STATUSES_BYTES_MAX)
      return line.read(one, (answer) => readStatus(answered(answer), id, row), { once: !first })
    }
    const many = call({ action: 'status', orders: ids.join(',') }, STATUSES_BYTES_MAX)
    return line.read(many, (answer) => readStatuses(answered(answer), ids, row), { once: !first })
  }

  async function askRefills(ids: readonly string[], first: boolean): Promise<Map<string, RefillRow>> {
    const named: Record<string, string> = ids.length === 1 ? { refill: ids.join() } : { refills: ids.join(',') }
    const asked = call({ action: 'refill_status', ...named }, STATUSES_BYTES_MAX)
    return line.read(asked, (answer) => readRefillStatuses(answered(answer), ids), { once: !first })
  }

  return {
    statuses_max: row.statuses_max,
    place: (request, context) => {
      const fields = placeFields(request, row.idempotency === 'request_id')
      return line.write('place', call(fields, ANSWER_BYTES_MAX, context.order_id), (answer) => readPlaced(answer, row))
    },
    statuses: (ids) => rowsFor<StatusRow>(ids, askStatuses, row, line),
    cancel: async (id, context) => {
      if (!isOrderId(id)) return { outcome: 'rejected', code: 'not_sent', message: NO_ORDER_ID }
      // The form has no singular for it: a list of one.
      const asked = call({ action: 'cancel', orders: id }, ANSWER_BYTES_MAX, context.order_id)
      return line.write('ask', asked, (answer) => readCancelled(answer, id))
    },
    refill: async (id, context) => {
      if (!isOrderId(id)) return { outcome: 'rejected', code: 'not_sent', message: NO_ORDER_ID }
      return line.write('ask', call({ action: 'refill', order: id }, ANSWER_BYTES_MAX, context.order_id), readRefill)
    },
    refillStatuses: (ids) => rowsFor<RefillRow>(ids, askRefills, row, line),
    balance: () => {
      const asked = call({ action: 'balance' }, ANSWER_BYTES_MAX)
      return line.read(asked, (answer) => readBalance(answered(answer), row))
    },
    ...(row.lists_orders && {
      listOrders: (span) =>
        readPages((page) => {
          const asked = call({ action: 'orders', ...listFields(span), ...page }, LIST_BYTES_MAX)
          return line.read(asked, (answer) => readOrderPage(answered(answer), row))
        }),
    }),
    services: () => {
      const asked = call({ action: 'services' }, SERVICES_BYTES_MAX)
      return line.read(asked, (answer) => readServices(answered(answer), row))
    },
  }
}

/** A row for each id, those that can be none among them. */
async function rowsFor<Row extends StatusRow | RefillRow>(
  wanted: readonly string[],
  ask: (ids: readonly string[], first: boolean) => Promise<Map<string, Row>>,
  { statuses_max }: ProviderRow,
  line: Line,
): Promise<Map<string, Row>> {
  invariant(wanted.length <= statuses_max, 'statuses: more than the provider takes')
  const asked = [...new Set(wanted)]
  const ids = asked.filter(isOrderId)
  const rows = ids.length === 0 ? undefined : await readByHalves(ids, ask)
  return new Map(asked.map((id) => [id, shown((rows?.get(id) ?? noOrderId()) as Row, line)]))
}

/** The provider's words, fit to be shown. */
function shown<Row extends StatusRow | RefillRow>(row: Row, line: Line): Row {
  return row.ok ? { ...row, raw_status: line.message(row.raw_status) } : { ...row, message: line.message(row.message) }
}

const NO_ORDER_ID = 'this is no id of an order at a panel'

function noOrderId() {
  return { ok: false, reason: 'not_found', message: NO_ORDER_ID } as const
}
