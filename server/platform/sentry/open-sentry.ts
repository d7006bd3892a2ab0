import { AsyncLocalStorage } from 'node:async_hooks'
import { Scope } from '@sentry/core'
import { ServerRuntimeClient } from '@sentry/core/server'
import type { App } from '../app.ts'
import { type DescribedFailure, describeFailure } from '../failures/describe-failure.ts'
import { type Failure, onFailure } from '../telemetry/failures.ts'
import { outboundTransport } from './outbound-transport.ts'
import { sentryEvent } from './sentry-event.ts'

export interface SentryOptions {
  dsn: string
  release: string
  /** `production`, `sandbox`. */
  environment: string
}

/** One of a kind a minute says that it goes on; the count since goes with it. */
const SAME_EACH_MS = 60_000

/** In a minute, of whatever kinds: Sentry is for finding out, not for counting. */
const EVENTS_A_MINUTE = 60

/** Kinds remembered; a process that fails in more ways has other worries. */
const KINDS_MAX = 500

/** Failures looked at in a minute. */
const LOOKED_AT_A_MINUTE = 1_000

/** What is under way when the process stops may take this long. */
const FLUSH_MS = 2_000

/**
 * Forwards failures to Sentry, beside the work that failed: whoever fails never waits for it, and a Sentry that is slow or gone costs events that are
 * counted, nothing else. Secrets and people are left out.
 */
export function openSentry(
  app: Pick<App, 'outbound' | 'metrics' | 'clock'>,
  { dsn, release, environment }: SentryOptions,
): { flush(): Promise<void>; close(): Promise<void> } {
  const events = app.metrics.counter('saldo_sentry_events_total', 'Failures by what became of telling Sentry', [
    'outcome',
  ])
  const client = new ServerRuntimeClient({
    dsn,
    release,
    environment,
    integrations: [],
    // No spans, no breadcrumbs, no reports of its own: what is told is made in sentry-event.ts alone.
    traceLifecycle: 'static',
    sendClientReports: false,
    stackParser: () => [],
    transport: outboundTransport(app.outbound, (outcome) => events.inc({ outcome })),
  })
  const due = rationOf(app.clock)
  // A failure may be reported within a transaction, in which nothing may be called.
  const inOwnContext = AsyncLocalStorage.snapshot()

  function tell(failure: Failure): void {
    const described = due.look() ? describeFailure(failure) : undefined
    const since = described && due.take(described.fingerprint)
    if (since === undefined) events.inc({ outcome: 'held_back' })
    else
      inOwnContext(() =>
        client.captureEvent(sentryEvent(failure, described as DescribedFailure, since), {}, new Scope()),
      )
  }

  const forget = onFailure(tell)
  const flush = async () => {
    await client.flush(FLUSH_MS)
  }
  return {
    flush,
    close: async () => {
      forget()
      await flush()
    },
  }
}

/** Who may be told now. */
function rationOf(clock: App['clock']) {
  const kinds = new Map<string, { told_ms: number; since: number }>()
  let minute_ms = Number.NEGATIVE_INFINITY
  let looked = 0
  let told = 0
  return {
    /** Whether there is time to look at another. */
    look(): boolean {
      const now_ms = clock.monotonic_ms()
      if (now_ms - minute_ms >= SAME_EACH_MS) {
        minute_ms = now_ms
        looked = 0
        told = 0
      }
      looked += 1
      return looked <= LOOKED_AT_A_MINUTE
    },
    /** How many of the kind came since the last that was told, this one included; undefined when this one is not to be told. */
    take(kind: string): number | undefined {
      const now_ms = clock.monotonic_ms()
      const known = kinds.get(kind)
      if (!known && kinds.size >= KINDS_MAX) return undefined
      const since = (known?.since ?? 0) + 1
      const isDue = told < EVENTS_A_MINUTE && (!known || now_ms - known.told_ms >= SAME_EACH_MS)
      kinds.set(
        kind,
        isDue ? { told_ms: now_ms, since: 0 } : { told_ms: known?.told_ms ?? Number.NEGATIVE_INFINITY, since },
      )
      if (!isDue) return undefined
      told += 1
      return since
    },
  }
}
