import type { Clock } from '#server/kit/clock.ts'
import type { Log } from '#server/platform/telemetry/log.ts'

/** "Last used" is told to the minute; more often would cost a write a request. */
export const TOUCH_EACH_MS = 60_000
const FLUSH_EACH_MS = 10_000
/** What is marked between two flushes. Beyond, marks are left out: the next use in a minute makes up for it. */
const MARKS_MAX = 20_000

/** Collects when credentials were last used, and writes it now and then, off the path of requests. */
export class LastSeen<Id> {
  readonly #write: (marks: ReadonlyMap<Id, Date>) => Promise<void>
  readonly #clock: Clock
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #marks = new Map<Id, Date>()
  #writing: Promise<void> = Promise.resolve()

  constructor(app: { clock: Clock; log: Log }, write: (marks: ReadonlyMap<Id, Date>) => Promise<void>) {
    this.#write = write
    this.#clock = app.clock
    this.#log = app.log
    this.#timer = setInterval(() => void this.flush(), FLUSH_EACH_MS)
    this.#timer.unref()
  }

  /** Marks `credential` as used now, at most once a minute. */
  touch(credential: { touched_ms: number }, id: Id): void {
    const now = this.#clock.monotonic_ms()
    if (now - credential.touched_ms < TOUCH_EACH_MS || this.#marks.size >= MARKS_MAX) return
    credential.touched_ms = now
    this.#marks.set(id, this.#clock.now())
  }

  /** Writes what was marked. A failure is logged and its marks are given up: they are only a hint to the owner. */
  async flush(): Promise<void> {
    const marks = this.#marks
    this.#marks = new Map()
    this.#writing = this.#writing.then(async () => {
      if (marks.size === 0) return
      try {
        await this.#write(marks)
      } catch (error) {
        this.#log.error({ err: error, marks: marks.size }, 'when credentials were last used could not be written')
      }
    })
    await this.#writing
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }
}
