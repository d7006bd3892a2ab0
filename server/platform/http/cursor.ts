import { ProblemError } from './problem.ts'

/** The cursor was not made by this list. */
export class CursorError extends ProblemError {
  override name = 'CursorError'

  constructor() {
    super({
      code: 'invalid_cursor',
      status: 400,
      title: 'The cursor is not valid',
      detail: 'Take the cursor from the Link header or the body of the page before, unchanged.',
      field: 'cursor',
    })
  }
}

/** A longer cursor was not made by us: the longest key is a few hundred characters. */
const CURSOR_CHARS_MAX = 1_000

const FORMS = {
  /** A whole number of PostgreSQL's bigint. */
  bigint: {
    write: (value: bigint) => value.toString(),
    read: (text: string) => {
      if (!/^-?\d{1,19}$/.test(text)) return undefined
      const value = BigInt(text)
      return BigInt.asIntN(64, value) === value ? value : undefined
    },
  },
  /** A time as PostgreSQL writes it in JSON or text, to the microsecond; a Date would lose three digits and rows with them. */
  timestamp: {
    write: (value: string) => value,
    read: (text: string) => (TIMESTAMP.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined),
  },
  /** Any text. */
  text: {
    write: (value: string) => value,
    read: (text: string) => (text.isWellFormed() && !text.includes('\0') ? text : undefined),
  },
} as const

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)$/

type KeyForms = Readonly<Record<string, keyof typeof FORMS>>
type Keys<K extends KeyForms> = { [N in keyof K]: K[N] extends 'bigint' ? bigint : string }

/**
 * Cursors of a list ordered by the keys named: `keysetCursor({ created_at: 'timestamp', id: 'bigint' })`. A cursor is the keys of the last row
 * shown, opaque to the caller; the list's own conditions, such as the owner, are never in it.
 */
export function keysetCursor<const K extends KeyForms>(forms: K) {
  const names = Object.keys(forms)
  return {
    /** The cursor behind this row. */
    encode(row: Readonly<Keys<K>>): string {
      const fields = row as Readonly<Record<string, never>>
      const keys = names.map((name) => [name, formOf(forms, name).write(fields[name] as never)])
      return Buffer.from(JSON.stringify(Object.fromEntries(keys))).toString('base64url')
    },
    /** The end of a page whose rows are these: where the next one begins, told in the answer and in its `Link` header. */
    next(
      request: { url: string },
      reply: { header(name: string, value: string): unknown },
      rows: readonly Readonly<Keys<K>>[],
      has_more: boolean,
    ): { has_more: boolean; next_cursor: string | null } {
      const last = rows.at(-1)
      if (!has_more || !last) return { has_more, next_cursor: null }
      const next_cursor = this.encode(last)
      reply.header('link', nextLink(request.url, next_cursor))
      return { has_more, next_cursor }
    },
    /** The keys of the row to go on behind. Throws CursorError on anything that `encode` of this list did not make. */
    decode(cursor: string): Keys<K> {
      const stored = parsed(cursor)
      if (stored === undefined || Object.keys(stored).length !== names.length) throw new CursorError()
      const keys = names.map((name) => {
        const text = Object.hasOwn(stored, name) ? stored[name] : undefined
        const value = typeof text === 'string' ? formOf(forms, name).read(text) : undefined
        if (value === undefined) throw new CursorError()
        return [name, value] as const
      })
      return Object.fromEntries(keys) as Keys<K>
    },
  }
}

function formOf(forms: KeyForms, name: string) {
  return FORMS[forms[name] ?? 'text']
}

function parsed(cursor: string): Record<string, unknown> | undefined {
  if (cursor.length > CURSOR_CHARS_MAX || !/^[\w-]+$/.test(cursor)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** The `Link` header of a page that another follows: the request's own address with the cursor put in. `request_url` is path and query. */
function nextLink(request_url: string, cursor: string): string {
  const url = new URL(`http://localhost${request_url}`)
  url.searchParams.set('cursor', cursor)
  return `<${url.pathname}${url.search}>; rel="next"`
}
