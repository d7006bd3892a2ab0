import { z } from 'zod'
import { ACTIONS, FAULT_NAMES, FAULTS, type FaultName, type FaultSetting } from './faults.ts'
import { readAmount } from './money.ts'

/** Input the control door refuses; `message` names the field. */
export class ControlError extends Error {
  override name = 'ControlError'
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

/** A day; nothing in a sandbox waits longer. */
const MS_MAX = 86_400_000
/** Larger answers would only fill the memory of the machine that tests. */
const BYTES_MAX = 64_000_000
const PAGE_MAX = 1_000
const QUANTITY_MAX = 1_000_000_000
const SEED_ORDERS_MAX = 10_000

const amount = z.string().transform((text, context) => {
  const micro = readAmount(text)
  if (micro !== undefined) return micro
  context.addIssue({ code: 'custom', message: 'expected a decimal such as "123.45"' })
  return z.NEVER
})
const positive = amount.refine((micro) => micro >= 0n, 'must not be below zero')

const SETTING = z.strictObject({
  probability: z.number().min(0).max(1),
  limit: z.int().min(1).optional(),
  actions: z.array(z.enum(ACTIONS)).min(1).optional(),
  ms: z.int().min(0).max(MS_MAX).optional(),
  status: z.int().min(400).max(599).optional(),
  percent: z.int().min(-99).max(10_000).optional(),
  bytes: z.int().min(0).max(BYTES_MAX).optional(),
})

export const INPUT = {
  page: z.strictObject({
    after: z.string().default(''),
    limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  }),
  balance: z
    .strictObject({ balance: positive.optional(), add: amount.optional() })
    .refine(({ balance, add }) => (balance === undefined) !== (add === undefined), {
      path: ['balance'],
      message: 'expected either {"balance":"123.45"} or {"add":"10"}',
    }),
  finish: z.strictObject({
    status: z.enum(['Completed', 'Partial', 'Canceled', 'Expired']),
    remains: z.int().min(0).optional(),
    start_count: z.int().min(0).max(QUANTITY_MAX).optional(),
  }),
  pace: z
    .strictObject({
      complete_ms_min: z.int().min(0).max(MS_MAX),
      complete_ms_max: z.int().min(0).max(MS_MAX),
      post_every_ms: z.int().min(0).max(MS_MAX).optional(),
    })
    .refine((pace) => pace.complete_ms_min <= pace.complete_ms_max, {
      path: ['complete_ms_max'],
      message: 'must not be below complete_ms_min',
    }),
  post: z
    .strictObject({ quantity: z.int().min(1).max(QUANTITY_MAX).optional(), order: z.string().min(1).optional() })
    .refine(({ quantity, order }) => quantity === undefined || order === undefined, {
      path: ['order'],
      message: 'expected either a quantity or an order that is there already',
    }),
  extensions: z.strictObject({
    request_id: z.boolean().default(false),
    natural_window_ms: z.int().min(0).max(MS_MAX).default(0),
    orders_list: z.boolean().default(false),
  }),
  service: z.strictObject({
    rate: positive.optional(),
    min: z.int().min(1).max(QUANTITY_MAX).optional(),
    max: z.int().min(1).max(QUANTITY_MAX).optional(),
    disabled: z.boolean().optional(),
  }),
  orders: z.strictObject({
    orders: z.array(z.record(z.string(), z.string())).min(1).max(SEED_ORDERS_MAX),
  }),
} as const

/** Checks `value`. Throws ControlError that names the first wrong field. */
export function readInput<T extends z.ZodType>(schema: T, value: unknown, at = ''): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const unrecognized = issue?.code === 'unrecognized_keys' ? issue.keys : []
  const path = [at, ...(issue?.path ?? []), ...unrecognized.slice(0, 1)].filter((part) => part !== '').join('.')
  throw new ControlError(`${path === '' ? 'body' : path}: ${issue?.message ?? 'not valid'}`)
}

/** Reads a whole set of faults: by name, a setting or a bare probability. Throws ControlError. */
export function readFaults(value: unknown): Map<FaultName, FaultSetting & { fired: number }> {
  const entries = Object.entries(readInput(z.record(z.string(), z.unknown()), value))
  return new Map(
    entries.map(([text, given]) => {
      const name = FAULT_NAMES.find((known) => known === text)
      if (name === undefined) throw new ControlError(`${text}: unknown fault; known are ${FAULT_NAMES.join(', ')}`)
      return [name, { ...readSetting(name, given), fired: 0 }]
    }),
  )
}

function readSetting(name: FaultName, given: unknown): FaultSetting {
  const setting = readInput(SETTING, typeof given === 'number' ? { probability: given } : given, name)
  const { actions, parameter } = FAULTS[name]
  const other = setting.actions?.find((action) => !actions.includes(action))
  if (other !== undefined) throw new ControlError(`${name}.actions: ${other} is not among ${actions.join(', ')}`)
  for (const field of ['ms', 'status', 'percent', 'bytes'] as const) {
    if (setting[field] === undefined || parameter?.[0] === field) continue
    throw new ControlError(`${name}.${field}: this fault takes ${parameter?.[0] ?? 'no parameter'}`)
  }
  return setting
}
