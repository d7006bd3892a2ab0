import { setTimeout as delay } from 'node:timers/promises'
import { type ReceiverControl, receiverControlOf } from '#sandbox/webhook-receiver/client.ts'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createWebhook } from '#server/domains/notifications/webhooks/create-webhook.ts'
import { emitOrders } from '#server/domains/orders/emit-orders.ts'
import { ordersSettled } from '#server/domains/orders/events.ts'
import { newUuid } from '#server/kit/id.ts'
import { startAnnouncer } from '#server/platform/outbox/announce.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { type Bench, type BenchContext, rounded } from './bench.ts'
import { startReceiver, startRole } from './product.ts'

/** Each of a user of its own, so that an event is told to one. One in so many hangs. */
const WEBHOOKS = 1_000
const HANGS = 10
const MAKERS = 20
/** Told in so many transactions a second, as verbs tell of many orders at once. */
const EVENTS_PER_SECOND = 1_150
const TICKS_PER_SECOND = 50
const WARM_UP_S = 3
const STEADY_S = 15
/** Told at once, for what can be delivered at the most. */
const BURST = 9_000
const LOOK_MS = 50
const SETTLE_S_MAX = 20

export const webhooksBench: Bench = {
  summary: 'deliveries/s to healthy webhooks while one in ten of a thousand hangs, and how late they are',
  steady_s: STEADY_S,
  run: async (context) => {
    const receiver = await startReceiver()
    const control = receiverControlOf(receiver.url)
    await control.setFaults({ hang: { to: 'hanging' } })
    const teller = new Teller(context, await makeWebhooks(context, receiver.url, control))
    const worker = await startRole(context, 'worker', { SALDO_MODE: 'sandbox' })
    // As a process that takes orders does: without it the worker would find them by its slow poll.
    const announcer = startAnnouncer(context.app)
    try {
      context.say(`Telling ${EVENTS_PER_SECOND} events a second …`)
      await paced(teller, WARM_UP_S)
      await arrived(control, teller.healthy)
      const [begin_mb, begin_cpu_ms] = [await worker.resident_mb(), await worker.cpu_ms()]
      let middle_mb = 0
      const run = await measured(control, teller, async () => {
        await paced(teller, context.steady_s / 2)
        middle_mb = await worker.resident_mb()
        await paced(teller, context.steady_s / 2)
      })
      const end_mb = await worker.resident_mb()
      const cpu_ms_per_delivery = rounded(((await worker.cpu_ms()) - begin_cpu_ms) / run.delivered)
      context.say(`Telling ${BURST} events at once …`)
      const burst = await measured(control, teller, () => teller.tell(BURST))
      const again = await measured(control, teller, () => paced(teller, WARM_UP_S))
      const burst_mb = await worker.resident_mb()
      const log = await proveLog(context, teller)
      return {
        paced: run,
        burst: { per_second: burst.per_second },
        repeated: again.repeated,
        worker: { begin_mb, middle_mb, end_mb, burst_mb, cpu_ms_per_delivery },
        log,
      }
    } finally {
      await announcer.stop()
      await control.setFaults({})
      await control.cut()
      await worker.stop()
      await receiver.stop()
    }
  },
}

interface Measured {
  told: number
  delivered: number
  per_second: number
  delay_p50_ms: number
  delay_p99_ms: number
  repeated: number
}

/** Tells, waits until every healthy webhook has what it was told, and answers how that went. Throws when something came wrong. */
async function measured(control: ReceiverControl, teller: Teller, tell: () => Promise<void>): Promise<Measured> {
  await control.forget()
  const [told_before, healthy_before] = [teller.told, teller.healthy]
  const begin_ms = performance.now()
  await tell()
  const delivered = teller.healthy - healthy_before
  await arrived(control, delivered)
  const took_s = (performance.now() - begin_ms) / 1_000
  const summary = await control.summary()
  if (summary.events_taken !== delivered || summary.wrong_signatures > 0) {
    throw new Error(`${delivered} events for healthy webhooks; what came: ${JSON.stringify(summary)}`)
  }
  const { delay_p50_ms, delay_p99_ms, repeated } = summary
  const told = teller.told - told_before
  return { told, delivered, per_second: rounded(delivered / took_s), delay_p50_ms, delay_p99_ms, repeated }
}

