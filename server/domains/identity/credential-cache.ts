import type { Clock } from '#server/kit/clock.ts'
import { coalesce, QueueFullError } from '#server/kit/coalesce.ts'
import { BusyError } from './errors.ts'

/** What is in memory may be used so long after it was last known to be true. With a heartbeat each 250 ms it hides short pauses, and keeps a second's promise. */
export const LEASE_MS = 900
/** A net below the notifications: nothing lives longer without being read again. */
const ENTRY_MAX_MS = 5 * 60_000
/** About a kilobyte each. Who comes beyond is read from the database. */
const KNOWN_MAX = 20_000
/** How coarse "least recently used" is. */
const TOUCH_MS = 1_000
/** Refused digests, kept for one lease: the same wrong key again and again costs one read a second. */
const UNKNOWN_MAX = 10_000
/** One statement reads so many. A flood of random keys is read in such batches, one after another, and takes no more than two connections. */
const READ_MAX = 500
const LANES = 2
const WAITING_MAX = 5_000

/** How fresh the knowledge of changes is; see `Listener`. */
export interface Freshness {
  listeningSince(): number | undefined
  confirmedAt(): number
}

interface Entry<V> {
  value: V
  /** When the read began. */
  read_ms: number
  /** When it was last moved to the end of the line of those to be dropped. */
  touched_ms: number
  /** No change of anything was heard during the read; otherwise the value may be older than a change that we have heard already. */
  settled: boolean
}

/**
 * Credentials by the digest of their secret, bounded, least recently used out first. An entry is used only within LEASE_MS of the moment at which it was
 * last known to be true: when it was read, or the last heartbeat of a connection that has listened without a gap since then.
 * So a revocation is effective within a second also when the listening connection is down or hangs.
 */
export class CredentialCache<V> {
  readonly #known = new Map<string, Entry<V>>()
  readonly #unknown = new Map<string, number>()
  readonly #read: (digest: string) => Promise<V | undefined>
  readonly #freshness: Freshness
  readonly #clock: Clock
  #changes = 0

  constructor(read: (digests: readonly string[]) => Promise<Map<string, V>>, freshness: Freshness, clock: Clock) {
    this.#freshness = freshness
    this.#clock = clock
    this.#read = coalesce(
      async (digests: string[]) => {
        const found = await read(digests)
        return digests.map((digest) => found.get(digest))
      },
      { max: READ_MAX, lanes: LANES, queue_max: WAITING_MAX },
    )
  }

  /** The credential of `digest`, from memory or the database; undefined when there is none. Throws BusyError when too many wait. */
  async find(digest: string): Promise<V | undefined> {
    const now = this.#clock.monotonic_ms()
    const entry = this.#known.get(digest)
    if (entry && this.#mayBeUsed(entry, now)) {
      this.#touch(digest, entry, now)
      return entry.value
    }
    const refused_ms = this.#unknown.get(digest)
    if (refused_ms !== undefined && now - refused_ms < LEASE_MS) return undefined
    return this.#readNow(digest, now)
  }

  /** Forgets one credential. */
  forget(digest: string): void {
    this.#changes += 1
    this.#known.delete(digest)
    this.#unknown.delete(digest)
  }

  /** Forgets all for which `predicate` holds, and all refusals. */
  forgetWhere(predicate: (value: V) => boolean): void {
    this.#changes += 1
    this.#unknown.clear()
    for (const [digest, entry] of this.#known) if (predicate(entry.value)) this.#known.delete(digest)
  }

  /** Moves it to the end, away from what is dropped first. Not at each use: of thousands a second that would be the dearest part. */
  #touch(digest: string, entry: Entry<V>, now: number): void {
    if (now - entry.touched_ms < TOUCH_MS) return
    entry.touched_ms = now
    this.#known.delete(digest)
    this.#known.set(digest, entry)
  }

  #mayBeUsed(entry: Entry<V>, now: number): boolean {
    const since = this.#freshness.listeningSince()
    const heard = entry.settled && since !== undefined && entry.read_ms >= since
    const true_ms = heard ? Math.max(entry.read_ms, this.#freshness.confirmedAt()) : entry.read_ms
    return now - true_ms < LEASE_MS && now - entry.read_ms < ENTRY_MAX_MS
  }

  async #readNow(digest: string, read_ms: number): Promise<V | undefined> {
    const changes = this.#changes
    const value = await this.#readOrBusy(digest)
    this.#known.delete(digest)
    this.#unknown.delete(digest)
    if (value === undefined) remember(this.#unknown, digest, read_ms, UNKNOWN_MAX)
    else
      remember(
        this.#known,
        digest,
        { value, read_ms, touched_ms: read_ms, settled: changes === this.#changes },
        KNOWN_MAX,
      )
    return value
  }

  async #readOrBusy(digest: string): Promise<V | undefined> {
    try {
      return await this.#read(digest)
    } catch (error) {
      if (error instanceof QueueFullError) throw new BusyError()
      throw error
    }
  }
}

function remember<T>(map: Map<string, T>, digest: string, value: T, max: number): void {
  map.set(digest, value)
  if (map.size <= max) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
