import type { Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { type Loop, startLoop } from '#server/platform/db/loop.ts'
import { CANCELS_LOOP, sendCancels, sweepCancels } from './cancelling/send-cancels.ts'
import { pollRefills, REFILL_POLLS_LOOP } from './refilling/poll-refills.ts'
import { REFILLS_LOOP, sendRefills, sweepRefills } from './refilling/send-refills.ts'

/** Nobody waits for the answer to a wish as for an order. */
const FIND_IDLE_MS = 1_000
/** A crew is woken when there is something to ask; this is for a wake that went astray. */
const CREW_IDLE_MS = 10_000

const WORK = [
  [CANCELS_LOOP, sendCancels],
  [REFILLS_LOOP, sendRefills],
  [REFILL_POLLS_LOOP, pollRefills],
] as const

/** Starts asking providers for what is wanted of orders that are placed. Any number of workers may do so at once; none waits for another's provider. */
export function startAfterSalesWork(app: App, providers: Providers): { stop(): Promise<void> } {
  const { log, metrics } = app
  const crews = new Map<bigint, Loop[]>()

  async function find(): Promise<boolean> {
    await sweepCancels(app)
    await sweepRefills(app)
    for (const { provider_id } of await app.db.query<{ provider_id: bigint }>(providersToAsk)) {
      const crew = crews.get(provider_id) ?? startCrew(provider_id)
      crews.set(provider_id, crew)
      for (const each of crew) each.wake()
    }
    return false
  }

  /** Each on its own: where one kind of wish cannot be worked on, the others are. */
  function startCrew(provider_id: bigint): Loop[] {
    return WORK.map(([name, work]) => {
      return startLoop({ name, run: () => work(app, providers, provider_id), idle_ms: CREW_IDLE_MS, log, metrics })
    })
  }

  const finder = startLoop({ name: 'orders.after-sales.find', run: find, idle_ms: FIND_IDLE_MS, log, metrics })
  return {
    stop: async () => {
      await finder.stop()
      await Promise.all([...crews.values()].flat().map((each) => each.stop()))
    },
  }
}

const providersToAsk = statement(`
  select distinct o.provider_id
  from (select order_id from orders.cancel_request where state = 'asked' and next_try_at <= now() order by next_try_at limit 1000) due
  join orders.orders o on o.id = due.order_id
  union
  select p.id from providers.provider p
  where exists (select from orders.refill r where r.provider_id = p.id and r.next_try_at <= now())`)