/** What stands in the database of what was told. Answers its figures; throws unless every event has its delivery, and every delivery that arrived its attempt. */
async function proveLog({ app, say }: BenchContext, teller: Teller): Promise<Record<string, number>> {
  say('Verifying …')
  const late_ms = performance.now() + SETTLE_S_MAX * 1_000
  for (;;) {
    const [log] = await app.db.query<{
      events: number
      deliveries: number
      delivered: number
      logged: number
      hanging_delivered: number
    }>(`
      select (select count(*)::int from notifications.webhook_event) as events, count(*)::int as deliveries,
        (count(*) filter (where d.state = 'delivered'))::int as delivered,
        (count(*) filter (where d.state = 'delivered' and exists (select from notifications.webhook_attempt a
          where a.event_id = d.event_id and a.webhook_id = d.webhook_id and a.status = 200)))::int as logged,
        (count(*) filter (where d.state = 'delivered' and w.url like '%/hanging-%'))::int as hanging_delivered
      from notifications.webhook_delivery d join notifications.webhook w on w.id = d.webhook_id`)
    if (!log) throw new Error('the log of deliveries cannot be read')
    const { events, deliveries, delivered, logged, hanging_delivered } = log
    const complete = delivered === teller.healthy && logged === delivered
    if (complete && events === teller.told && deliveries === events && hanging_delivered === 0) return log
    // What has arrived is written down a moment later.
    if (performance.now() > late_ms) {
      throw new Error(
        `told ${teller.told}, of them ${teller.healthy} to healthy webhooks; the log: ${JSON.stringify(log)}`,
      )
    }
    await delay(LOOK_MS)
  }
}

async function arrived(control: ReceiverControl, events: number): Promise<void> {
  const late_ms = performance.now() + SETTLE_S_MAX * 1_000
  while ((await control.summary()).events_taken < events) {
    if (performance.now() > late_ms) throw new Error(`not delivered: ${JSON.stringify(await control.summary())}`)
    await delay(LOOK_MS)
  }
}

/** As many events a second as it says, whatever a transaction takes. */
async function paced(teller: Teller, seconds: number): Promise<void> {
  const begin_ms = performance.now()
  for (let tick = 1; tick <= seconds * TICKS_PER_SECOND; tick++) {
    await teller.tell(EVENTS_PER_SECOND / TICKS_PER_SECOND)
    await delay(Math.max(0, begin_ms + (tick * 1_000) / TICKS_PER_SECOND - performance.now()))
  }
}

/** Tells of orders that ended, one user after another. */
class Teller {
  told = 0
  healthy = 0
  readonly #context: BenchContext
  readonly #users: readonly bigint[]

  constructor(context: BenchContext, users: readonly bigint[]) {
    this.#context = context
    this.#users = users
  }

  async tell(count: number): Promise<void> {
    const orders = Array.from({ length: count }, () => this.#next())
    await this.#context.app.db.transaction(async (tx) => emitOrders(tx, ordersSettled, orders))
  }

  #next() {
    const nth = this.told % WEBHOOKS
    this.told += 1
    if (nth % HANGS !== 0) this.healthy += 1
    const shown = { status: 'Completed' as const, charge: '0.90', currency: 'USD', start_count: '12', remains: '0' }
    return {
      order_id: BigInt(this.told),
      customer_id: this.#users[nth] as bigint,
      provider_id: 1n,
      state: 'completed' as const,
      version: 5n,
      shown: {
        ...shown,
        service: '1',
        quantity: '1000',
        request_id: null,
        drip_feed: null,
        run: null,
        subscription: null,
        post: null,
      },
    }
  }
}

async function makeWebhooks(context: BenchContext, base: string, control: ReceiverControl): Promise<bigint[]> {
  const { app, say } = context
  say(`Making ${WEBHOOKS} webhooks …`)
  const users = await makeUsers(context)
  const secrets = await openSecrets({ ...app.config, mode: 'sandbox' })
  const told: Record<string, string> = {}
  const make = async (nth: number) => {
    const hook = `${nth % HANGS === 0 ? 'hanging' : 'well'}-${nth}`
    const input = { user_id: users[nth] as bigint, url: `${base}/hooks/${hook}`, description: '', event_types: ['*'] }
    told[hook] = (await createWebhook(app, secrets, { ...input, signature: 'standard' }, SYSTEM)).secret
  }
  const maker = async (first: number) => {
    for (let nth = first; nth < WEBHOOKS; nth += MAKERS) await make(nth)
  }
  await Promise.all(Array.from({ length: MAKERS }, (_, first) => maker(first)))
  await control.setSecrets(told)
  return users
}

/** Hashing a thousand passwords would take longer than the run: all have one. */
async function makeUsers({ app }: BenchContext): Promise<bigint[]> {
  const { id } = await createUser(app, { email: `${newUuid()}@example.com`, password: newUuid(), role: 'customer' })
  const rows = await app.db.query<{ id: bigint }>(
    `insert into identity.user (email, password_hash, role)
    select 'bench-' || n || '@example.com', password_hash, role from identity.user, generate_series(1, $2::int) n where id = $1
    returning id`,
    [id, WEBHOOKS],
  )
  return rows.map((row) => row.id)
}
