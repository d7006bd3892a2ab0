import { InvalidRequestError } from './problem.ts'
import { fieldName } from './validation.ts'

/** Deeper JSON is refused: no request of ours needs more than a handful, and recursion over it must stay small. */
const DEPTH_MAX = 64

type Fault = { path: PropertyKey[]; reason: string }

/**
 * Refuses what a request must never carry, whatever its schema says: NUL characters (PostgreSQL cannot store them), halves of surrogate pairs
 * (they are no text), and nesting beyond DEPTH_MAX. Throws InvalidRequestError naming the field. `part` is `body`, `query` or `path`.
 */
export function refuseBadInput(value: unknown, part: string): void {
  const fault = faultOf(value, 1)
  if (fault) throw new InvalidRequestError([{ field: fieldName(fault.path, part), reason: fault.reason }])
}

function faultOf(value: unknown, depth: number): Fault | undefined {
  if (typeof value === 'string') return textFault(value)
  if (typeof value !== 'object' || value === null) return undefined
  if (depth > DEPTH_MAX) return { path: [], reason: `is nested more than ${DEPTH_MAX} levels deep` }
  if (Array.isArray(value)) return arrayFault(value, depth)
  return isPlain(value) ? objectFault(value, depth) : undefined
}

function textFault(text: string): Fault | undefined {
  if (text.includes('\0')) return { path: [], reason: 'must not contain NUL characters' }
  if (!text.isWellFormed()) return { path: [], reason: 'must be valid Unicode text' }
  return undefined
}

function arrayFault(items: readonly unknown[], depth: number): Fault | undefined {
  for (let i = 0; i < items.length; i++) {
    const fault = faultOf(items[i], depth + 1)
    if (fault) return within(i, fault)
  }
  return undefined
}

function objectFault(fields: object, depth: number): Fault | undefined {
  for (const name of Object.keys(fields)) {
    const fault = textFault(name) ?? faultOf((fields as Record<string, unknown>)[name], depth + 1)
    if (fault) return within(name.replaceAll('\0', ''), fault)
  }
  return undefined
}

function within(key: PropertyKey, fault: Fault): Fault {
  fault.path.unshift(key)
  return fault
}

/** Made by a parser, not an instance of a class such as an uploaded file. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
