import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import type { Db } from '#server/platform/db/database.ts'
import { CursorError, keysetCursor } from '#server/platform/http/cursor.ts'
import { parseEventId } from '../event-id.ts'
import { listDeliveries } from '../queries.ts'
import { type deliveriesShape, type deliveryQuery, deliveryView } from '../views.ts'

/** Newest event first, then the newest webhook. */
const cursor = keysetCursor({ event_id: 'text', webhook_id: 'bigint' })
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A page of the deliveries to these webhooks, as the request asks for it. Throws CursorError. */
export async function deliveryPage(
  db: Pick<Db, 'query'>,
  webhook_ids: readonly bigint[],
  request: { url: string; query: Omit<z.output<typeof deliveryQuery>, 'webhook'> },
  reply: FastifyReply,
): Promise<z.output<typeof deliveriesShape>> {
  const { limit, cursor: given, event, state } = request.query
  const before = given === undefined ? undefined : decoded(given)
  const event_id = event === undefined ? undefined : parseEventId(event)
  // What is no id is the id of no event.
  const none = event !== undefined && event_id === undefined
  const filter = { webhook_ids: none ? [] : webhook_ids, event_id, state, before, limit: limit + 1 }
  const rows = await listDeliveries(db, filter)
  const shown = rows.slice(0, limit)
  return { data: shown.map(deliveryView), ...cursor.next(request, reply, shown, rows.length > limit) }
}

function decoded(given: string) {
  const keys = cursor.decode(given)
  if (!UUID.test(keys.event_id)) throw new CursorError()
  return keys
}
