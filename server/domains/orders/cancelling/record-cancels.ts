import type { CancelOutcome } from '#server/domains/providers/provider.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { FINAL_STATES, OPEN_STATES, type Order } from '../order.ts'
import type { OrderChange } from '../order-change.ts'
import { isAwaited, type Reply, replyOf, type Tries } from '../wish.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { type CancelRequest, cancelColumns } from './cancel-request.ts'
import { type Decided, writeRequests } from './write-requests.ts'

/** Tried again for some twenty minutes. */
const TRIES: Tries = { max: 12, backoff: { base_ms: 2_000, max_ms: 180_000 } }

/** How the sending of a request ended: of which one its `attempts` say. */
export interface CancelAnswer {
  order_id: bigint
  request: Pick<CancelRequest, 'id' | 'attempts'>
  outcome: CancelOutcome
}

// Whoever wishes anew has the order's lock first.
const lockRequests = statement(`
  select ${cancelColumns('r')}, not exists (
    select from orders.cancel_request newer where newer.order_id = r.order_id and newer.id > r.id
  ) as latest
  from orders.cancel_request r where r.id = any($1::bigint[]) order by r.id for no key update of r`)

type Known = CancelRequest & { latest: boolean }

/**
 * Writes down what was answered to wishes, at most one of an order, in one transaction. An answer may come late: of a sending that was given up it counts still, of one after which the
 * wish was sent anew it changes nothing. It makes the order due to be asked about where the order is still where the wish was sent; if it is elsewhere by now, the wish is for
 * whoever has it.
 */
export async function recordCancels(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  answers: readonly CancelAnswer[],
): Promise<void> {
  await db.transaction(async (tx) => {
    const now = clock.now()
    // Orders first, as everywhere.
    const orders = await lockOrders(
      tx,
      answers.map(({ order_id }) => order_id),
    )
    const known = await readKnown(tx, answers)
    const decided: Decided[] = []
    const changes: OrderChange[] = []
    for (const { order_id, request, outcome } of answers) {
      const [order, wish] = [orders.get(order_id), known.get(request.id)]
      if (!order || !wish || !isAwaited(wish, request, outcome)) continue
      const reply = replyOf(outcome, wish.attempts, TRIES, now)
      decided.push(afterReply(wish, reply, order, now))
      if (reply.kind !== 'again') changes.push(answered(order, wish, reply, now))
    }
    writeRequests(tx, decided)
    await writeOrders(db, tx, changes)
  })
}

async function readKnown(tx: Tx, answers: readonly CancelAnswer[]): Promise<Map<bigint, Known>> {
  const rows = await tx.query<Known>(lockRequests, [int8Array(answers.map(({ request }) => request.id))])
  return new Map(rows.map((row) => [row.id, row]))
}

/** Whether the order is where the wish was sent, and may still be ended there. Before it was written down which provider that was, its number alone said so. */
function isStillThere(order: Order, { provider_id, provider_order_id }: CancelRequest): boolean {
  if (!OPEN_STATES.includes(order.state) || order.provider_order_id !== provider_order_id) return false
  return provider_id === null || order.provider_id === provider_id
}

/**
 * What the answer makes of the wish. Sent anew is only the latest of its order, where nobody heard it or whoever did has the order no more: those before it have had their time, and of a
 * wish there is one under way. Pure.
 */
function afterReply({ latest, ...wish }: Known, reply: Reply, order: Order, now: Date): Decided {
  const { code, message } = reply
  const end = { ...wish, code, message, ended_at: now }
  const isOver = FINAL_STATES.includes(order.state)
  if (latest && !isOver) {
    if (!isStillThere(order, wish))
      return { ...wish, state: 'asked', code: null, message: null, ended_at: null, next_try_at: now }
    if (reply.kind === 'again') {
      return { ...wish, state: 'asked', code, message, ended_at: null, next_try_at: reply.next_try_at }
    }
  }
  if (reply.kind === 'again') return { ...end, state: isOver ? 'dropped' : 'refused' }
  return { ...end, state: stateOf(reply) }
}

function stateOf({ kind }: Exclude<Reply, { kind: 'again' }>): 'accepted' | 'refused' | 'unknown' {
  return kind === 'unheard' ? 'refused' : kind
}

/** Whatever was answered, the order's status is asked for now: it alone says what became of it. */
function answered(order: Order, wish: CancelRequest, reply: Exclude<Reply, { kind: 'again' }>, now: Date): OrderChange {
  const { provider_id, provider_order_id } = wish
  const elsewhere = provider_id !== null && provider_id !== order.provider_id
  const from = elsewhere && { provider_id: String(provider_id), provider_order_id }
  return {
    before: order,
    after: isStillThere(order, wish) ? { next_check_at: now } : {},
    step: {
      kind: 'cancel_answered',
      data: { cancel: stateOf(reply), ...(reply.code !== null && { code: reply.code }), ...from },
    },
  }
}
