import { invariant } from '#server/kit/invariant.ts'
import { encodeJson } from '#server/kit/json.ts'
import { textColumn } from '../db/arrays.ts'
import { statement, type Tx } from '../db/database.ts'
import type { EventDefinition } from './event.ts'
import { outboxWritten } from './written.ts'

/** An event tells what happened and to whom; whoever needs more reads it. Also the column's own limit. */
const PAYLOAD_BYTES_MAX = 65_536

/** The largest batch of any verb, with room. */
const EVENTS_MAX = 20_000

const INSERT = statement(`
insert into platform.outbox (type, subject, payload)
select $1, unnest($2::text[]), unnest($3::text[])::json`)

/**
 * Records that `event` happened, once for each payload, as part of the transaction: one insert, sent without waiting. After the commit
 * a publisher hands each to its subscribers exactly once, as far as they keep to their own `tx`. Cheap enough for the hottest
 * paths, since it does not NOTIFY within the transaction (that would make commits queue behind one another).
 */
export function emit<Payload>(tx: Tx, event: EventDefinition<Payload>, payloads: readonly Payload[]): void {
  if (payloads.length === 0) return
  invariant(payloads.length <= EVENTS_MAX, `emit: more than ${EVENTS_MAX} events`)
  const texts = payloads.map((payload) => {
    const text = encodeJson(payload)
    // A character takes at most three bytes, so most payloads are not measured.
    const fits = text.length * 3 <= PAYLOAD_BYTES_MAX || Buffer.byteLength(text) <= PAYLOAD_BYTES_MAX
    invariant(fits, `emit: payload of ${event.type} exceeds ${PAYLOAD_BYTES_MAX} bytes`)
    return text
  })
  const subjects = textColumn(payloads, (payload) => event.subject(payload))
  tx.send(INSERT, [event.type, subjects, textColumn(texts, (text) => text)])
  tx.onCommit(outboxWritten)
}
