import { type CancelOutcome, wasNotHeard } from '#server/domains/providers/provider.ts'
import type { OpenProvider, Providers } from '#server/domains/providers/registry.ts'
import { backoff_ms } from '#server/kit/backoff.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { refunded } from '../desk/resolve-order.ts'
import { nextCheck_ms } from '../following/poll-schedule.ts'
import { FINAL_STATES, OPEN_STATES, ORDER_COLUMNS, type Order, orderCan } from '../order.ts'
import { recordApart } from '../record-apart.ts'
import { lockOrders, type OrderChange, writeOrders } from '../write-orders.ts'
import { type CancelRequest, cancelColumns } from './cancel-request.ts'

/** Wishes sent in one turn: a dozen seconds' work at the slowest provider. */
const BATCH_MAX = 50

/** Longer than a call may take with its waiting. */
const LEASE_EXTRA_MS = 30_000

/** Where the wish did not leave the house, or the provider had no ear for it: tried again, for some twenty minutes. */
const TRIES_MAX = 12
const BACKOFF = { base_ms: 2_000, max_ms: 180_000 }

const MESSAGE_MAX = 500

export const CANCELS_LOOP = 'orders.cancel'

/**
 * Sends the wishes to end orders that are due at a provider: marked as sent first, then asked one by one, then what was answered is written. An answer moves no money: it
 * makes the order due to be asked about. Orders that no provider has by now are cancelled here; of those whose fate is not known the wish waits. Answers whether there may be more.
 */
export async function sendCancels(app: App, providers: Providers, provider_id: bigint): Promise<boolean> {
  const provider = await providers.providerById(provider_id)
  const { sent, here, taken } = await app.db.transaction((tx) => claim(app, tx, provider))
  const answers = await Promise.all(
    sent.map(async (request): Promise<Answered> => {
      const { order_id } = request
      return { order_id, request, outcome: await provider.cancel(request.provider_order_id ?? '', { order_id }) }
    }),
  )
  await recordApart(app, CANCELS_LOOP, answers, (part) => app.db.transaction((tx) => record(app, tx, part)))
  await recordApart(app, CANCELS_LOOP, here, (part) => app.db.transaction((tx) => cancelHere(app, tx, part)))
  return taken === BATCH_MAX
}

// Who works on an order or a request at this moment is not waited for.
const takeDue = statement(`
  select ${cancelColumns('r')} from orders.cancel_request r join orders.orders o on o.id = r.order_id
  where r.state = 'asked' and r.next_try_at <= $2 and o.provider_id = $1
  order by r.next_try_at limit ${BATCH_MAX} for no key update skip locked`)

const theirOrders = statement(`select ${ORDER_COLUMNS} from orders.orders where id = any($1::bigint[])`)

/** Due ones: to be sent, and those of orders that no provider has. */
interface Claimed {
  sent: CancelRequest[]
  here: CancelRequest[]
  taken: number
}

/** Moves no money and writes no order, so that none can hold up the others. */
async function claim({ clock }: App, tx: Tx, { row }: OpenProvider): Promise<Claimed> {
  const now = clock.now()
  const requests = await tx.query<CancelRequest>(takeDue, [row.id, now])
  if (requests.length === 0) return { sent: [], here: [], taken: 0 }
  const rows = await tx.query<Order>(theirOrders, [int8Array(requests.map(({ order_id }) => order_id))])
  const orders = new Map(rows.map((order) => [order.id, order]))
  const claimed_until = new Date(now.getTime() + 3 * row.timeout_ms + LEASE_EXTRA_MS)
  const here: CancelRequest[] = []
  const decided = requests.map((request): Decided => {
    const order = orders.get(request.order_id) as Order
    if (FINAL_STATES.includes(order.state)) return { ...request, state: 'dropped', ended_at: now }
    if (OPEN_STATES.includes(order.state)) {
      const { provider_order_id } = order
      return { ...request, state: 'sent', attempts: request.attempts + 1, provider_order_id, claimed_until }
    }
    if (orderCan.cancelAtOnce(order)) {
      here.push(request)
      return { ...request, next_try_at: claimed_until }
    }
    const wait_ms = nextCheck_ms(now.getTime() - request.asked_at.getTime(), 0)
    return { ...request, next_try_at: new Date(now.getTime() + wait_ms) }
  })
  write(tx, decided)
  return { sent: decided.filter(({ state }) => state === 'sent'), here, taken: requests.length }
}

type Decided = CancelRequest & { next_try_at?: Date; claimed_until?: Date }

