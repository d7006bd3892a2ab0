import { hash } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Failure } from '../telemetry/failures.ts'
import { maskText } from '../telemetry/mask-text.ts'

/** A failure in texts that may be stored and sent on: bounded, secrets masked. */
export interface DescribedFailure {
  /** The same for the same kind, error and place in the code, whatever the message says. */
  readonly fingerprint: string
  /** Class and code: `TypeError`, `error 23505`. */
  readonly error: string
  /** The function and file of ours that it came through first: `writeOrders server/domains/orders/write-orders.ts`. No line, which any edit would change. */
  readonly place: string
  readonly message: string
  /** With the stacks of its causes. */
  readonly stack: string
}

const MESSAGE_CHARS_MAX = 1_000
const STACK_CHARS_MAX = 8_000
const ERROR_CHARS_MAX = 200
const PLACE_CHARS_MAX = 300

/** Longer chains of causes repeat themselves. */
const CAUSES_MAX = 4

/** Lines of a stack that are looked at; Node writes ten by default. */
const FRAMES_MAX = 50

/** Where our own code lies, as frames spell it: with and without the scheme. */
const ROOT_URL = pathToFileURL(join(import.meta.dirname, '../../..')).href
const ROOTS = [`${ROOT_URL}/`, `${join(import.meta.dirname, '../../..')}/`]

/** Describes a failure. Any value may have been thrown. */
export function describeFailure({ kind, name, error }: Omit<Failure, 'correlation'>): DescribedFailure {
  const what = nameOf(error)
  const place = placeOf(error)
  // Where none of our code is to be seen, the route or job tells failures apart.
  const way = place.endsWith(ELSEWHERE) ? [kind, what, place, name] : [kind, what, place]
  return {
    fingerprint: hash('sha256', JSON.stringify(way), 'hex').slice(0, 32),
    error: what,
    place,
    message: storable(error instanceof Error ? error.message : String(error), MESSAGE_CHARS_MAX),
    stack: storable(stackOf(error), STACK_CHARS_MAX),
  }
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const { code } = error as { code?: unknown }
  const isCode = typeof code === 'string' && /^[A-Za-z0-9_]{2,60}$/.test(code)
  return storable(isCode ? `${error.name} ${code}` : error.name, ERROR_CHARS_MAX) || 'Error'
}

/** Code that is not ours. */
const ELSEWHERE = 'elsewhere'

/** Passed through by every statement and every check: what called them tells more. */
const PASSED_THROUGH = ['server/platform/db/', 'server/kit/']

function placeOf(error: unknown): string {
  const frames = causesOf(error).flatMap(framesOf)
  const own = frames.filter((frame) => frame.path !== undefined)
  const [found] = [
    ...own.filter((frame) => !PASSED_THROUGH.some((each) => frame.path?.startsWith(each))),
    ...own,
    ...frames,
  ]
  if (!found) return ELSEWHERE
  return storable(`${found.called} ${found.path ?? ELSEWHERE}`.trim(), PLACE_CHARS_MAX)
}

interface Frame {
  called: string
  /** From the root of the project; undefined for code that is not ours. */
  path: string | undefined
}

/** `    at async writeOrders (file:///…/server/domains/orders/write-orders.ts:12:5)`, and without a name. */
const FRAME = /^ {4}at (?:async )?(?:(.{1,200}) \((.{1,500}):\d+:\d+\)|(.{1,500}):\d+:\d+)$/

function framesOf(error: Error): Frame[] {
  const lines = (error.stack ?? '').split('\n', FRAMES_MAX)
  return lines.flatMap((line) => {
    const [, called = '', inParentheses, bare] = FRAME.exec(line) ?? []
    const file = inParentheses ?? bare
    return file === undefined ? [] : [{ called, path: ownPath(file) }]
  })
}

function ownPath(file: string): string | undefined {
  const root = ROOTS.find((each) => file.startsWith(each))
  const path = root && file.slice(root.length)
  return path?.startsWith('node_modules/') ? undefined : path
}

/** The error and its causes, outermost first. */
function causesOf(error: unknown): Error[] {
  const found: Error[] = []
  let each = error
  while (each instanceof Error && found.length < CAUSES_MAX && !found.includes(each)) {
    found.push(each)
    each = each.cause
  }
  return found
}

const CAUSED_BY = '\ncaused by '

/** The stack of each cause of a described failure, outermost first. */
export function splitCauses(stack: string): string[] {
  return stack.split(CAUSED_BY)
}

function stackOf(error: unknown): string {
  const causes = causesOf(error)
  if (causes.length === 0) return String(error)
  const stacks = causes.map((each) => each.stack ?? `${each.name}: ${each.message}`)
  // Paths of this machine tell nothing.
  return ROOTS.reduce((text, root) => text.replaceAll(root, ''), stacks.join(CAUSED_BY))
}

/** Masked before it is cut, without what PostgreSQL does not take. */
function storable(text: string, chars_max: number): string {
  const masked = maskText(text.slice(0, 4 * chars_max))
  return masked.replaceAll('\0', '').toWellFormed().slice(0, chars_max).toWellFormed()
}
