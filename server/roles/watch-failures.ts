import type { App } from '#server/platform/app.ts'
import { RELEASE } from '#server/platform/config/release.ts'
import { openFailureMemory } from '#server/platform/failures/failure-memory.ts'
import { openSentry } from '#server/platform/sentry/open-sentry.ts'
import { reportFailure } from '#server/platform/telemetry/failures.ts'
import { maskText } from '#server/platform/telemetry/mask-text.ts'
import type { Progress } from './open-saldo.ts'

/** An error that nobody caught leaves the process in no known state: this long it may take to tell of it. */
const LAST_WORDS_MS = 3_000

/**
 * Has this process's failures remembered and, where it is configured, told to Sentry, the one among them that ends it: an error that nobody caught is logged, remembered, and ends the process with
 * code 1. `name` tells which process it is. `stop` before the database closes.
 */
export function watchFailures(app: App, name: string, say: Progress): { stop(): Promise<void> } {
  const memory = openFailureMemory(app, { process: name, release: RELEASE })
  const { sentry_dsn: dsn, mode: environment } = app.config
  const sentry = dsn === undefined ? undefined : openSentry(app, { dsn, release: RELEASE, environment })
  const lastWords = async () => void (await Promise.allSettled([memory.flush(), sentry?.flush()]))
  const forget = watchProcess(app, lastWords, say)
  return {
    stop: async () => {
      forget()
      await Promise.all([memory.close(), sentry?.close()])
    },
  }
}

function watchProcess(app: App, lastWords: () => Promise<void>, say: Progress): () => void {
  let ending = false
  const onUncaught = (error: unknown, origin: NodeJS.UncaughtExceptionOrigin) => {
    app.log.fatal({ err: error, origin }, 'an error that nobody caught ends the process')
    reportFailure({ kind: 'process', name: origin, error })
    if (ending) return
    ending = true
    // As Node itself would, for whoever sits at the terminal.
    say(maskText(error instanceof Error ? (error.stack ?? error.message) : String(error)))
    const end = () => process.exit(1)
    setTimeout(end, LAST_WORDS_MS)
    void lastWords().finally(end)
  }
  process.on('uncaughtException', onUncaught)
  return () => process.off('uncaughtException', onUncaught)
}
