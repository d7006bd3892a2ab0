import {
  type OrderType,
  PARAM_NAMES,
  PARAMS,
  type ParamName,
  type ParamRule,
  paramsWanted,
  typeRule,
} from '#server/domains/providers/order-types.ts'
import { unreachable } from '#server/kit/invariant.ts'
import type { OrderRefusal } from '../errors.ts'
import { isWebAddress } from './web-address.ts'

/** The parameters of a request: texts as they came, of whatever type. */
export type GivenParams = { readonly [name in ParamName]?: string | undefined }

/** The parameters among the fields of a request, and nothing else of it. */
export function givenParams(fields: GivenParams): GivenParams {
  const given: Partial<Record<ParamName, string>> = {}
  for (const name of PARAM_NAMES) {
    const value = fields[name]
    if (value !== undefined) given[name] = value
  }
  return given
}

/** All lines of one parameter together. */
const LINES_CHARS_MAX = 256 * 1024

/** Reads what an order of this type has besides link and quantity; what it has no use for is passed over. Pure. The refusal names the parameter that is missing or odd. */
export function readParams(type: OrderType, given: GivenParams): Record<string, string> | OrderRefusal {
  const params: Record<string, string> = {}
  const needed = typeRule(type).params
  for (const name of needed) {
    const value = readParam(PARAMS[name], given[name])
    if (value === undefined) return refused(name)
    params[name] = value
  }
  // What else is wanted depends on what was read.
  for (const name of paramsWanted(type, params).slice(needed.length)) {
    const value = readParam(PARAMS[name], given[name])
    if (value === undefined) return refused(name)
    params[name] = value
  }
  for (const name of typeRule(type).optional ?? []) {
    if (isNothing(given[name])) continue
    const value = readParam(PARAMS[name], given[name])
    if (value === undefined) return refused(name)
    params[name] = value
  }
  return params
}

function isNothing(text: string | undefined): boolean {
  return /^0*$/.test(text?.trim() ?? '')
}

/** The entries of a parameter that has one a line, as `readParams` made it. */
export function linesOf(value: string): string[] {
  return value.split('\n')
}

function readParam(rule: ParamRule, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  switch (rule.kind) {
    case 'lines':
      return readLines(text, rule.line_chars_max)
    case 'text': {
      const value = text.trim()
      return value !== '' && value.length <= rule.chars_max && /^[^\p{Cc}\p{Cs}]+$/u.test(value) ? value : undefined
    }
    case 'address': {
      const value = text.trim()
      return isWebAddress(value) ? value : undefined
    }
    case 'whole': {
      const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0
      return value >= 1 && value <= rule.max ? String(value) : undefined
    }
    case 'choice': {
      const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined
      return value !== undefined && rule.of.includes(value) ? String(value) : undefined
    }
    case 'day':
      return readDay(text.trim())
    default:
      return unreachable(rule)
  }
}

/** A day of the calendar as `d/m/Y`, with all its digits. */
function readDay(text: string): string | undefined {
  const [, day = '', month = '', year = ''] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text) ?? []
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  const is_day = year !== '' && at.getUTCDate() === Number(day) && at.getUTCMonth() === Number(month) - 1
  return is_day ? `${day.padStart(2, '0')}/${month.padStart(2, '0')}/${year}` : undefined
}

function readLines(text: string, line_chars_max: number): string | undefined {
  if (text.length > LINES_CHARS_MAX) return undefined
  const lines = text
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const good = lines.length > 0 && lines.every((line) => line.length <= line_chars_max && isStorable(line))
  return good ? lines.join('\n') : undefined
}

/** PostgreSQL takes neither NUL nor halves of surrogate pairs, and one such text would fail its whole batch. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

function refused(field: ParamName): OrderRefusal {
  const code = field === 'comments' ? 'comments_invalid' : 'parameter_invalid'
  return { code, field, message: `${field}: ${wantedOf(PARAMS[field])}.` }
}

/** What a value of this parameter has to be, for callers to read. */
export function wantedOf(rule: ParamRule): string {
  switch (rule.kind) {
    case 'lines':
      return `one a line, each of up to ${rule.line_chars_max} characters, at least one`
    case 'text':
      return `one line of 1 to ${rule.chars_max} characters`
    case 'address':
      return 'a web address of up to 2048 characters'
    case 'whole':
      return `a whole number from 1 to ${rule.max}`
    case 'choice':
      return `one of ${rule.of.join(', ')}`
    case 'day':
      return 'a day as `d/m/Y`, such as 31/12/2030'
    default:
      return unreachable(rule)
  }
}
