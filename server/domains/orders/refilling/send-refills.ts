import type { OpenProvider, Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { recordApart } from '../record-apart.ts'
import { INTERRUPTED, sending, WISHES_MAX } from '../wish.ts'
import { type RefillAnswer, recordRefills } from './record-refills.ts'
import { REFILL_COLUMNS, type Refill } from './refill.ts'
import { type RefillChange, writeRefills } from './write-refills.ts'

/** Senders that were given up, in one turn. */
const SWEEP_MAX = 200

export const REFILLS_LOOP = 'orders.refill'

/**
 * Sends the refills that were asked for to the provider that did the orders: marked as sent first, then asked one by one, then the answers are written. One whose answer is not known
 * is never sent again. Answers whether there may be more.
 */
export async function sendRefills(app: App, providers: Providers, provider_id: bigint): Promise<boolean> {
  const provider = await providers.providerById(provider_id)
  const sent = await claimRefills(app, provider)
  const answers = await Promise.all(
    sent.map(async (refill): Promise<RefillAnswer> => {
      const { order_id } = refill
      return { order_id, refill, outcome: await provider.refill(refill.provider_order_id ?? '', { order_id }) }
    }),
  )
  await recordApart(app, REFILLS_LOOP, answers, (part) => recordRefills(app, part))
  return sent.length === WISHES_MAX
}

// Who decides on one of them at this moment is not waited for.
const takeDue = statement(`
  select ${REFILL_COLUMNS} from orders.refill
  where provider_id = $1 and state = 'asked' and next_try_at <= $2
  order by next_try_at limit ${WISHES_MAX} for no key update skip locked`)

/** Takes the refills that are due at a provider and commits that they are sent, before anything is. */
export async function claimRefills(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  { row }: Pick<OpenProvider, 'row'>,
): Promise<Refill[]> {
  return db.transaction(async (tx) => {
    const now = clock.now()
    const due = await tx.query<Refill>(takeDue, [row.id, now])
    const changes = due.map((before): RefillChange => ({ before, after: sending(before, row, now) }))
    writeRefills(tx, changes, now)
    return changes.map(({ before, after }) => ({ ...before, ...after }))
  })
}

const interrupted = statement(`
  select ${REFILL_COLUMNS} from orders.refill where state = 'sent' and claimed_until <= $1
  order by claimed_until limit ${SWEEP_MAX}`)

/** Calls refills unknown whose sender has not come back, unless the answer still comes. Answers how many it found. */
export async function sweepRefills(app: Pick<App, 'db' | 'clock' | 'log'>): Promise<number> {
  const found = await app.db.query<Refill>(interrupted, [app.clock.now()])
  const answers = found.map((refill) => ({ order_id: refill.order_id, refill, outcome: INTERRUPTED }))
  await recordApart(app, REFILLS_LOOP, answers, (part) => recordRefills(app, part))
  return found.length
}
