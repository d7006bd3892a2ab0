import type { App } from '#server/platform/app.ts'
import { int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Log } from '#server/platform/telemetry/log.ts'

/** What a key was used for. */
export interface KeyTally {
  /** Requests whose key was right, by door. */
  rest_requests: number
  panel_requests: number
  /** Requests from where the key may not be used. */
  foreign_requests: number
  rate_limited: number
  orders: number
  /** Their charges, in minor units. */
  spent: bigint
  orders_refused: number
  /** From which networks it was used, NETWORKS_MAX at the most. */
  networks: Set<string>
}

/** Of a key between two writings. Who has so many is suspected long before. */
export const NETWORKS_MAX = 500

/** The columns of a KeyTally. */
const TALLY_COLUMNS = [
  'rest_requests',
  'panel_requests',
  'foreign_requests',
  'rate_limited',
  'orders',
  'spent',
  'orders_refused',
] as const satisfies readonly (keyof KeyTally)[]

const FLUSH_EACH_MS = 10_000

/** Keys that are counted between two flushes. What others do meanwhile is not counted: it takes as many keys as one process keeps in memory. */
const KEYS_MAX = 20_000

const NAMES = TALLY_COLUMNS.join(', ')

// Of a key that is gone nothing is kept. Sorted, so that two processes that write at once take turns.
const WRITE = statement(`
  insert into identity.key_hour (key_id, hour, spell, ${NAMES})
  select k.id, date_trunc('hour', $1::timestamptz, 'UTC'), k.spell, ${TALLY_COLUMNS.map((name) => `used.${name}`).join(', ')}
  from unnest($2::bigint[], ${TALLY_COLUMNS.map((_, i) => `$${i + 3}::bigint[]`).join(', ')}) as used (key_id, ${NAMES})
  join identity.api_key k on k.id = used.key_id
  order by 1
  on conflict (key_id, hour, spell) do update set ${TALLY_COLUMNS.map((name) => `${name} = key_hour.${name} + excluded.${name}`).join(', ')}`)

// What is no address that we know how to count is not kept.
const WRITE_NETWORKS = statement(`
  insert into identity.key_network (key_id, hour, spell, network)
  select k.id, date_trunc('hour', $1::timestamptz, 'UTC'), k.spell, used.network::inet
  from unnest($2::bigint[], $3::text[]) as used (key_id, network) join identity.api_key k on k.id = used.key_id
  where used.network <> 'unknown'
  order by 1, 4
  on conflict (hour, key_id, spell, network) do nothing`)

/**
 * Counts what keys are used for, in memory, and writes it every few seconds, off the path of requests. What was not written when the process is killed is lost, and what is
 * written counts for the hour of the writing: these figures are for looking at, and money is never reckoned by them.
 */
export class KeyUse {
  readonly #app: Pick<App, 'db' | 'clock'>
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #tallies = new Map<bigint, KeyTally>()
  #writing: Promise<void> = Promise.resolve()

  constructor(app: Pick<App, 'db' | 'clock' | 'log'>) {
    this.#app = app
    this.#log = app.log
    this.#timer = setInterval(() => void this.flush(), FLUSH_EACH_MS)
    this.#timer.unref()
  }

  /** The figures of a key since the last writing, for the caller to add to. */
  of(key_id: bigint): KeyTally {
    const known = this.#tallies.get(key_id)
    if (known) return known
    const tally = { ...NOTHING, networks: new Set<string>() }
    if (this.#tallies.size < KEYS_MAX) this.#tallies.set(key_id, tally)
    return tally
  }

  /** Writes what was counted. A failure is logged and its figures are given up. */
  async flush(): Promise<void> {
    const tallies = this.#tallies
    this.#tallies = new Map()
    this.#writing = this.#writing.then(async () => {
      if (tallies.size === 0) return
      try {
        await this.#write(tallies)
      } catch (error) {
        this.#log.error({ err: error, keys: tallies.size }, 'what keys were used for could not be written')
      }
    })
    await this.#writing
  }

  async #write(tallies: ReadonlyMap<bigint, KeyTally>): Promise<void> {
    const all = [...tallies.values()]
    const now = this.#app.clock.now()
    const seen = [...tallies].flatMap(([key_id, { networks }]) => [...networks].map((network) => ({ key_id, network })))
    await this.#app.db.query(WRITE_NETWORKS, [
      now,
      int8Array(seen.map(({ key_id }) => key_id)),
      textArray(seen.map(({ network }) => network)),
    ])
    await this.#app.db.query(WRITE, [
      now,
      int8Array([...tallies.keys()]),
      ...TALLY_COLUMNS.map((name) => plainArray(all.map((tally) => String(tally[name])))),
    ])
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }
}

const NOTHING: Omit<KeyTally, 'networks'> = {
  rest_requests: 0,
  panel_requests: 0,
  foreign_requests: 0,
  rate_limited: 0,
  orders: 0,
  spent: 0n,
  orders_refused: 0,
}
