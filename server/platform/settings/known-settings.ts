import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { parseSetting, type Setting, valueErrors } from './setting.ts'

/** A setting as the table has it. */
export interface StandingRow {
  name: string
  version: bigint
  /** JSON; null for the default. */
  value: string | null
}

interface Standing {
  version: bigint
  value: string | null
  /** What each setting that was asked for makes of the value. In practice one. */
  readings: Map<Setting<unknown>, unknown>
}

/** How fresh the knowledge of changes is; see `Listener`. */
export interface Freshness {
  listeningSince(): number | undefined
  confirmedAt(): number
}

/** The settings of the last read in memory, what they mean, and when they were last known to be true. Moments are `clock.monotonic_ms()`. */
export class KnownSettings {
  #by_name = new Map<string, Standing>()
  /** When the read began from which they are. */
  read_ms = Number.NEGATIVE_INFINITY
  /** No change was heard of since then; otherwise they may be older than one that we have heard of already. */
  settled = false
  #changes = 0
  readonly #freshness: Freshness
  readonly #app: { log: Log; metrics: Metrics }

  constructor(freshness: Freshness, app: { log: Log; metrics: Metrics }) {
    this.#freshness = freshness
    this.#app = app
  }

  /** Something was changed. */
  changed(): void {
    this.#changes += 1
    this.settled = false
  }

  /** Begins a read at `read_ms`; answers what takes its rows over. */
  begin(read_ms: number): (rows: readonly StandingRow[]) => void {
    const before = this.#changes
    return (rows) => {
      // Of two reads at once the one that began later has seen more.
      if (read_ms < this.read_ms) return
      this.#by_name = new Map(rows.map((row) => [row.name, this.#standing(row)]))
      this.read_ms = read_ms
      this.settled = before === this.#changes
    }
  }

  /** The last moment at which what is known was true: when it was read, or the last confirmation of a connection that has listened without a gap since then. */
  trueAt(): number {
    const since = this.#freshness.listeningSince()
    const heard = this.settled && since !== undefined && this.read_ms >= since
    return heard ? Math.max(this.read_ms, this.#freshness.confirmedAt()) : this.read_ms
  }

  /** See `Settings.read`. */
  read<T>(setting: Setting<T>): T {
    const standing = this.#by_name.get(setting.name)
    if (standing === undefined) return setting.default
    return standing.readings.has(setting) ? (standing.readings.get(setting) as T) : this.#interpret(setting, standing)
  }

  /** A version is written once, so what was made of it still holds. */
  #standing({ name, version, value }: StandingRow): Standing {
    const known = this.#by_name.get(name)
    return known?.version === version ? known : { version, value, readings: new Map() }
  }

  #interpret<T>(setting: Setting<T>, standing: Standing): T {
    const parsed = standing.value === null ? undefined : parseSetting(setting, JSON.parse(standing.value))
    const refused = parsed?.success === false
    const { log, metrics } = this.#app
    metrics
      .gauge('saldo_settings_invalid', 'Stored settings that are read as their default', ['name'])
      .set({ name: setting.name }, refused ? 1 : 0)
    if (refused) {
      const errors = valueErrors(parsed.error)
      const about = { setting: setting.name, version: standing.version, errors }
      log.error(about, 'stored setting is refused; its default holds')
    }
    const value = parsed?.success ? parsed.data : setting.default
    standing.readings.set(setting, value)
    return value
  }
}
