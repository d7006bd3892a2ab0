import type { z } from 'zod'
import { type FieldError, InvalidRequestError } from './problem.ts'

/** More are not listed: who sends a thousand bad items needs no thousand reasons. */
const ERRORS_MAX = 20

/** Names of fields may come from the caller. */
const FIELD_CHARS_MAX = 100

const PARTS: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
}

/** Fastify's validator compiler for zod: what does not fit is an InvalidRequestError with each field and its reason. */
export function zodValidatorCompiler(route: { schema: unknown; httpPart?: string }) {
  const schema = route.schema as z.ZodType
  const part = PARTS[route.httpPart ?? 'body'] ?? 'body'
  return (data: unknown): { value: unknown } | { error: InvalidRequestError } => {
    const parsed = schema.safeParse(data)
    return parsed.success ? { value: parsed.data } : { error: new InvalidRequestError(fieldErrors(parsed.error, part)) }
  }
}

/** The fields that a zod schema refused, with reasons in plain English. `part` names the whole, where no field is to be named. */
export function fieldErrors(error: z.ZodError, part: string): FieldError[] {
  const errors: FieldError[] = []
  for (const issue of error.issues) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined]
    for (const key of keys) {
      if (errors.length === ERRORS_MAX) return errors
      errors.push({
        field: fieldName(key === undefined ? issue.path : [...issue.path, key], part),
        reason: reasonOf(issue),
      })
    }
  }
  return errors
}

/** `items.0.link`, or the part's name for the whole of it. */
export function fieldName(path: readonly PropertyKey[], part: string): string {
  if (path.length === 0) return part
  return path.map(String).join('.').slice(0, FIELD_CHARS_MAX).toWellFormed()
}

/** A schema's own message wins; zod's own wording is replaced by ours. */
function reasonOf(issue: z.core.$ZodIssue): string {
  if (!/^(?:Invalid|Too|Unrecognized)\b/.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return isMissing(issue) ? 'is required' : `must be ${typeWords(issue.expected)}`
    case 'too_small':
      return tooSmall(issue)
    case 'too_big':
      return tooBig(issue)
    case 'invalid_format':
      return `must be ${FORMATS[issue.format] ?? 'in the form expected'}`
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return 'is not a known field'
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return 'is not as expected'
  }
}

/** Fastify gives null for a body that was not sent. */
function isMissing(issue: z.core.$ZodIssueInvalidType): boolean {
  return (
    issue.message.endsWith('received undefined') || (issue.path.length === 0 && issue.message.endsWith('received null'))
  )
}

const FORMATS: Readonly<Record<string, string>> = {
  email: 'an e-mail address',
  url: 'a URL',
  uuid: 'a UUID',
  datetime: 'a date and time such as 2026-01-31T12:00:00Z',
  date: 'a date such as 2026-01-31',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'an IPv4 range such as 192.0.2.0/24',
  cidrv6: 'an IPv6 range such as 2001:db8::/32',
}

function typeWords(expected: string): string {
  if (expected === 'int') return 'a whole number'
  if (expected === 'null') return 'null'
  return `${/^[aeio]/.test(expected) ? 'an' : 'a'} ${expected}`
}

function tooSmall(issue: z.core.$ZodIssueTooSmall): string {
  const { origin, minimum } = issue
  if (origin === 'string' || origin === 'array' || origin === 'set') {
    if (!issue.exact && BigInt(minimum) === 1n) return 'must not be empty'
    return `must have ${issue.exact ? 'exactly' : 'at least'} ${minimum} ${unit(origin, minimum)}`
  }
  return issue.inclusive === false ? `must be more than ${minimum}` : `must be at least ${minimum}`
}

function tooBig(issue: z.core.$ZodIssueTooBig): string {
  const { origin, maximum } = issue
  if (origin === 'string' || origin === 'array' || origin === 'set') {
    return `must have ${issue.exact ? 'exactly' : 'at most'} ${maximum} ${unit(origin, maximum)}`
  }
  return issue.inclusive === false ? `must be less than ${maximum}` : `must be at most ${maximum}`
}

function unit(origin: string, count: number | bigint): string {
  const word = origin === 'string' ? 'character' : 'item'
  return BigInt(count) === 1n ? word : `${word}s`
}
