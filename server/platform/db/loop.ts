import { type Backoff, backoff_ms } from '#server/kit/backoff.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import { uncorrelated } from '../telemetry/correlation.ts'
import { reportFailure } from '../telemetry/failures.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** A worker whose queue is the state of rows: it looks for work, does it, and looks again. */
export interface LoopOptions {
  /** `orders.dispatch`: domain, dot, what it does. */
  name: string
  /** One pass: claims some work and does it. True when there may be more at once. */
  run: () => Promise<boolean>
  /** How long to wait after a pass that found no more, unless woken. */
  idle_ms: number
  /** The least time between two passes when the first found no more; a wake meanwhile is heeded then. None without it. */
  rest_ms?: number
  log: Log
  metrics: Metrics
  /** Waits after passes that threw; a wake does not shorten them. */
  backoff?: Backoff
}

export interface Loop {
  /** There is work: look at once, or once more if a pass is under way. */
  wake(): void
  /** Ends after the pass under way. May be called twice. */
  stop(): Promise<void>
}

/** Half a minute: a database that is away for long should be tried again soon after it returned. */
const BACKOFF: Backoff = { base_ms: 100, max_ms: 30_000 }

/** A database that restarts fails a pass or two; this many in a row take some seconds, and someone should know. */
const LOUD_FAILURES = 5

const PASS_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** Starts the loop. A pass that throws is logged and counted, and tried again after a growing wait; it never ends the loop. */
export function startLoop(options: LoopOptions): Loop {
  const { name, run, idle_ms, rest_ms = 0, log, backoff = BACKOFF } = options
  const passes = options.metrics.counter('saldo_loop_passes_total', 'Passes of a worker loop', ['loop', 'outcome'])
  const duration = options.metrics.histogram('saldo_loop_pass_seconds', 'Length of a pass', PASS_SECONDS, ['loop'])
  const sleeper = new Sleeper()
  let stopping = false
  let failures = 0

  async function pass(): Promise<boolean> {
    const endTimer = duration.startTimer({ loop: name })
    try {
      const more = await run()
      passes.inc({ loop: name, outcome: more ? 'more' : 'idle' })
      if (failures > 0) log.info({ loop: name, failures }, 'loop recovered')
      failures = 0
      return more
    } catch (err) {
      failures += 1
      passes.inc({ loop: name, outcome: 'failed' })
      log.error({ loop: name, failures, err }, 'loop pass failed')
      if (failures >= LOUD_FAILURES || err instanceof InvariantError) reportFailure({ kind: 'loop', name, error: err })
      return false
    } finally {
      endTimer()
    }
  }

  async function go(): Promise<void> {
    while (!stopping) {
      sleeper.woken = false
      const more = await pass()
      if (stopping) return
      if (failures > 0) await sleeper.sleep(backoff_ms(failures, backoff), 'stopping only')
      else if (!more) await restAndIdle()
    }
  }

  async function restAndIdle(): Promise<void> {
    if (rest_ms > 0) await sleeper.sleep(rest_ms, 'stopping only')
    if (!sleeper.woken) await sleeper.sleep(idle_ms - rest_ms, 'wakeable')
  }

  const ended = uncorrelated(go)
  return {
    wake: () => sleeper.wake('wakeable'),
    stop: () => {
      stopping = true
      sleeper.wake('stopping only')
      return ended
    },
  }
}

type Depth = 'wakeable' | 'stopping only'

/** One sleeper's bed: sleeps for a time, or until woken. */
class Sleeper {
  /** Whether someone called while no one slept. */
  woken = false
  #depth: Depth = 'wakeable'
  #rise: (() => void) | undefined

  sleep(ms: number, depth: Depth): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#rise?.(), ms)
      this.#depth = depth
      this.#rise = () => {
        clearTimeout(timer)
        this.#rise = undefined
        resolve()
      }
    })
  }

  wake(by: Depth): void {
    this.woken = true
    if (by === 'stopping only' || this.#depth === 'wakeable') this.#rise?.()
  }
}
