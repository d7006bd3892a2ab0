/**
 * Permissions are words joined by colons, such as `orders:place:own` or `users:edit:trader:17`. A pattern stands for many of them: `*` for any word, as the last one for one or
 * more, and `{id}` for any number. A route may leave words open: `users:read:{role}:{id}`.
 */
export type Pattern = readonly string[]

// Longer ones are refused when they are granted; see `identity.are_patterns`.
const PATTERN = /^(\*|\{id\}|[a-z0-9][a-z0-9_-]{0,39})(:(\*|\{id\}|[a-z0-9][a-z0-9_-]{0,39})){0,7}$/

const ANY = '*'
const NUMBER = '{id}'
/** The last word of `orders:*`. */
const REST = '**'

/** Whether `text` may be granted or denied. */
export function isPattern(text: string): boolean {
  return PATTERN.test(text)
}

/** The words of a pattern or of a route's permission, ready to be compared. */
export function parsePattern(text: string): Pattern {
  const words = text.split(':')
  return words.map((word, i) => {
    if (word === ANY) return i === words.length - 1 ? REST : ANY
    return word.startsWith('{') && word !== NUMBER ? ANY : word
  })
}

/** Whether all that `inner` stands for is in `outer`. */
export function contains(outer: Pattern, inner: Pattern): boolean {
  for (let i = 0; i < outer.length; i++) {
    const word = inner[i]
    if (word === undefined || word === '') return false
    if (outer[i] === REST) return !inner.includes('', i)
    if (word === REST || !wordContains(outer[i] as string, word)) return false
  }
  return inner.length === outer.length
}

/** Whether something is in both. */
export function overlaps(a: Pattern, b: Pattern): boolean {
  for (let i = 0; i < a.length; i++) {
    if (b[i] === undefined) return false
    if (a[i] === REST || b[i] === REST) return true
    if (!wordContains(a[i] as string, b[i] as string) && !wordContains(b[i] as string, a[i] as string)) return false
  }
  return a.length === b.length
}

function wordContains(outer: string, inner: string): boolean {
  if (outer === ANY || outer === inner) return true
  return outer === NUMBER && /^\d+$/.test(inner)
}

/** Puts values in place of `{names}`; a value that is no word leaves its place open. */
export function filled(permission: string, values: Readonly<Record<string, string | undefined>>): string {
  return permission.replace(/\{(\w+)\}/g, (open, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    return value !== undefined && /^[a-z0-9_-]{1,40}$/.test(value) ? value : open
  })
}
