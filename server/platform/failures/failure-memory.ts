import { AsyncLocalStorage } from 'node:async_hooks'
import { backoff_ms } from '#server/kit/backoff.ts'
import type { App } from '../app.ts'
import { type Failure, onFailure } from '../telemetry/failures.ts'
import { occurrenceOf, WaitingFailures } from './waiting-failures.ts'
import { writeFailures } from './write-failures.ts'

/** How long a failure may wait in memory, so that many are one write. */
const FLUSH_MS = 500

/** While the database does not take them. */
const BACKOFF = { base_ms: 1_000, max_ms: 30_000 }

/** Failures looked at between two writes: to describe one takes some 50 µs, and a storm of them must not take the processor. The rest is dropped and counted. */
const DESCRIBED_MAX = 2_000

/** Remembers the failures of this process in the database. */
export interface FailureMemory {
  /** Writes what waits, once; comes when that was tried. For a process on its way down. */
  flush(): Promise<void>
  /** Takes no more and writes what waits. Before the database closes. */
  close(): Promise<void>
}

/** What the failures are remembered under. */
export interface FailureOrigin {
  /** Which process: `saldo-worker`. */
  process: string
  /** Which version of the product. */
  release: string
}

/**
 * Opens the memory. Whoever fails only leaves the failure in this process's memory; it is grouped there and written beside the work, again and again until the
 * database takes it. What is too much is dropped and counted.
 */
export function openFailureMemory(
  app: Pick<App, 'db' | 'log' | 'metrics' | 'clock'>,
  origin: FailureOrigin,
): FailureMemory {
  const { reported, dropped } = countersOf(app)
  // A failure may be reported within a transaction, of which its writing is no part.
  const inOwnContext = AsyncLocalStorage.snapshot()
  const waiting = new WaitingFailures()
  let described = 0
  let tries = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let closed = false

  function take(failure: Failure): void {
    reported.inc({ kind: failure.kind })
    described += 1
    if (described > DESCRIBED_MAX || !waiting.add(occurrenceOf(failure, app.clock.now()))) dropped.inc()
    if (tries === 0) schedule(FLUSH_MS)
  }

  function schedule(wait_ms: number): void {
    if (closed || timer !== undefined) return
    inOwnContext(() => {
      timer = setTimeout(() => void write(), wait_ms).unref()
    })
  }

  function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing ??= inOwnContext(writeOnce).finally(() => {
      writing = undefined
    })
    return writing
  }

  async function writeOnce(): Promise<void> {
    const batch = waiting.takeAll()
    described = 0
    if (batch.length === 0) return
    try {
      dropped.inc(await writeFailures(app.db, batch, origin))
      tries = 0
    } catch (err) {
      tries += 1
      app.log.warn({ err, failures: batch.length, tries }, 'failures could not be remembered; trying again')
      for (const each of batch) if (!waiting.add(each)) dropped.inc(each.count)
      schedule(backoff_ms(tries, BACKOFF))
    }
    if (tries === 0 && waiting.size > 0) schedule(FLUSH_MS)
  }

  const forget = onFailure(take)
  return {
    flush: async () => {
      await writing
      await write()
    },
    close: async () => {
      forget()
      closed = true
      await writing
      await write()
      for (const each of waiting.takeAll()) dropped.inc(each.count)
    },
  }
}

function countersOf({ metrics }: Pick<App, 'metrics'>) {
  return {
    reported: metrics.counter('saldo_failures_total', 'Failures that nobody foresaw', ['kind']),
    dropped: metrics.counter(
      'saldo_failures_dropped_total',
      'Failures that were not remembered, because too many came at once',
    ),
  }
}
