import { z } from 'zod'
import { invariant } from '#server/kit/invariant.ts'
import type { FieldError } from '../http/problem.ts'
import { fieldErrors } from '../http/validation.ts'
import { isSecretField } from '../telemetry/secret-fields.ts'

/** Something that operators change while the house runs: a limit, a wait, a factor. Never a secret: those come from the environment. */
export interface Setting<T> {
  /** `sign_in.failures_max`: whose it is, dot, what it is, with the unit last. */
  readonly name: string
  readonly schema: z.ZodType<T>
  /** What holds while nobody has set anything. */
  readonly default: T
  /** The default as it would be stored. */
  readonly default_value: unknown
  /** For the person who is about to change it: what it does, and what more and less of it bring. */
  readonly description: string
  /** `ms`, `seconds`, `orders`; undefined where the value has none. */
  readonly unit: string | undefined
}

/** As the table takes it. */
const NAME = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/
const NAME_MAX = 100

/** What a value may take when stored, in characters of JSON. Also the column's own limit, where a character takes up to four bytes. */
export const SETTING_VALUE_MAX = 4_000

/**
 * Declares a setting, at module level beside its user. `schema` judges what is stored, which is JSON, so amounts are texts that it turns into bigint; `default`
 * is given as it would be stored. Throws InvariantError for a name that is none or that of a secret, and for a default that the schema refuses.
 */
export function defineSetting<S extends z.ZodType>(setting: {
  name: string
  schema: S
  default: z.input<S>
  description: string
  unit?: string
}): Setting<z.output<S>> {
  const { name, schema, description, unit } = setting
  invariant(NAME.test(name) && name.length <= NAME_MAX, `${name} is not the name of a setting`)
  invariant(
    !name.split('.').some(isSecretField),
    `${name} would be a secret: those are read in platform/config from the environment`,
  )
  invariant(description !== '', `${name} says nothing about itself`)
  const parsed = schema.safeParse(setting.default)
  invariant(parsed.success, `the default of ${name} is not as its schema wants it`)
  return {
    name,
    schema: schema as z.ZodType<z.output<S>>,
    default: frozen(parsed.data),
    default_value: frozen(setting.default),
    description,
    unit,
  }
}

/** What `setting` makes of a value as stored. All readers share it, so it is frozen through and through. */
export function parseSetting<T>(setting: Setting<T>, value: unknown): z.ZodSafeParseResult<T> {
  const parsed = setting.schema.safeParse(value)
  return parsed.success ? { success: true, data: frozen(parsed.data) } : parsed
}

/** Why a value was refused, by field: `value`, `value.list.0`. */
export function valueErrors(error: z.ZodError): FieldError[] {
  const issues = error.issues.map((issue) => ({ ...issue, path: ['value', ...issue.path] }))
  return fieldErrors(new z.ZodError(issues), 'value')
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const each of Object.values(value)) frozen(each)
  return Object.freeze(value)
}
