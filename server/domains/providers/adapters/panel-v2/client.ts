import type { Line, LineCall } from '#server/domains/providers/line.ts'
import type { Provider, StatusRow } from '#server/domains/providers/provider.ts'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { invariant } from '#server/kit/invariant.ts'
import { readBalance } from './map-balance.ts'
import { placeFields, readPlaced } from './map-place.ts'
import { answered } from './map-read.ts'
import { readServices } from './map-services.ts'
import { readStatus, readStatuses } from './map-status.ts'
import { isOrderId } from './order-id.ts'
import { readByHalves } from './read-statuses.ts'

/** Answers larger than these are no answers to what was asked; a catalogue of tens of thousands of services has a few megabytes. */
const SERVICES_BYTES_MAX = 10_000_000
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

  return {
    statuses_max: row.statuses_max,
    place: (request, context) => {
      const fields = placeFields(request, row.idempotency === 'request_id')
      return line.place(call(fields, ANSWER_BYTES_MAX, context.order_id), (answer) => readPlaced(answer, row))
    },
    statuses: async (provider_order_ids) => {
      invariant(provider_order_ids.length <= row.statuses_max, 'statuses: more orders than the provider takes')
      const asked = [...new Set(provider_order_ids)]
      const ids = asked.filter(isOrderId)
      const rows = ids.length === 0 ? new Map<string, StatusRow>() : await readByHalves(ids, askStatuses)
      return new Map(asked.map((id) => [id, shown(rows.get(id) ?? noOrderId(), line)]))
    },
    balance: () => {
      const asked = call({ action: 'balance' }, ANSWER_BYTES_MAX)
      return line.read(asked, (answer) => readBalance(answered(answer), row))
    },
    services: () => {
      const asked = call({ action: 'services' }, SERVICES_BYTES_MAX)
      return line.read(asked, (answer) => readServices(answered(answer), row))
    },
  }
}

/** The provider's words, fit to be shown. */
function shown(row: StatusRow, line: Line): StatusRow {
  return row.ok ? { ...row, raw_status: line.message(row.raw_status) } : { ...row, message: line.message(row.message) }
}

function noOrderId(): StatusRow {
  return { ok: false, reason: 'not_found', message: 'this is no id of an order at a panel' }
}
