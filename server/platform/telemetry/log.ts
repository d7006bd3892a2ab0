import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { correlationIds } from './correlation.ts'
import { maskText } from './mask-text.ts'
import { isSecretField } from './secret-fields.ts'
import { maskSecretValues } from './secret-values.ts'

/** Structured log, one JSON object a line: `log.info({ order_id }, 'order placed')`. Secrets never go in. */
export type Log = Logger

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Which process speaks: `saldo`, `saldo-worker`. */
  name?: string
  /** Where lines go; standard output without it. */
  destination?: DestinationStream
}

/** Deeper values are cut: a log line is no dump. */
const DEPTH_MAX = 6
/** Longer lists and longer texts are cut. */
const ITEMS_MAX = 50
const TEXT_MAX = 8_000

const MASK = '***'

/** Opens the log. Secrets are masked at every depth, by the name of their field and by their form, and the ids given to `correlate` are on each line. */
export function openLog(options: LogOptions): Log {
  const log = pino(
    {
      level: options.level,
      base: options.name === undefined ? null : { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => loggable(fields, 0) as Record<string, unknown>,
      },
      // The formatter above has serialised errors before these would see them.
      serializers: { err: (value: unknown) => value },
      mixin: () => ({ ...correlationIds() }),
    },
    options.destination ?? pino.destination({ fd: 1, sync: false }),
  )
  // pino formats the bindings of the first logger only; children inherit this function with the logger.
  const child = log.child
  log.child = function (this: Log, bindings: object, childOptions?: object) {
    return Reflect.apply(child, this, [loggable(bindings, 0), childOptions])
  } as typeof log.child
  return log
}

/** A copy of what a line carries, without secrets and within limits; bigint as text. */
function loggable(value: unknown, depth: number, mask = maskSecretValues): unknown {
  switch (typeof value) {
    case 'string':
      return loggableText(value, mask)
    case 'bigint':
      return value.toString()
    case 'object':
      break
    default:
      return value
  }
  if (value === null || value instanceof Date) return value
  if (depth >= DEPTH_MAX) return '…'
  // Errors quote what others were sent. Too dear for every text of every line.
  if (value instanceof Error) return loggableFields(stdSerializers.err(value), depth, maskText)
  if (Buffer.isBuffer(value)) return `${value.length} bytes`
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => loggable(item, depth + 1, mask))
  if (value instanceof Map) return loggableFields(Object.fromEntries(value), depth, mask)
  if (value instanceof Set) return loggable([...value], depth, mask)
  return loggableFields(value, depth, mask)
}

/** PostgreSQL quotes the row that it refuses, and others what they were sent. A secret that the first cut parts is cut off by the second. */
function loggableText(text: string, mask: typeof maskText): string {
  const masked = mask(text.length > 2 * TEXT_MAX ? text.slice(0, 2 * TEXT_MAX) : text)
  return masked.length > TEXT_MAX ? `${masked.slice(0, TEXT_MAX)}…` : masked
}

function loggableFields(fields: object, depth: number, mask: typeof maskText): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    result[name] = isSecretField(name) ? MASK : loggable(value, depth + 1, mask)
  }
  return result
}
