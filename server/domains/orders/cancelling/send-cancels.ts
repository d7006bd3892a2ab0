import type { Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { refunded } from '../desk/resolve-order.ts'
import { orderCan } from '../order.ts'
import { recordApart } from '../record-apart.ts'
import { INTERRUPTED, WISHES_MAX } from '../wish.ts'
import { lockOrders, writeOrders } from '../write-orders.ts'
import { type CancelRequest, cancelColumns } from './cancel-request.ts'
import { claimCancels } from './claim-cancels.ts'
import { type CancelAnswer, recordCancels } from './record-cancels.ts'
import { writeRequests } from './write-requests.ts'

/** Senders that were given up, in one turn. */
const SWEEP_MAX = 200

export const CANCELS_LOOP = 'orders.cancel'

/**
 * Sends the wishes to end orders that are due at a provider: marked as sent first, then asked one by one, then what was answered is written. An answer moves no money: it
 * makes the order due to be asked about. Orders that no provider has by now are cancelled here; of those whose fate is not known the wish waits. Answers whether there may be more.
 */
export async function sendCancels(app: App, providers: Providers, provider_id: bigint): Promise<boolean> {
  const provider = await providers.providerById(provider_id)
  const { sent, here, taken } = await claimCancels(app, provider)
  const answers = await Promise.all(
    sent.map(async (request): Promise<CancelAnswer> => {
      const { order_id } = request
      return { order_id, request, outcome: await provider.cancel(request.provider_order_id ?? '', { order_id }) }
    }),
  )
  await recordApart(app, CANCELS_LOOP, answers, (part) => recordCancels(app, part))
  await recordApart(app, CANCELS_LOOP, here, (part) => app.db.transaction((tx) => cancelHere(app, tx, part)))
  return taken === WISHES_MAX
}

const stillAsked = statement(`
  select ${cancelColumns('r')} from orders.cancel_request r
  where id = any($1::bigint[]) and state = 'asked' order by id for no key update`)

/** Orders first, as everywhere. What a provider has got hold of meanwhile is due again soon. */
async function cancelHere({ db, clock }: App, tx: Tx, requests: readonly CancelRequest[]): Promise<void> {
  const now = clock.now()
  const orders = await lockOrders(
    tx,
    requests.map(({ order_id }) => order_id),
  )
  const asked = await tx.query<CancelRequest>(stillAsked, [int8Array(requests.map(({ id }) => id))])
  const cancelled = asked.flatMap((request) => {
    const order = orders.get(request.order_id)
    return order && orderCan.cancelAtOnce(order) ? [{ request, order }] : []
  })
  // Where it was sent before, that provider did not do this.
  const done = { state: 'accepted', provider_id: null, provider_order_id: null, ended_at: now } as const
  writeRequests(
    tx,
    cancelled.map(({ request }) => ({ ...request, ...done })),
  )
  const changes = cancelled.map(({ request: { asked_by }, order }) => {
    return refunded(order, asked_by, now, { cancelled: true, from: order.state })
  })
  await writeOrders(db, tx, changes)
}

const interrupted = statement(`
  select ${cancelColumns('r')} from orders.cancel_request r
  where state = 'sent' and claimed_until <= $1 order by claimed_until limit ${SWEEP_MAX}`)

/** Gives up wishes whose sender has not come back: whether the provider heard them is not known, unless the answer still comes. Answers how many it found. */
export async function sweepCancels(app: Pick<App, 'db' | 'clock' | 'log'>): Promise<number> {
  const found = await app.db.query<CancelRequest>(interrupted, [app.clock.now()])
  const answers = found.map((request) => ({ order_id: request.order_id, request, outcome: INTERRUPTED }))
  await recordApart(app, CANCELS_LOOP, answers, (part) => recordCancels(app, part))
  return found.length
}