const updateRequests = statement(`
  update orders.cancel_request r set state = new.state, attempts = new.attempts, next_try_at = new.next_try_at, claimed_until = new.claimed_until,
    provider_order_id = new.provider_order_id, code = new.code, message = new.message, ended_at = new.ended_at
  from (select unnest($1::bigint[]) as id, unnest($2::text[]) as state, unnest($3::smallint[]) as attempts, unnest($4::timestamptz[]) as next_try_at,
    unnest($5::timestamptz[]) as claimed_until, unnest($6::text[]) as provider_order_id, unnest($7::text[]) as code, unnest($8::text[]) as message,
    unnest($9::timestamptz[]) as ended_at) as new
  where r.id = new.id`)

function write(tx: Tx, requests: readonly Decided[]): void {
  tx.send(updateRequests, [
    int8Array(requests.map(({ id }) => id)),
    textArray(requests.map(({ state }) => state)),
    plainArray(requests.map(({ attempts }) => attempts)),
    dateArray(requests.map(({ next_try_at }) => next_try_at)),
    dateArray(requests.map(({ claimed_until }) => claimed_until)),
    ...(['provider_order_id', 'code', 'message'] as const).map((name) => textArray(requests.map((each) => each[name]))),
    dateArray(requests.map(({ ended_at }) => ended_at)),
  ])
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
  write(
    tx,
    cancelled.map(({ request }) => ({ ...request, state: 'accepted', ended_at: now })),
  )
  const changes = cancelled.map(({ request: { asked_by }, order }) => {
    return refunded(order, asked_by, now, { cancelled: true, from: order.state })
  })
  await writeOrders(db, tx, changes)
}

interface Answered {
  order_id: bigint
  request: CancelRequest
  outcome: CancelOutcome
}

// One that was given up meanwhile is taken over too; one that has been sent anew has an answer of its own to wait for.
const stillOpen = statement(`
  select ${cancelColumns('r')} from orders.cancel_request r
  where id = any($1::bigint[]) and state in ('sent', 'unknown') order by id for no key update`)

/** Orders first here too. */
async function record(app: App, tx: Tx, answers: readonly Answered[]): Promise<void> {
  const now = app.clock.now()
  const orders = await lockOrders(
    tx,
    answers.map(({ request }) => request.order_id),
  )
  const ids = answers.map(({ request }) => request.id)
  const open = new Map((await tx.query<CancelRequest>(stillOpen, [int8Array(ids)])).map((each) => [each.id, each]))
  const decided: Decided[] = []
  const changes: OrderChange[] = []
  for (const { request, outcome } of answers) {
    const known = open.get(request.id)
    if (known?.attempts !== request.attempts) continue
    const after = afterAnswer(known, outcome, now)
    decided.push(after)
    const order = orders.get(request.order_id)
    if (order && after.state !== 'asked') changes.push(answered(order, after, now))
  }
  write(tx, decided)
  await writeOrders(app.db, tx, changes)
}

/** What the answer makes of the wish. Only one that did not leave, or was not listened to, is sent again. */
export function afterAnswer(request: CancelRequest, outcome: CancelOutcome, now: Date): Decided {
  if (outcome.outcome === 'accepted') return { ...request, state: 'accepted', code: null, message: null, ended_at: now }
  const message = outcome.message.slice(0, MESSAGE_MAX) || null
  if (outcome.outcome === 'unknown')
    return { ...request, state: 'unknown', code: outcome.reason, message, ended_at: now }
  const { code } = outcome
  if (!wasNotHeard(code) || request.attempts >= TRIES_MAX)
    return { ...request, state: 'refused', code, message, ended_at: now }
  const next_try_at = new Date(now.getTime() + backoff_ms(request.attempts, BACKOFF))
  return { ...request, state: 'asked', code, message, next_try_at }
}

/** Whatever was answered, the order's status is asked for now: it alone says what became of it. */
function answered(order: Order, { state, code }: Decided, now: Date): OrderChange {
  return {
    before: order,
    after: OPEN_STATES.includes(order.state) ? { next_check_at: now } : {},
    step: { kind: 'cancel_answered', data: { cancel: state, ...(code !== null && { code }) } },
  }
}

const interrupted = statement(`
  update orders.cancel_request set state = 'unknown', code = 'interrupted', claimed_until = null, ended_at = $1
  where id in (select id from orders.cancel_request where state = 'sent' and claimed_until <= $1 limit 1000 for no key update skip locked)
  returning id`)

/** Gives up wishes whose sender has not come back: whether the provider heard them is not known. Answers how many. */
export async function sweepCancels({ db, clock }: Pick<App, 'db' | 'clock'>): Promise<number> {
  return (await db.query(interrupted, [clock.now()])).length
}
