import type { Logger } from 'pino'

/** Structured log, one JSON object a line: `log.info({ order_id }, 'order placed')`. Secrets never go in. */
export type Log = Logger
