import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { rememberOrder } from './orders.ts'
import type { Panel } from './panel.ts'
import { SERVICE_TYPES } from './service-types.ts'

/**
 * The panel's memory on disk: one JSON line a fact, the last line about a thing counts. A fact is written before its answer leaves, so that
 * what a customer was told survives a kill of the process (not of the machine: nothing waits for the disk).
 */
export interface StateFile {
  append(kind: RowKind, row: object): void
  /** Writes the whole state anew, shorter; the old file stays whole until the new one is. */
  rewrite(panel: Panel): void
  close(): void
}

const micro = z.string().transform((text) => BigInt(text))

const SUBSCRIPTION = z.object({
  min: z.int(),
  max: z.int(),
  delay_ms: z.number(),
  posts: z.int().nullable(),
  old_posts: z.int(),
  expires_ms: z.number().nullable(),
  goes_beyond: z.boolean(),
  made: z.int(),
  next_ms: z.number().nullable(),
  paused: z.boolean(),
  listed: z.array(z.string()),
})

const ROWS = {
  account: z.object({ opening: micro, added: micro, next_order_id: z.int(), orders: z.int() }),
  pace: z.object({
    complete_ms_min: z.number(),
    complete_ms_max: z.number(),
    post_every_ms: z.number().optional(),
  }),
  service: z.object({ service: z.int(), rate: micro, min: z.int(), max: z.int(), disabled: z.boolean() }),
  order: z.object({
    number: z.int(),
    id: z.string(),
    service: z.int(),
    type: z.enum(SERVICE_TYPES),
    link: z.string(),
    quantity: z.int(),
    rate: micro,
    charge: micro,
    net: micro,
    created_ms: z.number(),
    fate: z.enum(['complete', 'partial', 'cancel', 'never']),
    fields: z.record(z.string(), z.string()),
    progress: z.number(),
    progress_ms: z.number(),
    final: z
      .object({
        status: z.enum(['Completed', 'Partial', 'Canceled', 'Expired']),
        remains: z.int(),
        start_count: z.int(),
        ended_ms: z.number(),
      })
      .nullable(),
    subscription: SUBSCRIPTION.nullable().default(null),
    parent: z.string().nullable().default(null),
    polls: z.int(),
    answer: z.string(),
  }),
  refill: z.object({
    id: z.string(),
    order_id: z.string(),
    created_ms: z.number(),
    rejected: z.boolean().default(false),
  }),
}
type RowKind = keyof typeof ROWS
const LINE = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('account'), row: ROWS.account }),
  z.object({ kind: z.literal('pace'), row: ROWS.pace }),
  z.object({ kind: z.literal('service'), row: ROWS.service }),
  z.object({ kind: z.literal('order'), row: ROWS.order }),
  z.object({ kind: z.literal('refill'), row: ROWS.refill }),
])

/** Opens the file and fills the panel with what it holds. Throws when a line cannot be read, naming file and line. */
export function openStateFile(path: string, panel: Panel): StateFile {
  if (existsSync(path)) restore(path, panel)
  let handle = writeAnew(path, panel)
  return {
    append: (kind, row) => {
      writeSync(handle, line(kind, row))
    },
    rewrite: (state) => {
      closeSync(handle)
      handle = writeAnew(path, state)
    },
    close: () => closeSync(handle),
  }
}

/** The panel's money and ids as they stand, for `append('account', …)`. */
export function accountRow(panel: Panel): object {
  const { opening, added, next_order_id } = panel
  return { opening, added, next_order_id, orders: panel.orders.length }
}

function restore(path: string, panel: Panel): void {
  const lines = readFileSync(path, 'utf8').split('\n')
  // What follows the last line end was cut off while being written, so nobody was told of it.
  lines.pop()
  const orders = new Map<string, z.infer<typeof ROWS.order>>()
  let account: z.infer<typeof ROWS.account> | undefined
  for (const [index, text] of lines.entries()) {
    const { kind, row } = parseLine(text, `${path}, line ${index + 1}`)
    if (kind === 'account') account = row
    else if (kind === 'pace') panel.pace = row
    else if (kind === 'order') orders.set(row.id, row)
    else if (kind === 'refill') panel.refills.push(row)
    else restoreService(panel, row)
  }
  if (account === undefined) throw new Error(`${path}: no account line; remove the file to start anew`)
  for (const order of orders.values()) rememberOrder(panel, order)
  panel.opening = account.opening
  panel.added = account.added
  panel.balance = panel.orders.reduce((balance, order) => balance - order.net, account.opening + account.added)
  panel.next_order_id = account.next_order_id + (panel.orders.length - account.orders)
}

function parseLine(text: string, place: string): z.infer<typeof LINE> {
  try {
    return LINE.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`${place}: not readable; remove the file to start anew`, { cause })
  }
}

function restoreService(panel: Panel, row: z.infer<typeof ROWS.service>): void {
  const service = panel.services.get(row.service)
  if (service) Object.assign(service, row)
}

function writeAnew(path: string, panel: Panel): number {
  const lines = [
    line('account', accountRow(panel)),
    line('pace', panel.pace),
    ...Array.from(panel.services.values(), ({ service, rate, min, max, disabled }) =>
      line('service', { service, rate, min, max, disabled }),
    ),
    ...panel.orders.map((order) => line('order', order)),
    ...panel.refills.map((refill) => line('refill', refill)),
  ]
  writeFileSync(`${path}.new`, lines.join(''), { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return openSync(path, 'a')
}

function line(kind: RowKind, row: object): string {
  const text = JSON.stringify({ kind, row }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
  return `${text}\n`
}
